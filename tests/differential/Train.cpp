// Losses, activations, layers and optimizers: every form of their training steps gives the same
// bits, and their gradients in f64 are those of finite differences.
#include "Chain.h"
#include "TrainCases.h"

#include "gdjit/Interp/GraphInterpreter.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gdjit {
namespace {

CallArguments first_call(const Step& step) {
  CallArguments arguments;
  arguments.states = initial_values(step.signature, 0);
  for (const InputDecl& input : step.signature.inputs)
    arguments.inputs.emplace_back(input.type);
  for (const ScalarDecl& scalar : step.signature.scalars)
    arguments.scalars.push_back(Array({scalar.dtype, {}}, {scalar.initial}));
  return arguments;
}

void expect_chain(const Step& step) {
  std::vector<testing::CodeChoice> choices;
  for (const testing::CodeChoice& choice : testing::code_choices())
    if (choice.level == 2)
      choices.push_back(choice);
  ASSERT_FALSE(choices.empty());
  EXPECT_EQ(testing::broken_link(step, first_call(step), choices), "");
}

/// As a case: x by dropout, whose draws are those of a step.
Tensor dropout_case(Model& m, const Tensor& x) { return Dropout(m, "drop", 0.4)(x); }

std::vector<test::TrainCase> all_cases() {
  std::vector<test::TrainCase> all = test::train_cases();
  all.push_back({"dropout", dropout_case});
  return all;
}

TEST(Train, CasesGiveTheSameBitsInEveryForm) {
  for (const test::TrainCase& c : all_cases())
    for (DType dtype : {DType::f32, DType::f64}) {
      SCOPED_TRACE(c.name + " " + std::string(name(dtype)));
      Model m([&](Model& m) { test::declare(m, c); }, {.dtype = dtype});
      expect_chain(m.training().step());
    }
}

TEST(Train, GradientsAreThoseOfFiniteDifferences) {
  for (const test::TrainCase& c : all_cases()) {
    if (c.name == "gaussian_nll_eps") // below eps its gradient is the variance's own, as stated
      continue;
    SCOPED_TRACE(c.name);
    Model m([&](Model& m) { test::declare(m, c); }, {.dtype = DType::f64});
    State s = initial_state(m);
    StepFunction train = compile(m.training(), s);
    auto loss_at = [&](const Array& x) {
      s.set("x", x);
      s.set_step(0); // the same draws
      return train(std::initializer_list<TensorView>{}, {.lr = 0});
    };
    const Array start = s.view("x").copy();
    loss_at(start);
    const Array gradient = train.output("gradient").copy();
    for (int64_t i = 0; i < start.elements(); ++i) {
      constexpr double h = 1e-6;
      Array above = start, below = start;
      above.set(i, start.at(i) + h);
      below.set(i, start.at(i) - h);
      double slope = (loss_at(above) - loss_at(below)) / (2 * h);
      EXPECT_NEAR(gradient.at(i), slope, 1e-6 * std::max(1.0, std::abs(slope))) << i;
    }
  }
}

template <class Rule> void expect_rule(const Rule& rule, const MinimizeOptions& options = {}) {
  for (DType dtype : {DType::f32, DType::f64}) {
    Model m(
        [&](Model& m) {
          Parameter w = m.parameter("fc/w", normal({5, 7}));
          Parameter b = m.parameter("fc/b", zeros({7}));
          Tensor x = m.normal("x", {m.batch(), 5});
          m.minimize(mse_loss(matmul(x, w) + b, m.normal("y", {m.batch(), 7})), rule, options);
        },
        {.batch = 6, .dtype = dtype});
    expect_chain(m.training().step());
    if (options.accumulate) {
      expect_chain(m.gradients().step());
      expect_chain(m.apply().step());
    }
  }
}

TEST(Train, OptimizersGiveTheSameBitsInEveryForm) {
  expect_rule(Adagrad{.lr_decay = 0.1, .weight_decay = 0.1});
  expect_rule(RMSprop{.momentum = 0.9, .centered = true});
  expect_rule(RMSprop{.tensorflow = true});
  expect_rule(Adam{.weight_decay = 0.1});
  expect_rule(AdamW{}, {.groups = {{"biases", "*/b", SGD{}}}, .clip_norm = 0.1});
  expect_rule(SGD{.momentum = 0.9}, {.clip_value = 0.1, .accumulate = true});
}

} // namespace
} // namespace gdjit
