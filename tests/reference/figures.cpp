// Losses, activations, layers, optimizers and schedules against PyTorch's figures (figures.json, by
// make_reference.py), through the compiled step, in f32 and f64.
#include "TrainCases.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>

using namespace gdjit;

namespace {

using nlohmann::json;

const json& figures() {
  static const json all =
      json::parse(std::ifstream(GDJIT_SOURCE_DIR "/tests/reference/figures.json"));
  return all;
}

std::vector<double> flat(const json& j) {
  if (j.is_number())
    return {j.get<double>()};
  std::vector<double> all;
  for (const json& part : j)
    for (double e : flat(part))
      all.push_back(e);
  return all;
}

void expect_near(double got, double wanted, DType dtype, const std::string& what) {
  double tolerance = dtype == DType::f64 ? 1e-12 : 1e-5;
  EXPECT_LE(std::abs(got - wanted), tolerance * std::max(std::abs(wanted), 0.01))
      << what << ": " << fmt::format("{:.17g} for {:.17g}", got, wanted);
}

void expect_near(const TensorView& got, const json& wanted, const std::string& what) {
  std::vector<double> all = flat(wanted);
  ASSERT_EQ(got.elements(), static_cast<int64_t>(all.size())) << what;
  for (int64_t i = 0; i < got.elements(); ++i)
    expect_near(got.at(i), all[static_cast<size_t>(i)], got.type.dtype,
                fmt::format("{}[{}]", what, i));
}

constexpr DType types[] = {DType::f32, DType::f64};

TEST(Figures, every_loss_activation_and_layer_is_pytorchs) {
  EXPECT_EQ(figures().at("cases").size(), test::train_cases().size());
  for (const test::TrainCase& c : test::train_cases())
    for (DType dtype : types) {
      SCOPED_TRACE(c.name + " " + std::string(name(dtype)));
      Model m([&](Model& m) { test::declare(m, c); }, {.dtype = dtype});
      State s = initial_state(m);
      StepFunction train = compile(m.training(), s);
      double loss = train(std::initializer_list<TensorView>{});
      const json& wanted = figures().at("cases").at(c.name);
      expect_near(loss, wanted.at("loss").get<double>(), dtype, "loss");
      expect_near(train.output("value"), wanted.at("value"), "value");
      for (auto& [state, values] : wanted.at("after").items())
        expect_near(s.view(state), values, state);
    }
}

template <class Rule> auto model_of(const Rule& rule, const MinimizeOptions& options = {}) {
  return [=](Model& m) {
    Parameter w = m.parameter("fc/w", values({{0.5}, {-0.25}, {0.75}}));
    Parameter b = m.parameter("fc/b", values({0.1}));
    Tensor x = m.constant({{0.2, -1.3, 0.7}, {1.5, 0.1, -0.4}, {-0.6, 2.2, 0.9}, {0.3, -0.8, 1.1}});
    m.minimize(mse_loss(matmul(x, w) + b, m.constant({{1}, {-2}, {0.5}, {3}})), rule, options);
  };
}

void expect_trajectory(const std::string& name, const Model& m) {
  SCOPED_TRACE(name + " " + std::string(gdjit::name(m.dtype())));
  const json& wanted = figures().at("optimizers").at(name);
  State s = initial_state(m);
  StepFunction train = compile(m.training(), s);
  for (const json& loss : wanted.at("loss"))
    expect_near(train(std::initializer_list<TensorView>{}), loss.get<double>(), m.dtype(), "loss");
  expect_near(s.view("fc/w"), wanted.at("w"), "w");
  expect_near(s.view("fc/b"), wanted.at("b"), "b");
}

TEST(Figures, every_optimizers_options_are_pytorchs) {
  for (DType dtype : types) {
    auto run = [&](const std::string& name, const auto& function) {
      expect_trajectory(name, Model(function, {.dtype = dtype}));
    };
    run("adagrad_all",
        model_of(Adagrad{.lr = 0.1, .lr_decay = 0.05, .weight_decay = 0.02, .initial = 0.1}));
    run("rmsprop_momentum", model_of(RMSprop{.lr = 0.01, .weight_decay = 0.02, .momentum = 0.9}));
    run("rmsprop_centered", model_of(RMSprop{.lr = 0.01, .centered = true}));
    run("rmsprop_tensorflow",
        model_of(
            RMSprop{.lr = 0.02, .alpha = 0.9, .eps = 1e-10, .momentum = 0.5, .tensorflow = true}));
    run("adam_decay",
        model_of(Adam{.lr = 0.05, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-6, .weight_decay = 0.1}));
    run("adamw_groups",
        model_of(AdamW{.lr = 0.05, .weight_decay = 0.3},
                 {.groups = {{"biases", "*/b", AdamW{.lr = 0.02, .weight_decay = 0}}}}));
    run("clip_norm", model_of(SGD{.lr = 0.1}, {.clip_norm = 0.5}));
    run("clip_value", model_of(SGD{.lr = 0.1}, {.clip_value = 0.25}));
  }
}

template <class Schedule> void expect_rates(const std::string& name, const Schedule& schedule) {
  const json& wanted = figures().at("schedules").at(name);
  for (size_t k = 0; k < wanted.size(); ++k)
    EXPECT_NEAR(schedule(static_cast<int64_t>(k)), wanted[k].get<double>(), 1e-15)
        << name << " " << k;
}

TEST(Figures, schedules_are_pytorchs) {
  expect_rates("step", StepLR{.lr = 0.2, .every = 7, .gamma = 0.3});
  expect_rates("exponential", ExponentialLR{.lr = 0.2, .gamma = 0.9});
  expect_rates("cosine", CosineAnnealingLR{.lr = 0.2, .steps = 24, .least = 0.01});
  expect_rates("warmup",
               WarmupLR{.then = ExponentialLR{.lr = 0.2, .gamma = 0.9}, .steps = 5, .start = 0.25});
  ReduceLROnPlateau plateau{.lr = 0.2, .factor = 0.5, .patience = 2, .cooldown = 1, .least = 0.02};
  const json& metrics = figures().at("schedules").at("plateau_metrics");
  for (size_t k = 0; k < metrics.size(); ++k)
    EXPECT_NEAR(plateau.step(metrics[k].get<double>()),
                figures().at("schedules").at("plateau")[k].get<double>(), 1e-15)
        << k;
}

} // namespace
