// differentiate: what is built, in which order it adds, what it names, and what it refuses.
#include "gdjit/Autodiff/Differentiate.h"

#include "StepBuilder.h"
#include "gdjit/IR/Text.h"
#include "gdjit/Interp/GraphInterpreter.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

using namespace gdjit;
using gdjit::testing::StepBuilder;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

constexpr TensorType scalar{DType::f64, {}};
TensorType vector(int64_t n) { return {DType::f64, {n}}; }

Step derived(const StepBuilder& b) {
  PassContext context;
  return differentiate(b.step(), context);
}

/// Output `row` of the differentiated step on these inputs.
Array value(const StepBuilder& b, std::vector<Array> inputs, size_t row = 0) {
  CallArguments arguments;
  arguments.inputs = std::move(inputs);
  return interpret(derived(b), arguments).outputs[row];
}

Array numbers(const std::vector<double>& values) {
  TensorType type = vector(static_cast<int64_t>(values.size()));
  return Array(type, values);
}
Array number(double v) { return Array(scalar, {v}); }

int count(const Step& step, Opcode op) {
  int n = 0;
  for (NodeId i = 0; i < step.graph.size(); ++i)
    n += step.graph.op(i) == op;
  return n;
}

std::string message(const StepBuilder& b) {
  try {
    derived(b);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::graph);
    return e.what();
  }
  return "no error";
}

TEST(Differentiate, leaves_no_gradient_node_and_gives_the_derivative_of_a_composition) {
  StepBuilder b;
  Expr x = b.input("x", vector(3));
  Expr loss = sum(apply(Opcode::Exp, apply(Opcode::Square, x)), {0}, false);
  b.output("g", b.gradient(loss, x));
  EXPECT_EQ(count(derived(b), Opcode::Gradient), 0);
  Array g = value(b, {numbers({0, 0.5, -1})});
  for (int i = 0; i < 3; ++i) {
    double v = std::vector<double>{0, 0.5, -1}[i];
    EXPECT_NEAR(g.at(i), 2 * v * std::exp(v * v), 1e-14);
  }
}

TEST(Differentiate, builds_only_what_lies_between_loss_and_value) {
  StepBuilder b;
  Expr x = b.input("x", vector(3)), y = b.input("y", vector(3));
  Expr loss = sum(x * apply(Opcode::Sin, y), {0}, false);
  b.output("g", b.gradient(loss, x));
  EXPECT_EQ(count(derived(b), Opcode::Cos), 0); // the derivative by y is not wanted
}

TEST(Differentiate, one_sweep_serves_all_gradients_of_a_loss) {
  StepBuilder b;
  Expr x = b.input("x", vector(3)), y = b.input("y", vector(3));
  Expr loss = sum(apply(Opcode::Tanh, x * y), {0}, false);
  b.output("gx", b.gradient(loss, x));
  NodeId one = derived(b).graph.size();
  b.output("gy", b.gradient(loss, y));
  EXPECT_EQ(derived(b).graph.size(), one + 1); // one product more
}

TEST(Differentiate, contributions_add_from_the_loss_backward) {
  StepBuilder b;
  Expr x = b.input("x", scalar);
  Expr first = 1e16 * x, second = 1 * x, third = -1e16 * x; // users of x in this order
  b.output("g", b.gradient((first + second) + third, x));
  // ((-1e16 + 1) + 1e16) = 0 in f64; the other way round it would be 0 or 1 by another path: (1e16
  // - 1e16) + 1 = 1.
  EXPECT_EQ(value(b, {number(2)}).at(0), 0);
  StepBuilder c;
  Expr y = c.input("y", scalar);
  Expr small = 1 * y, minus = -1e16 * y, plus = 1e16 * y;
  c.output("g", c.gradient((small + minus) + plus, y));
  EXPECT_EQ(value(c, {number(2)}).at(0), 1);
}

