// Second derivatives: every derivative rule is made of ops that have right rules themselves.
#include "Cases.h"

#include "gdjit/Autodiff/Differentiate.h"

#include <cmath>

namespace gdjit::testing {
namespace {

/// The inputs `x`, a loss of them, its gradient by x0, and the gradient by x0 of that gradient
/// times v.
struct Twice {
  Step step; ///< outputs: gradient . v, its gradient
  CallArguments arguments;
};

Twice twice(Bench& bench, Value loss, Value x, const Array& v) {
  GraphBuilder& builder = bench.builder();
  Expr first{&builder, builder.append(Opcode::Gradient, {loss, x})};
  Expr directed = first * Expr{&builder, builder.constant(v)};
  Value along = builder.append(Opcode::Sum, {directed.value});
  Value second = builder.append(Opcode::Gradient, {along, x});
  Twice result;
  result.step.signature = bench.signature();
  result.step.signature.outputs = {{"along", builder.type(along), -1, {}},
                                   {"second", builder.type(second), -1, {}}};
  result.step.graph = bench.graph();
  result.step.outputs = {along, second};
  PassContext context;
  result.step = differentiate(result.step, context);
  result.arguments = bench.arguments();
  return result;
}

Array random_array(const TensorType& type, std::mt19937_64& random) {
  Array array(type);
  for (int64_t i = 0; i < array.elements(); ++i)
    array.set(i, std::uniform_real_distribution<double>(-1, 1)(random));
  return array;
}

class SecondOrder : public ::testing::TestWithParam<Opcode> {};

TEST_P(SecondOrder, agrees_with_differences_of_the_first) {
  const OpInfo& op = info(GetParam());
  std::mt19937_64 random(static_cast<uint64_t>(GetParam()));
  int checked = 0;
  for (const Case& c : cases(op.opcode, DType::f64)) {
    for (size_t operand = 0; operand < c.operands.size(); ++operand) {
      if (c.operands[operand].dtype != DType::f64 || c.operands[operand].elements() > 24)
        continue;
      Bench bench;
      Built built = build(bench, c, random);
      TensorType type = bench.graph().type(built.result);
      if (type.dtype != DType::f64 || type.elements() > 64)
        continue;
      Expr y{&bench.builder(), built.result};
      Expr weight{&bench.builder(), bench.builder().constant(random_array(type, random))};
      Value loss = bench.builder().append(Opcode::Sum, {(y * y * weight).value});
      Twice t =
          twice(bench, loss, built.operands[operand], random_array(c.operands[operand], random));
      Array second = interpret(t.step, t.arguments).outputs[1];
      Array& x = t.arguments.inputs[operand];
      const double h = 1e-5;
      for (int64_t i = 0; i < x.elements(); ++i) {
        const double here = x.at(i);
        x.set(i, here + h);
        const double above = interpret(t.step, t.arguments).outputs[0].at(0);
        x.set(i, here - h);
        const double below = interpret(t.step, t.arguments).outputs[0].at(0);
        x.set(i, here);
        const double expected = (above - below) / (2 * h);
        ASSERT_NEAR(second.at(i), expected, 2e-6 * (1 + std::fabs(expected)))
            << to_string(c) << ", operand " << operand << ", element " << i;
      }
      ++checked;
    }
  }
  EXPECT_GT(checked, 0) << "no case covers " << op.name;
}

INSTANTIATE_TEST_SUITE_P(Ops, SecondOrder, ::testing::ValuesIn(ops_where([](const OpInfo& op) {
                           return op.block->vjp != nullptr;
                         })),
                         op_name);

/// d2/dx2 of `loss` at x, in one dimension.
double second_derivative(double x, Expr (*loss)(Expr)) {
  Bench bench;
  Expr value = loss(bench.expr(row<double>({x})));
  Value sum = bench.builder().append(Opcode::Sum, {value.value});
  Twice t = twice(bench, sum, {0, 0}, row<double>({1}));
  return interpret(t.step, t.arguments).outputs[1].at(0);
}

TEST(SecondOrder, is_right_where_the_adjoint_is_0_as_at_a_minimum) {
  auto root = [](Expr x) {
    Expr e = apply(Opcode::Sqrt, x) - 2;
    return e * e;
  };
  EXPECT_NEAR(second_derivative(4, root), 0.125, 1e-12);
  auto logarithm = [](Expr x) {
    Expr e = apply(Opcode::Log, x);
    return e * e;
  };
  EXPECT_NEAR(second_derivative(1, logarithm), 2, 1e-12);
  auto quotient = [](Expr x) {
    Expr e = 6 / x - 3;
    return e * e;
  };
  EXPECT_NEAR(second_derivative(2, quotient), 2 * 1.5 * 1.5, 1e-12);
}

TEST(SecondOrder, keeps_the_branch_not_taken_out) {
  auto safe_root = [](Expr x) {
    Expr positive = apply(Opcode::Greater, x, constant_like(x, 0));
    return select(positive, apply(Opcode::Sqrt, x), x * x);
  };
  EXPECT_EQ(second_derivative(0, safe_root), 2);
  auto safe_quotient = [](Expr x) {
    Expr fine = apply(Opcode::NotEqual, x, constant_like(x, 0));
    return select(fine, 1 / x, x * x * x);
  };
  EXPECT_EQ(second_derivative(0, safe_quotient), 0);
}

TEST(SecondOrder, of_a_product_with_zeros_in_the_data) {
  Bench bench;
  Value x = bench.input(row<double>({0, 5, 3}));
  Value product = bench.builder().append(Opcode::Prod, {x});
  Twice t = twice(bench, product, x, row<double>({1, 0, 0})); // the first row of the Hessian
  EXPECT_EQ(elements<double>(interpret(t.step, t.arguments).outputs[1]),
            (std::vector<double>{0, 3, 5}));
}

} // namespace
} // namespace gdjit::testing
