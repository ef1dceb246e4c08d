// stabilize: two ways of writing become one plan, values that were lost come out right, and
// gradients keep their meaning.
#include "gdjit/Transforms/Stabilize.h"

#include "StepBuilder.h"
#include "gdjit/Autodiff/Differentiate.h"
#include "gdjit/IR/Text.h"
#include "gdjit/Interp/GraphInterpreter.h"
#include "gdjit/Transforms/EliminateDeadCode.h"
#include "gdjit/Transforms/ShareCommonSubexpressions.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace gdjit;
using gdjit::testing::StepBuilder;

namespace {

constexpr TensorType row{DType::f64, {3}};
constexpr TensorType matrix{DType::f64, {2, 3}};

Expr op(Opcode o, Expr x) { return apply(o, x); }
Expr sigmoid(Expr x) { return op(Opcode::Sigmoid, x); }
Expr softplus(Expr x) { return op(Opcode::Softplus, x); }
Expr exp(Expr x) { return op(Opcode::Exp, x); }
Expr log(Expr x) { return op(Opcode::Log, x); }

/// The stable form of f(x), without dead code.
template <class F> Step stable(F&& f, TensorType type = row) {
  StepBuilder b;
  b.output("y", f(b.input("x", type)));
  PassContext context;
  return eliminate_dead_code(share_common_subexpressions(stabilize(b.step(), context), context),
                             context);
}
/// f(x) as written.
template <class F> Step plain(F&& f, TensorType type = row) {
  StepBuilder b;
  b.output("y", f(b.input("x", type)));
  PassContext context;
  return eliminate_dead_code(share_common_subexpressions(b.step(), context), context);
}

struct Case {
  const char* text;
  Expr (*written)(Expr x);
  Expr (*stable)(Expr x);
};

const Case cases[] = {
    {"log(1 + x)", [](Expr x) { return log(1 + x); }, [](Expr x) { return op(Opcode::Log1p, x); }},
    {"log(x + 1)", [](Expr x) { return log(x + 1); }, [](Expr x) { return op(Opcode::Log1p, x); }},
    {"log(1 - x)", [](Expr x) { return log(1 - x); }, [](Expr x) { return op(Opcode::Log1p, -x); }},
    {"exp(x) - 1", [](Expr x) { return exp(x) - 1; }, [](Expr x) { return op(Opcode::Expm1, x); }},
    {"exp(x) + -1", [](Expr x) { return exp(x) + -1; },
     [](Expr x) { return op(Opcode::Expm1, x); }},
    {"1 - exp(x)", [](Expr x) { return 1 - exp(x); }, [](Expr x) { return -op(Opcode::Expm1, x); }},
    {"1 - sigmoid(x)", [](Expr x) { return 1 - sigmoid(x); }, [](Expr x) { return sigmoid(-x); }},
    {"1 / (1 + exp(x))", [](Expr x) { return 1 / (1 + exp(x)); },
     [](Expr x) { return sigmoid(-x); }},
    {"1 / (1 + exp(-x))", [](Expr x) { return 1 / (1 + exp(-x)); },
     [](Expr x) { return sigmoid(x); }},
    {"reciprocal(1 + exp(-x))", [](Expr x) { return op(Opcode::Reciprocal, 1 + exp(-x)); },
     [](Expr x) { return sigmoid(x); }},
    {"exp(x) / (1 + exp(x))", [](Expr x) { return exp(x) / (1 + exp(x)); },
     [](Expr x) { return sigmoid(x); }},
    {"log(sigmoid(x))", [](Expr x) { return log(sigmoid(x)); },
     [](Expr x) { return -softplus(-x); }},
    {"log(1 / (1 + exp(-x)))", [](Expr x) { return log(1 / (1 + exp(-x))); },
     [](Expr x) { return -softplus(-x); }},
    {"log(1 - sigmoid(x))", [](Expr x) { return log(1 - sigmoid(x)); },
     [](Expr x) { return -softplus(x); }},
    {"log(1 + exp(x))", [](Expr x) { return log(1 + exp(x)); }, [](Expr x) { return softplus(x); }},
    {"log1p(exp(x))", [](Expr x) { return op(Opcode::Log1p, exp(x)); },
     [](Expr x) { return softplus(x); }},
    {"log(exp(x))", [](Expr x) { return log(exp(x)); }, [](Expr x) { return x; }},
    {"log of a broadcast sigmoid", [](Expr x) { return log(broadcast_to(sigmoid(x), {2, 3})); },
     [](Expr x) { return broadcast_to(-softplus(-x), {2, 3}); }},
};

TEST(Stabilize, two_ways_of_writing_become_one_plan) {
  for (const Case& c : cases)
    EXPECT_EQ(print(stable(c.written)), print(plain(c.stable))) << c.text;
}

TEST(Stabilize, leaves_stable_forms_alone_and_says_so) {
  for (const Case& c : cases) {
    StepBuilder b;
    b.output("y", c.stable(b.input("x", row)));
    PassContext context;
    EXPECT_EQ(print(stabilize(b.step(), context)), print(b.step())) << c.text;
    EXPECT_FALSE(context.changed) << c.text;
  }
}

Array run(const Step& step, const std::vector<double>& x) {
  CallArguments arguments;
  arguments.inputs = {Array(step.signature.inputs[0].type, x)};
  return interpret(step, arguments).outputs[0];
}

Expr softmax_by_hand(Expr x, bool shifted) {
  Expr e = exp(x);
  if (shifted)
    e = exp(x - broadcast_to(
                    apply(Opcode::Max, x,
                          Attributes().integers(Attr::axes, {1}).boolean(Attr::keepdims, true)),
                    x.shape()));
  return e / broadcast_to(sum(e, {1}, true), x.shape());
}

TEST(Stabilize, log_of_softmax_survives_large_logits) {
  for (bool shifted : {false, true}) {
    Step step = stable([&](Expr x) { return log(softmax_by_hand(x, shifted)); }, matrix);
    Array y = run(step, {0, -1000, 1000, 1, 2, 3});
    EXPECT_DOUBLE_EQ(y.at(0), -1000) << shifted;
    EXPECT_DOUBLE_EQ(y.at(1), -2000) << shifted;
    EXPECT_EQ(y.at(2), 0) << shifted;
    EXPECT_NEAR(y.at(5), std::log(0.6652409557748219), 1e-15) << shifted;
  }
}

TEST(Stabilize, softmax_by_hand_survives_large_logits) {
  Array y = run(stable([](Expr x) { return softmax_by_hand(x, false); }, matrix),
                {0, 999, 1000, 1, 2, 3});
  EXPECT_NEAR(y.at(2), 1 / (1 + std::exp(-1.0)), 1e-15);
  EXPECT_NEAR(y.at(5), 0.6652409557748219, 1e-15);
}

TEST(Stabilize, log_sum_exp_survives_large_and_infinite_terms) {
  Step step = stable([](Expr x) { return log(sum(exp(x), {1}, false)); }, matrix);
  Array y = run(step, {1000, 1000, -5, -HUGE_VAL, -HUGE_VAL, -HUGE_VAL});
  EXPECT_DOUBLE_EQ(y.at(0), 1000 + std::log(2.0));
  EXPECT_EQ(y.at(1), -INFINITY);
}

TEST(Stabilize, log_of_one_minus_exp_is_accurate_at_both_ends) {
  Array y = run(stable([](Expr x) { return log(1 - exp(x)); }), {-1e-20, -1, -50});
  EXPECT_DOUBLE_EQ(y.at(0), std::log(1e-20));
  EXPECT_DOUBLE_EQ(y.at(1), std::log(-std::expm1(-1.0)));
  EXPECT_DOUBLE_EQ(y.at(2), -std::exp(-50.0));
}

/// d sum(f(x)) / dx after stabilize.
template <class F> Array slope(F&& f, const std::vector<double>& x, TensorType type = row) {
  StepBuilder b;
  Expr v = b.input("x", type), y = f(v);
  std::vector<int64_t> axes;
  for (int i = 0; i < y.shape().rank(); ++i)
    axes.push_back(i);
  b.output("g", b.gradient(sum(y, axes, false), v));
  PassContext context;
  return run(differentiate(stabilize(b.step(), context), context), x);
}

TEST(Stabilize, the_gradient_of_log_sigmoid_at_minus_100_is_right) {
  Array g = slope([](Expr x) { return log(sigmoid(x)); }, {-100, -1000, 100});
  EXPECT_EQ(g.at(0), 1);
  EXPECT_EQ(g.at(1), 1);
  EXPECT_NEAR(g.at(2), std::exp(-100.0), 1e-55);
}

TEST(Stabilize, the_shift_of_log_sum_exp_has_no_gradient) {
  Array g =
      slope([](Expr x) { return log(sum(exp(x), {1}, false)); }, {1, 2, 3, 1000, 0, 0}, matrix);
  EXPECT_NEAR(g.at(2), 0.6652409557748219, 1e-15);
  EXPECT_EQ(g.at(3), 1);
  EXPECT_EQ(g.at(4), 0);
}

TEST(Stabilize, both_forms_of_log_of_one_minus_exp_give_a_finite_gradient) {
  Array g = slope([](Expr x) { return log(1 - exp(x)); }, {-1e-3, -1, -800});
  EXPECT_NEAR(g.at(0), -std::exp(-1e-3) / -std::expm1(-1e-3), 1e-9);
  EXPECT_NEAR(g.at(1), -std::exp(-1.0) / -std::expm1(-1.0), 1e-14);
  EXPECT_NEAR(g.at(2), 0, 1e-300);
}

TEST(Stabilize, does_not_look_through_a_value_that_a_gradient_is_taken_of) {
  StepBuilder b;
  Expr x = b.input("x", row), p = sigmoid(x);
  Expr loss = sum(log(p), {0}, false);
  b.output("g", b.gradient(loss, p)); // 1 / p
  PassContext context;
  Array g = run(differentiate(stabilize(b.step(), context), context), {0, 1, -1});
  EXPECT_DOUBLE_EQ(g.at(0), 2);

  StepBuilder c;
  Expr y = c.input("x", row), same = log(exp(y)); // a variable of its own, although it equals y
  c.output("g", c.gradient(sum(same * y, {0}, false), same));
  EXPECT_DOUBLE_EQ(run(differentiate(stabilize(c.step(), context), context), {3, 1, 2}).at(0), 3);
}

} // namespace