TEST(Differentiate, second_order_is_the_same_pass_twice) {
  StepBuilder b;
  Expr x = b.input("x", scalar);
  Expr first = b.gradient(x * x * x, x);
  Expr second = b.gradient(first, x);
  b.output("first", first);
  b.output("second", second);
  b.output("third", b.gradient(second, x));
  EXPECT_EQ(value(b, {number(2)}, 0).at(0), 12);
  EXPECT_EQ(value(b, {number(2)}, 1).at(0), 12);
  EXPECT_EQ(value(b, {number(2)}, 2).at(0), 6);
}

TEST(Differentiate, a_hessian_vector_product_is_the_gradient_of_a_dot_product) {
  StepBuilder b;
  Expr x = b.input("x", vector(2)), v = b.input("v", vector(2));
  Expr loss = sum(x * x * x, {0}, false);
  b.output("hv", b.gradient(sum(b.gradient(loss, x) * v, {0}, false), x));
  Array hv = value(b, {numbers({2, 3}), numbers({1, -1})});
  EXPECT_EQ(hv.at(0), 12);
  EXPECT_EQ(hv.at(1), -18);
}

TEST(Differentiate, forward_mode_comes_from_the_vjp_of_the_vjp) {
  StepBuilder b;
  Expr x = b.input("x", vector(2)), v = b.input("v", vector(2));
  Expr dummy = b.constant(vector(2), 1);
  Expr y = apply(Opcode::Sin, x);
  Expr g = b.gradient(sum(y * dummy, {0}, false), x);
  b.output("jv", b.gradient(sum(g * v, {0}, false), dummy));
  Array jv = value(b, {numbers({0.3, 1}), numbers({2, -1})});
  EXPECT_NEAR(jv.at(0), 2 * std::cos(0.3), 1e-15);
  EXPECT_NEAR(jv.at(1), -std::cos(1.0), 1e-15);
}

TEST(Differentiate, equal_values_are_two_variables_but_reads_of_one_state_are_one) {
  StepBuilder b;
  Expr x = b.input("x", scalar);
  Expr y = x * 2, z = x * 2;
  b.output("g", b.gradient(y + z, y));
  EXPECT_EQ(value(b, {number(1)}).at(0), 1);

  StepBuilder c;
  c.input("x", scalar);
  Expr first{&c.builder(), c.builder().input(0)}, second{&c.builder(), c.builder().input(0)};
  c.output("g", c.gradient(first * second, second));
  EXPECT_EQ(value(c, {number(3)}).at(0), 6);
}

TEST(Differentiate, a_gradient_that_is_differentiated_by_is_a_variable_of_its_own) {
  StepBuilder b;
  Expr x = b.input("x", scalar), y = b.input("y", scalar);
  Expr loss = x + y; // both gradients are the same constant 1
  Expr gx = b.gradient(loss, x), gy = b.gradient(loss, y);
  b.output("g", b.gradient(gx * gx + gy * 5, gx));
  EXPECT_EQ(value(b, {number(3), number(4)}).at(0), 2);
}

TEST(Differentiate, the_branch_a_select_did_not_take_keeps_its_infinities) {
  struct Case {
    const char* name;
    Expr (*unsafe)(Expr x);
  };
  const Case cases[] = {
      {"sqrt", [](Expr x) { return apply(Opcode::Sqrt, x); }},
      {"log", [](Expr x) { return apply(Opcode::Log, x); }},
      {"division", [](Expr x) { return 1 / x; }},
      {"reciprocal", [](Expr x) { return apply(Opcode::Reciprocal, x); }},
      {"rsqrt", [](Expr x) { return apply(Opcode::Rsqrt, x); }},
      {"x log x", [](Expr x) { return x * apply(Opcode::Log, x); }},
      {"tanh of a logarithm", [](Expr x) { return apply(Opcode::Tanh, apply(Opcode::Log, x)); }},
      {"square of a quotient", [](Expr x) { return apply(Opcode::Square, 1 / x); }},
      {"sum of negated roots",
       [](Expr x) { return -(apply(Opcode::Sqrt, x) + apply(Opcode::Rsqrt, x)); }},
      {"log of a root", [](Expr x) { return apply(Opcode::Log, apply(Opcode::Sqrt, x)); }},
  };
  for (const Case& c : cases) {
    StepBuilder b;
    Expr x = b.input("x", vector(2));
    Expr safe = apply(Opcode::Greater, x, constant_like(x, 0));
    Expr loss = sum(select(safe, c.unsafe(x), x * 3), {0}, false);
    b.output("g", b.gradient(loss, x));
    Array g = value(b, {numbers({0, 1})});
    EXPECT_EQ(g.at(0), 3) << c.name;
    EXPECT_TRUE(std::isfinite(g.at(1))) << c.name;
    g = value(b, {numbers({0, 2})});
    EXPECT_NE(g.at(1), 0) << c.name;
  }
}

