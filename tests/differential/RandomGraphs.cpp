// Random graphs over all ops, types and shapes: 2,000 a run, each at one level and target drawn by
// its seed.
//
// GDJIT_SEED=n runs the graph of one seed alone; GDJIT_GRAPHS=n that many per shard.
#include "Chain.h"
#include "RandomStep.h"

#include "gdjit/IR/Text.h"
#include "gdjit/Ops/Op.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

using namespace gdjit;
using namespace gdjit::testing;

namespace {

constexpr uint64_t shards = 8;

uint64_t number(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// Runs the chain for one seed; false where it broke.
bool holds(uint64_t seed, const std::vector<CodeChoice>& choices) {
  Step step = random_step(seed);
  const CodeChoice& choice = choices[seed * 7919 % choices.size()];
  CallArguments arguments =
      random_arguments(step.signature, seed, index_bound(step.graph) + (seed % 16 == 0), true);
  std::string broken = broken_link(step, arguments, choice);
  if (broken.empty())
    return true;
  Reduced reduced = reduce(step, arguments, choice);
  ADD_FAILURE() << "seed " << seed << ", target " << choice.target << ", level " << choice.level
                << ": " << broken
                << "\nreduced: " << broken_link(reduced.step, reduced.arguments, choice)
                << "\nwritten to " << write_reproducer(reduced, seed) << "\n"
                << print(reduced.step);
  return false;
}

class RandomGraphs : public ::testing::TestWithParam<uint64_t> {};

TEST_P(RandomGraphs, give_the_same_bits_at_every_stage_and_as_native_code) {
  std::vector<CodeChoice> choices = code_choices();
  ASSERT_FALSE(choices.empty());
  if (uint64_t seed = number("GDJIT_SEED", 0)) {
    if (GetParam() == 0)
      holds(seed, choices);
    return;
  }
  uint64_t graphs = number("GDJIT_GRAPHS", 250), first = 1 + GetParam() * 1'000'000;
  RecordProperty("first_seed", std::to_string(first));
  int failures = 0;
  for (uint64_t seed = first; seed < first + graphs && failures < 3; ++seed)
    failures += !holds(seed, choices);
  std::printf("seeds %llu to %llu\n", static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(first + graphs - 1));
}

INSTANTIATE_TEST_SUITE_P(Shard, RandomGraphs, ::testing::Range<uint64_t>(0, shards));

TEST(RandomSteps, are_the_same_for_the_same_seed_and_hold_every_op) {
  std::set<Opcode> seen;
  std::set<int> ranks;
  std::set<DType> types;
  bool empty = false;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    Step step = random_step(seed);
    if (seed <= 20)
      EXPECT_EQ(print(step), print(random_step(seed)));
    for (NodeId n = 0; n < step.graph.size(); ++n) {
      seen.insert(step.graph.op(n));
      ranks.insert(step.graph.type(n).shape.rank());
      types.insert(step.graph.type(n).dtype);
      empty |= step.graph.type(n).elements() == 0;
    }
  }
  for (int i = 0; i < opcode_count; ++i)
    EXPECT_TRUE(seen.count(static_cast<Opcode>(i))) << name(static_cast<Opcode>(i));
  EXPECT_EQ(types.size(), static_cast<size_t>(dtype_count));
  for (int rank = 0; rank <= 6; ++rank)
    EXPECT_TRUE(ranks.count(rank)) << rank;
  EXPECT_TRUE(empty);
}

} // namespace
