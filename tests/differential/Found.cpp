// Steps that once broke the chain, as reducing left them: found by random graphs in longer runs
// than a test's. Each runs at every level and target, under the machine that it was found with.
#include "Chain.h"

#include "gdjit/Driver/ReadStep.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <gtest/gtest.h>

using namespace gdjit;
using namespace gdjit::testing;

namespace {

void expect_chain(const std::string& text, const MachineTable& machine) {
  const TextStep read = read_step(
      "gdir 1\nstage declared\nmodel found\nstep training\nbatch 0\n" + text, "found.gdir");
  std::vector<CodeChoice> choices = code_choices();
  for (CodeChoice& choice : choices)
    choice.machine = machine;
  CallArguments arguments =
      random_arguments(read.step.signature, 1, index_bound(read.step.graph), true);
  EXPECT_EQ(broken_link(read.step, arguments, choices), "");
}

TEST(Found, rows_on_which_a_sum_does_not_depend_are_no_lanes) {
  expect_chain(R"(
input x : bool[17,1,2,9,2]
output y : bool[17,1,1,1,2]
graph {
  %0 = input x : bool[17,1,2,9,2]
  %1 = gt %0, %0 : bool[17,1,2,9,2]
  %2 = logical_and %1, %0 : bool[17,1,2,9,2]
  %3 = all %2 axes=[2, 3] keepdims : bool[17,1,1,1,2]
  output y = %3
}
)",
               {.vector_bytes = 32});
}

TEST(Found, masked_vectors_wider_than_a_register_touch_no_masked_lane) {
  expect_chain(R"(
input x : f32[1,1,1]
input y : f32[9,17,17]
output z : f32[9,17,17]
graph {
  %0 = input x : f32[1,1,1]
  %1 = input y : f32[9,17,17]
  %2 = pad %0 low=[7, 4, 13] high=[1, 12, 3] fill=0 : f32[9,17,17]
  %3 = add %2, %1 : f32[9,17,17]
  output z = %3
}
)",
               {.vector_bytes = 64, .vector_registers = 50});
}

} // namespace
