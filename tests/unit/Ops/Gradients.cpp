// Every derivative rule: the whole Jacobian in f64 against central differences, and the corners
// that are stated.
#include "Cases.h"

#include <algorithm>
#include <cmath>

namespace gdjit::testing {
namespace {

using Rows = std::vector<std::vector<double>>; // [output element][operand element]

/// Adjoints of a node's operands by its rule, those not wanted invalid.
std::vector<Value> vjp(Bench& bench, const Built& built, Value adjoint,
                       const std::vector<bool>& wanted) {
  const Graph& graph = bench.graph();
  std::vector<Value> operands(built.operands);
  Attributes attributes = graph.attributes(built.result.node);
  auto flags = std::make_unique<bool[]>(wanted.size());
  std::copy(wanted.begin(), wanted.end(), flags.get());
  Vjp rule(bench.builder(), attributes, operands, built.result, adjoint,
           {flags.get(), wanted.size()});
  info(graph.op(built.result.node)).block->vjp(rule);
  return {rule.adjoints().begin(), rule.adjoints().end()};
}

Rows by_rule(Bench& bench, const Built& built, Value adjoint, uint32_t adjoint_row,
             size_t operand) {
  std::vector<bool> wanted(built.operands.size(), false);
  wanted[operand] = true;
  Value gradient = vjp(bench, built, adjoint, wanted)[operand];
  EXPECT_TRUE(gradient.valid());
  Array& g = bench.arguments().inputs[adjoint_row];
  Rows rows;
  for (int64_t i = 0; i < g.elements(); ++i) {
    g.set(i, 1);
    Array values = bench.run(gradient);
    g.set(i, 0);
    rows.emplace_back();
    for (int64_t k = 0; k < values.elements(); ++k)
      rows.back().push_back(values.at(k));
  }
  return rows;
}

Rows by_differences(Bench& bench, const Built& built, size_t operand) {
  const double h = 1e-5;
  Array& x = bench.arguments().inputs[operand];
  Rows rows(bench.graph().type(built.result).elements(), std::vector<double>(x.elements()));
  for (int64_t k = 0; k < x.elements(); ++k) {
    double here = x.at(k);
    x.set(k, here + h);
    Array above = bench.run(built.result);
    x.set(k, here - h);
    Array below = bench.run(built.result);
    x.set(k, here);
    for (size_t i = 0; i < rows.size(); ++i)
      rows[i][k] =
          (above.at(static_cast<int64_t>(i)) - below.at(static_cast<int64_t>(i))) / (2 * h);
  }
  return rows;
}

class Gradients : public ::testing::TestWithParam<Opcode> {};

TEST_P(Gradients, agree_with_central_differences) {
  const OpInfo& op = info(GetParam());
  std::mt19937_64 random(static_cast<uint64_t>(GetParam()));
  int checked = 0;
  for (const Case& c : cases(op.opcode, DType::f64)) {
    Bench bench;
    Built built = build(bench, c, random);
    TensorType result = bench.graph().type(built.result);
    if (result.dtype != DType::f64 || result.elements() > 64)
      continue;
    Value adjoint = bench.input(Array(result));
    uint32_t adjoint_row = static_cast<uint32_t>(built.operands.size());
    for (size_t operand = 0; operand < built.operands.size(); ++operand) {
      if (c.operands[operand].dtype != DType::f64 || c.operands[operand].elements() > 64)
        continue;
      Rows expected = by_differences(bench, built, operand);
      Rows got = by_rule(bench, built, adjoint, adjoint_row, operand);
      ASSERT_EQ(got.size(), expected.size());
      for (size_t i = 0; i < got.size(); ++i)
        for (size_t k = 0; k < expected[i].size(); ++k)
          ASSERT_NEAR(got[i][k], expected[i][k], 1e-6 * (1 + std::fabs(expected[i][k])))
              << to_string(c) << ": d result[" << i << "] / d operand " << operand << "[" << k
              << "]";
      ++checked;
    }
  }
  EXPECT_GT(checked, 0) << "no case covers " << op.name;
}

INSTANTIATE_TEST_SUITE_P(Ops, Gradients, ::testing::ValuesIn(ops_where([](const OpInfo& op) {
                           return op.block->vjp != nullptr;
                         })),
                         op_name);

/// The adjoint of one operand where all elements of the result have adjoint g.
template <class T> std::vector<T> adjoint_of(Opcode op, std::vector<Array> operands, size_t which,
                                             Attributes attributes = {}, T g = 1) {
  Bench bench;
  Built built;
  for (Array& array : operands)
    built.operands.push_back(bench.input(std::move(array)));
  built.result = bench.builder().append(op, built.operands, std::move(attributes));
  TensorType type = bench.graph().type(built.result);
  Value adjoint = bench.input(Array(type, std::vector<double>(type.elements(), g)));
  return elements<T>(
      bench.run(vjp(bench, built, adjoint, std::vector<bool>(operands.size(), true))[which]));
}

using F = std::vector<double>;
constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(Corners, relu_and_abs_have_slope_0_at_0) {
  EXPECT_EQ(adjoint_of<double>(Opcode::Relu, {row<double>({-1, -0.0, 0, 2})}, 0), (F{0, 0, 0, 1}));
  EXPECT_EQ(adjoint_of<double>(Opcode::Abs, {row<double>({-1, -0.0, 0, 2})}, 0), (F{-1, 0, 0, 1}));
}

TEST(Corners, elementwise_ties_go_to_the_first_operand) {
  for (Opcode op : {Opcode::Maximum, Opcode::Minimum}) {
    EXPECT_EQ(adjoint_of<double>(op, {row<double>({2, 0}), row<double>({2, -0.0})}, 0), (F{1, 1}));
    EXPECT_EQ(adjoint_of<double>(op, {row<double>({2, 0}), row<double>({2, -0.0})}, 1), (F{0, 0}));
  }
}

TEST(Corners, reductions_share_ties_equally) {
  EXPECT_EQ(adjoint_of<double>(Opcode::Max, {row<double>({1, 3, 3, 2})}, 0), (F{0, 0.5, 0.5, 0}));
  EXPECT_EQ(adjoint_of<double>(Opcode::Min, {row<double>({5, 5, 5, 5})}, 0),
            (F{0.25, 0.25, 0.25, 0.25}));
}

TEST(Corners, clamp_passes_its_gradient_at_the_bounds) {
  Array x = row<double>({-2, -1, 0, 1, 2}), low = row<double>({-1, -1, -1, -1, -1}),
        high = row<double>({1, 1, 1, 1, 1});
  EXPECT_EQ(adjoint_of<double>(Opcode::Clamp, {x, low, high}, 0), (F{0, 1, 1, 1, 0}));
  EXPECT_EQ(adjoint_of<double>(Opcode::Clamp, {x, low, high}, 1), (F{1, 0, 0, 0, 0}));
  EXPECT_EQ(adjoint_of<double>(Opcode::Clamp, {x, low, high}, 2), (F{0, 0, 0, 0, 1}));
}

TEST(Corners, prod_is_differentiated_with_zeros_in_the_data) {
  EXPECT_EQ(adjoint_of<double>(Opcode::Prod, {row<double>({2, 0, 3})}, 0), (F{0, 6, 0}));
  EXPECT_EQ(adjoint_of<double>(Opcode::Prod, {row<double>({0, 5, 0})}, 0), (F{0, 0, 0}));
  EXPECT_EQ(adjoint_of<double>(Opcode::Prod, {row<double>({0})}, 0), (F{1}));
  EXPECT_EQ(adjoint_of<double>(Opcode::Prod, {row<double>({1, 2, 0, 4, 5})}, 0),
            (F{0, 0, 40, 0, 0}));
}

TEST(Corners, a_zero_adjoint_stops_an_infinite_derivative) {
  EXPECT_EQ(adjoint_of<double>(Opcode::Sqrt, {row<double>({0})}, 0, {}, 0), F{0});
  EXPECT_EQ(adjoint_of<double>(Opcode::Log, {row<double>({0})}, 0, {}, 0), F{0});
  EXPECT_EQ(adjoint_of<double>(Opcode::Divide, {row<double>({1}), row<double>({0})}, 0, {}, 0),
            F{0});
  EXPECT_EQ(adjoint_of<double>(Opcode::Divide, {row<double>({1}), row<double>({0})}, 1, {}, 0),
            F{0});
  EXPECT_EQ(adjoint_of<double>(Opcode::Divide, {row<double>({1}), row<double>({0})}, 0),
            F{infinity});
}

TEST(Corners, select_sends_the_gradient_to_the_branch_taken) {
  Array c = row<bool>({true, false});
  EXPECT_EQ(
      adjoint_of<double>(Opcode::Select, {c, row<double>({NAN, NAN}), row<double>({1, 1})}, 1),
      (F{1, 0}));
  EXPECT_EQ(
      adjoint_of<double>(Opcode::Select, {c, row<double>({NAN, NAN}), row<double>({1, 1})}, 2),
      (F{0, 1}));
}

TEST(Corners, the_gradient_of_a_cast_is_cast_back) {
  Attributes to_f32 = Attributes().dtype(Attr::dtype, DType::f32);
  EXPECT_EQ(adjoint_of<double>(Opcode::Cast, {row<double>({1, 2})}, 0, to_f32), (F{1, 1}));
}

} // namespace
} // namespace gdjit::testing