TEST(Differentiate, backward_nodes_have_the_users_line_the_part_and_a_name) {
  StepBuilder b;
  b.line(7);
  Expr w = b.state("block/w", vector(2));
  Expr h = b.named("h", apply(Opcode::Exp, w));
  Expr loss = sum(apply(Opcode::Square, h), {0}, false);
  b.line(9);
  b.update(w, w - b.gradient(loss, w));
  Step step = derived(b);
  NodeId dw = no_node, dh = no_node;
  for (NodeId n = 0; n < step.graph.size(); ++n) {
    dw = step.graph.name(n) == "block/d_w" ? n : dw;
    dh = step.graph.name(n) == "d_h" ? n : dh;
  }
  ASSERT_NE(dw, no_node);
  ASSERT_NE(dh, no_node);
  EXPECT_EQ(step.graph.origin(dw).part, Part::backward);
  EXPECT_EQ(step.graph.location(dw).line, 7u);
}

TEST(Differentiate, a_number_takes_the_factor_of_a_gradient_of_a_mean) {
  // lr (g / 2) is g (lr / 2): where g is used by itself it is scaled, too.
  StepBuilder b;
  Expr w = b.state("w", vector(3)), lr = b.input("lr", scalar), v = b.input("v", vector(3));
  Expr g = b.gradient(sum(w * w * w, {0}, false) / 2, w), rate = broadcast_to(lr, w.shape());
  b.update(w, apply(Opcode::Fma, rate, g, w));
  b.output("product", g * rate);
  b.output("by itself", g);
  b.output("by a vector", g * v);
  Step step = derived(b);
  int rates = 0;
  for (NodeId n = 0; n < step.graph.size(); ++n)
    rates += step.graph.op(n) == Opcode::Multiply && step.graph.type(n) == scalar;
  EXPECT_EQ(rates, 2);
  CallArguments arguments;
  arguments.inputs = {number(0.1), numbers({1, 2, 4})};
  arguments.states = {numbers({1, 2, 3})};
  std::vector<Array> outputs = interpret(step, arguments).outputs;
  for (int64_t i = 0; i < 3; ++i) {
    const double x = static_cast<double>(i + 1), slope = 3 * x * x / 2;
    EXPECT_DOUBLE_EQ(outputs[0].at(i), slope * 0.1);
    EXPECT_EQ(outputs[1].at(i), slope);
    EXPECT_EQ(outputs[2].at(i), slope * arguments.inputs[1].at(i));
  }
}

TEST(Differentiate, a_factor_does_not_pass_a_number_that_has_a_gradient_itself) {
  StepBuilder b;
  Expr w = b.state("w", vector(3)), lr = b.input("lr", scalar);
  Expr rate = broadcast_to(lr, Shape{1});
  Expr g = b.gradient(sum(w * w, {0}, false) / 4, w);
  b.output("slope", b.gradient(sum(g * broadcast_to(rate, w.shape()), {0}, false), rate));
  CallArguments arguments;
  arguments.inputs = {number(0.5)};
  arguments.states = {numbers({1, 2, 3})};
  EXPECT_DOUBLE_EQ(interpret(derived(b), arguments).outputs[0].at(0), 3) << "the sum of w / 2";
}

