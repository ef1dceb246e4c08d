// GraphBuilder: sharing, constants, and graphs of great depth.
#include "Cases.h"

namespace gdjit::testing {
namespace {

TEST(GraphBuilder, verbatim_appends_what_is_written) {
  Bench bench;
  Value x = bench.input(row<float>({1, 2}));
  EXPECT_NE(bench.builder().append(Opcode::Negate, {x}),
            bench.builder().append(Opcode::Negate, {x}));
}

TEST(GraphBuilder, shared_returns_the_equal_node) {
  Bench bench;
  Value x = bench.input(row<float>({1, 2}));
  bench.builder().append(Opcode::Negate, {x});
  GraphBuilder shared(bench.graph(), bench.signature(), Sharing::shared);
  NodeId before = bench.graph().size();
  EXPECT_EQ(shared.append(Opcode::Negate, {x}).node, 1u) << "nodes already there take part";
  Value sum = shared.append(Opcode::Sum, {x}, Attributes().integers(Attr::axes, {-1}));
  EXPECT_EQ(shared.append(Opcode::Sum, {x}), sum) << "completed attributes decide";
  EXPECT_NE(shared.append(Opcode::Sum, {x}, Attributes().boolean(Attr::keepdims, true)), sum);
  EXPECT_EQ(bench.graph().size(), before + 2);
  EXPECT_EQ(shared.constant({DType::f32, {2}}, 1), shared.constant({DType::f32, {2}}, 1));
  EXPECT_NE(shared.constant({DType::f32, {2}}, 0.0), shared.constant({DType::f32, {2}}, -0.0));
}

TEST(GraphBuilder, knows_constants_behind_broadcasts_and_reshapes) {
  Bench bench;
  Value c = bench.builder().constant({DType::f32, {2, 3}}, 0.1);
  double value = 0;
  ASSERT_TRUE(bench.builder().constant_value(c, value));
  EXPECT_EQ(value, 0.1f) << "rounded once to the type";
  EXPECT_TRUE(bench.builder().is_constant(bench.builder().constant({DType::f64, {}}, -0.0), -0.0));
  EXPECT_FALSE(bench.builder().is_constant(bench.builder().constant({DType::f64, {}}, -0.0), 0.0));
  EXPECT_TRUE(bench.builder().is_constant(bench.builder().constant({DType::f64, {}}, NAN), NAN));
  EXPECT_FALSE(bench.builder().constant_value(bench.builder().constant(row<float>({1, 2})), value));
  EXPECT_TRUE(bench.builder().constant_value(bench.builder().constant(row<float>({7, 7})), value));
  EXPECT_FALSE(bench.builder().constant_value(bench.input(row<float>({7, 7})), value));
  constexpr int64_t big = (int64_t{1} << 53) + 1; // no double
  EXPECT_TRUE(bench.builder().constant_value(bench.builder().constant(row<int64_t>({big})), value));
  EXPECT_FALSE(bench.builder().constant_value(
      bench.builder().constant(row<int64_t>({big, big - 1})), value));
  EXPECT_FALSE(bench.builder().is_constant(bench.builder().constant(row<int64_t>({big})), 0x1p53));
  EXPECT_TRUE(bench.builder().is_constant(bench.builder().constant(row<int64_t>({5})), 5));
  EXPECT_FALSE(bench.builder().is_constant(bench.builder().constant(row<int64_t>({5})), 5.5));
}

TEST(GraphBuilder, shares_nodes_whose_numbers_are_nans_of_any_bits) {
  Bench bench;
  Value x = bench.input(row<float>({1, 2}));
  GraphBuilder shared(bench.graph(), bench.signature(), Sharing::shared);
  auto padded = [&](double fill) {
    return shared.append(
        Opcode::Pad, {x},
        Attributes().integers(Attr::low, {1}).integers(Attr::high, {0}).real(Attr::fill, fill));
  };
  EXPECT_EQ(padded(NAN), padded(-NAN));
  EXPECT_NE(padded(0.0), padded(-0.0));
}

TEST(GraphBuilder, expressions_broadcast_rank_0_and_numbers) {
  Bench bench;
  Expr x = bench.expr(row<double>({1, 2})), s = bench.expr(Array(TensorType{DType::f64, {}}, {10}));
  EXPECT_EQ(elements<double>(bench.run((1 - x * s / 2 + s).value)), (std::vector<double>{6, 1}));
  EXPECT_EQ(elements<double>(bench.run(sum_to(broadcast_to(x, {3, 2}), {1, 2}).value)),
            (std::vector<double>{3, 6}));
}

TEST(GraphBuilder, a_chain_of_depth_1000000_is_built_and_interpreted) {
  Bench bench;
  Value v = bench.input(row<float>({1}));
  GraphBuilder shared(bench.graph(), bench.signature(), Sharing::shared);
  for (int i = 0; i < 1'000'000; ++i)
    v = shared.append(Opcode::Negate, {v});
  Step step;
  step.signature = bench.signature();
  step.graph = std::move(bench.graph());
  step.outputs = {v};
  EXPECT_EQ(interpret(step, bench.arguments()).outputs[0].at(0), 1);
}

} // namespace
} // namespace gdjit::testing
