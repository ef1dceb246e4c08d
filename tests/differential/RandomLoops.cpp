// Random loops as text, as a person might write them and no graph gives them: nests of loads,
// stores, tiles, joins and masks that read what they stored. The bits of the loops are those of
// their schedule for a machine drawn by the seed, of its plan, and of native code.
//
// GDJIT_SEED=n runs the program of one seed alone; GDJIT_LOOPS=n that many per shard.
#include "Chain.h"
#include "RandomLoopText.h"

#include "gdjit/Driver/ReadStep.h"
#include "gdjit/Support/AtomicFile.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

using namespace gdjit;
using namespace gdjit::testing;

namespace {

uint64_t number(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

bool holds(uint64_t seed, const std::vector<CodeChoice>& choices) {
  const std::string text = random_loop_text(seed);
  std::string broken;
  CodeChoice choice = choices[seed * 7919 % choices.size()];
  if (seed % 4 != 0)
    force(choice, seed);
  try {
    TextStep read = read_step(text, "loops.gdir");
    const CallArguments arguments =
        random_arguments(read.program.signature, seed, 3, seed % 2 == 0);
    broken = broken_link(Work{.step = {}, .program = std::move(read.program), .stage = read.stage},
                         arguments, {choice});
  } catch (const Error& error) {
    broken = error.what();
  }
  if (broken.empty())
    return true;
  const std::string file = fmt::format("{}/loops-{}.gdir", GDJIT_BINARY_DIR, seed);
  write_file(file, text);
  ADD_FAILURE() << "seed " << seed << ", target " << choice.target << ", level " << choice.level
                << ": " << broken << "\nwritten to " << file;
  return false;
}

class RandomLoops : public ::testing::TestWithParam<uint64_t> {};

TEST_P(RandomLoops, give_the_same_bits_scheduled_planned_and_as_native_code) {
  const std::vector<CodeChoice> choices = code_choices();
  ASSERT_FALSE(choices.empty());
  if (const uint64_t seed = number("GDJIT_SEED", 0)) {
    if (GetParam() == 0)
      holds(seed, choices);
    return;
  }
  const uint64_t programs = number("GDJIT_LOOPS", 60), first = 1 + GetParam() * 1'000'000;
  int failures = 0;
  for (uint64_t seed = first; seed < first + programs && failures < 3; ++seed)
    failures += !holds(seed, choices);
}

INSTANTIATE_TEST_SUITE_P(Shard, RandomLoops, ::testing::Range<uint64_t>(0, 4));

} // namespace
