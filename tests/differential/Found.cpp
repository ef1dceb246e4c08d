// Steps that once broke the chain, as reducing left them: found by random graphs in longer runs
// than a test's.
#include "Chain.h"

#include "gdjit/Driver/ReadStep.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

using namespace gdjit;
using namespace gdjit::testing;

namespace {

TextStep found(const std::string& text) {
  return read_step("gdir 1\nstage declared\nmodel found\nstep training\nbatch 0\n" + text,
                   "found.gdir");
}

void expect_chain(const TextStep& read, const std::vector<CodeChoice>& choices) {
  CallArguments arguments =
      random_arguments(read.step.signature, 1, index_bound(read.step.graph), true);
  EXPECT_EQ(broken_link(read.step, arguments, choices), "");
}

/// At every level and target, under the machine that it was found with.
void expect_chain(const TextStep& read, const MachineTable& machine) {
  std::vector<CodeChoice> choices = code_choices();
  for (CodeChoice& choice : choices)
    choice.machine = machine;
  expect_chain(read, choices);
}

TEST(Found, rows_on_which_a_sum_does_not_depend_are_no_lanes) {
  expect_chain(found(R"(
input x : bool[17,1,2,9,2]
output y : bool[17,1,1,1,2]
graph {
  %0 = input x : bool[17,1,2,9,2]
  %1 = gt %0, %0 : bool[17,1,2,9,2]
  %2 = logical_and %1, %0 : bool[17,1,2,9,2]
  %3 = all %2 axes=[2, 3] keepdims : bool[17,1,1,1,2]
  output y = %3
}
)"),
               MachineTable{.vector_bytes = 32});
}

TEST(Found, what_columns_share_of_a_tile_is_read_before_it_is_used) {
  expect_chain(found(R"(
output y : i64[4,2]
graph {
  %0 = iota axis=0 : i64[4,9]
  %1 = div %0, %0 : i64[4,9]
  %2 = constant 2 : i64[]
  %3 = broadcast %2 : i64[9,2]
  %4 = matmul %1, %3 order=i64:sequential : i64[4,2]
  output y = %4
}
)"),
               MachineTable{});
}

TEST(Found, masked_vectors_wider_than_a_register_touch_no_masked_lane) {
  expect_chain(found(R"(
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
)"),
               MachineTable{.vector_bytes = 64, .vector_registers = 50});
}

TEST(Found, what_waits_for_a_reader_comes_behind_what_it_reads) {
  expect_chain(found(R"(
input x : f32[7,1,33,9]
output slope : f32[7,1,33,9]
output logarithm : f32[1,7,1,33,9]
output greater : bool[7,1,33,9]
output total : f32[1,7,1,33,1]
graph {
  %0 = input x : f32[7,1,33,9]
  %1 = neg %0 : f32[7,1,33,9]
  %2 = guard %1, %0 : f32[7,1,33,9]
  %3 = pow %1, %0 : f32[7,1,33,9]
  %4 = maximum %2, %0 : f32[7,1,33,9]
  %5 = sign %4 : f32[7,1,33,9]
  %6 = reshape %4 : f32[1,7,1,33,9]
  %7 = sum %6 axes=[4] keepdims order=f32:sequential : f32[1,7,1,33,1]
  %8 = relu %1 : f32[7,1,33,9]
  %9 = reciprocal %6 : f32[1,7,1,33,9]
  %10 = gt %5, %8 : bool[7,1,33,9]
  %11 = log1p %9 : f32[1,7,1,33,9]
  %12 = sum %3 axes=[0, 1, 2, 3] order=f32:partials(64) : f32[]
  %13 = gradient %12, %0 : f32[7,1,33,9]
  output slope = %13
  output logarithm = %11
  output greater = %10
  output total = %7
}
)"),
               {CodeChoice{.target = "native", .level = 2}});
}

TEST(Found, pieces_of_a_loop_over_operands_of_the_highest_rank_copy_none) {
  std::vector<CodeChoice> choices = code_choices();
  for (CodeChoice& choice : choices) {
    choice.machine = MachineTable{.least_shared = 1};
    choice.threads = 2;
  }
  expect_chain(found(R"(
input x : f32[2,2,2,2,2,2,16,20]
input y : f32[2,2,2,2,2,2,24,20]
output z : f32[2,2,2,2,2,2,16,24]
graph {
  %0 = input x : f32[2,2,2,2,2,2,16,20]
  %1 = input y : f32[2,2,2,2,2,2,24,20]
  %2 = matmul %0, %1 transpose_rhs : f32[2,2,2,2,2,2,16,24]
  output z = %2
}
)"),
               choices);
}

TEST(Found, one_node_is_the_next_value_of_two_states_of_which_one_is_read) {
  expect_chain(found(R"(
input x : f32[512,64]
input y : f32[64,512]
state a : f32[512,512] = zeros
state b : f32[512,512] = zeros
output o : f32[512,512]
update a
update b
graph {
  %0 = input x : f32[512,64]
  %1 = input y : f32[64,512]
  %2 = state b : f32[512,512]
  %3 = matmul %0, %1 : f32[512,512]
  %4 = sqrt %3 : f32[512,512]
  %5 = mul %2, %2 : f32[512,512]
  output o = %5
  update a = %4
  update b = %4
}
)"),
               {CodeChoice{.target = "native", .level = 2}});
}

TEST(Found, the_chains_of_many_sums_beside_each_other_fit_the_stack) {
  std::string signature = "input x : f32[1024,15]\n",
              graph = "graph {\n  %x = input x : f32[1024,15]\n  %h0 = tanh %x : f32[1024,15]\n",
              outputs;
  for (int i = 1; i <= 80; ++i) {
    signature += fmt::format("output s{} : f32[15]\n", i);
    graph += fmt::format(
        "  %h{0} = add %h{1}, %x : f32[1024,15]\n  %s{0} = sum %h{0} axes=[0] : f32[15]\n", i,
        i - 1);
    outputs += fmt::format("  output s{0} = %s{0}\n", i);
  }
  const TextStep step = found(signature + graph + outputs + "}\n");
  expect_chain(step, {CodeChoice{.target = "native", .level = 2}});
  expect_chain(
      step,
      {CodeChoice{.target = "native", .level = 0, .machine = MachineTable{.stack_bytes = 4096}}});
}

} // namespace
