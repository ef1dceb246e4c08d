// Random steps as text: at every stage what is printed reads back to the same text, and goes on to
// the same plan.
#include "RandomStep.h"

#include "gdjit/Driver/Compile.h"
#include "gdjit/Driver/ReadStep.h"
#include "gdjit/Transforms/StructuralHash.h"

#include <gtest/gtest.h>

namespace gdjit {
namespace {

Work read(const std::string& text) {
  TextStep step = read_step(text, "step.gdir");
  return {.step = std::move(step.step), .program = std::move(step.program), .stage = step.stage};
}

/// Prints and reads `work`, and goes on from there to Planned.
std::string plan_from_text(const Compilation& c) {
  std::string text = print(c);
  Work again = read(text);
  EXPECT_EQ(again.stage, c.options.last);
  if (again.is_graph()) { // initial values, and loops, are numbered anew in the order of the text
    Step body = again.step;
    body.signature = c.work.step.signature;
    EXPECT_EQ(structural_hash(body), structural_hash(c.work.step)) << text;
  }
  Compilation same = compile(again, {.last = c.options.last});
  EXPECT_EQ(print(same), text);
  return print(compile(std::move(again), {.last = Stage::Planned}));
}

TEST(Text, RandomStepsReadBackAtEveryStageAndGoOnToTheSamePlan) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Step step = testing::random_step(seed);
    std::string plan = print(compile(step, {.last = Stage::Planned, .verify = true}));
    for (int stage = 0; stage <= static_cast<int>(Stage::Planned); ++stage) {
      SCOPED_TRACE(name(static_cast<Stage>(stage)));
      Compilation c = compile(step, {.last = static_cast<Stage>(stage)});
      ASSERT_NO_THROW(EXPECT_EQ(plan_from_text(c), plan));
      ASSERT_FALSE(HasFailure()) << print(c);
    }
  }
}

} // namespace
} // namespace gdjit