TEST(Differentiate, a_name_given_by_the_user_wins) {
  StepBuilder b;
  Expr w = b.state("w", vector(2));
  b.output("g", b.named("slope", b.gradient(sum(w * w, {0}, false), w)));
  EXPECT_THAT(print(derived(b)), HasSubstr("%slope"));
  EXPECT_THAT(print(derived(b)), Not(HasSubstr("d_w")));
}

TEST(Differentiate, refuses_a_loss_that_does_not_depend_on_the_value) {
  StepBuilder b;
  b.line(3);
  Expr w = b.state("w", vector(2)), u = b.state("u", vector(2));
  Expr loss = sum(u * u, {0}, false);
  b.line(5);
  b.output("g", b.gradient(loss, w));
  std::string text = message(b);
  EXPECT_THAT(text, HasSubstr("model.cpp:5"));
  EXPECT_THAT(text, HasSubstr("the loss does not depend on w"));
  EXPECT_THAT(text, HasSubstr("model.cpp:3"));
}

TEST(Differentiate, a_value_made_after_the_loss_is_nothing_to_differentiate_by) {
  StepBuilder b;
  Expr x = b.input("x", scalar);
  Expr loss = x * x;
  Expr later = loss * 2;
  b.output("g", b.gradient(loss, later));
  EXPECT_THAT(message(b), HasSubstr("does not depend on"));
}

TEST(Differentiate, a_derivative_of_zero_is_no_error) {
  StepBuilder b;
  Expr x = b.input("x", scalar);
  b.output("stopped", b.gradient(apply(Opcode::StopGradient, x), x));
  b.output("linear twice", b.gradient(b.gradient(x * 3, x), x));
  b.output("floor", b.gradient(apply(Opcode::Floor, x), x));
  for (size_t row = 0; row < 3; ++row)
    EXPECT_EQ(value(b, {number(1.5)}, row).at(0), 0) << row;
}

TEST(Differentiate, refuses_ops_without_derivative_between_loss_and_value_only) {
  StepBuilder b;
  b.line(4);
  Expr x = b.input("x", vector(3));
  Expr best = cast(apply(Opcode::Argmax, x, Attributes().integer(Attr::axis, 0)), DType::f64);
  Expr through = x * broadcast_to(reshape(best, {1}), {3});
  b.output("g", b.gradient(sum(through, {0}, false), x));
  std::string text = message(b);
  if (text != "no error") { // argmax may be a stated zero
    EXPECT_THAT(text, HasSubstr("argmax"));
    EXPECT_THAT(text, HasSubstr("model.cpp:4"));
  }
  StepBuilder c;
  Expr y = c.input("y", vector(3));
  c.output("best", apply(Opcode::Argmax, y, Attributes().integer(Attr::axis, 0)));
  c.output("g", c.gradient(sum(y * y, {0}, false), y));
  EXPECT_EQ(message(c), "no error");
}

TEST(Differentiate, says_truthfully_whether_it_changed_anything) {
  StepBuilder b;
  Expr x = b.input("x", scalar);
  b.output("y", x * 2);
  PassContext context;
  differentiate(b.step(), context);
  EXPECT_FALSE(context.changed);
  b.output("g", b.gradient(x * 3, x));
  differentiate(b.step(), context);
  EXPECT_TRUE(context.changed);
}

TEST(Differentiate, a_chain_of_a_million_nodes_does_not_touch_the_stack) {
  StepBuilder b;
  Expr x = b.input("x", scalar);
  Expr y = x;
  for (int i = 0; i < 1'000'000; ++i)
    y = apply(i % 2 ? Opcode::Sin : Opcode::Tanh, y);
  b.output("g", b.gradient(y, x));
  Step step = derived(b);
  EXPECT_GT(step.graph.size(), 2'000'000u);
  EXPECT_EQ(count(step, Opcode::Gradient), 0);
}

} // namespace
