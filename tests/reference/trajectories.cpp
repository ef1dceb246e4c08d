// The lessons, and SGD's variants, against trajectories that PyTorch computed in f64 from the
// formulas alone: each loss within 1e-12 (f64) or 1e-5 (f32) times max(|reference|, 0.01), and so
// the parameters after the last update.
#include "gdjit/Driver/LoadModel.h"
#include "gdjit/gdjit.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>

using namespace gdjit;

namespace {

using ModelFunction = void (*)(Model&);

struct Case {
  std::string test;
  std::string trajectory; ///< its name in trajectories.json
  std::string lesson;     ///< FILE:MODEL, or "" for `function`
  ModelFunction function = nullptr;
  /// A parameter of the reference, and the states that together are it.
  std::vector<std::pair<std::string, std::vector<std::string>>> parameters = {{"w", {"w"}},
                                                                              {"b", {"b"}}};
  int64_t batch = 0; ///< rows of an update, in order; 0: all
  double f32_bound = 1e-5;
};

/// The model of lesson 5 with a given rule.
template <class Rule> void logistic(Model& m, const Rule& rule) {
  Tensor x = m.input("x", {m.batch(), 2});
  Tensor y = m.input("y", {m.batch(), 1});
  Parameter w = m.parameter("w", zeros({2, 1}));
  Parameter b = m.parameter("b", zeros({1}));
  m.minimize(binary_cross_entropy(sigmoid(matmul(x, w) + b), y), rule);
  m.data({{"x", {{1, 2}, {2, 3}, {3, 1}, {4, 3}, {5, 3}, {6, 2}}},
          {"y", {{0}, {0}, {0}, {1}, {1}, {1}}}});
}

void with_logits(Model& m) {
  Tensor x = m.input("x", {m.batch(), 2});
  Tensor y = m.input("y", {m.batch(), 1});
  Parameter w = m.parameter("w", zeros({2, 1}));
  Parameter b = m.parameter("b", zeros({1}));
  m.minimize(binary_cross_entropy_with_logits(matmul(x, w) + b, y), SGD{.lr = 1.0});
  m.data({{"x", {{1, 2}, {2, 3}, {3, 1}, {4, 3}, {5, 3}, {6, 2}}},
          {"y", {{0}, {0}, {0}, {1}, {1}, {1}}}});
}

void regularization(Model& m, double decay) {
  Tensor x = m.input("x", {m.batch(), 3});
  Tensor y = m.input("y", {m.batch()}, DType::i32);
  Parameter w = m.parameter("w", zeros({3, 3}));
  Parameter b = m.parameter("b", zeros({3}));
  m.minimize(cross_entropy(matmul(x, w) + b, y), SGD{.lr = 0.1, .weight_decay = decay});
  m.data(
      {{"x",
        {{1, 2, 1}, {1, 3, 2}, {1, 3, 4}, {1, 5, 5}, {1, 7, 5}, {1, 2, 5}, {1, 6, 6}, {1, 7, 7}}},
       {"y", {2, 2, 2, 1, 1, 1, 0, 0}}});
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"lesson_1_twice", "linear_regression y=2x", "01_linear_regression:twice"},
      {"lesson_1_plus_three", "linear_regression y=x+3", "01_linear_regression:plus_three"},
      {"lesson_1_same", "linear_regression y=x", "01_linear_regression:same"},
      {"lesson_2_by_hand",
       "gradient_descent",
       "02_gradient_descent:by_hand",
       nullptr,
       {{"w", {"w"}}}},
      {"lesson_2_by_minimize",
       "gradient_descent",
       "02_gradient_descent:by_minimize",
       nullptr,
       {{"w", {"w"}}}},
      {"lesson_3_separate",
       "multivariate_linear_regression",
       "03_multivariate_linear_regression:separate",
       nullptr,
       {{"w", {"w1", "w2", "w3"}}, {"b", {"b"}}}},
      {"lesson_3_product", "multivariate_linear_regression",
       "03_multivariate_linear_regression:product"},
      {"lesson_3_layer",
       "multivariate_linear_regression",
       "03_multivariate_linear_regression:layer",
       nullptr,
       {{"w", {"linear/w"}}, {"b", {"linear/b"}}}},
      // Loss 9 is 1.14 while predictions are near 170: to round one of them to f32, half an ulp or
      // 7.6e-6, moves it by up to 1.4e-5. Measured 1.03e-5.
      {"lesson_4_scores",
       "minibatch",
       "04_minibatch_gradient_descent:scores",
       nullptr,
       {{"w", {"linear/w"}}, {"b", {"linear/b"}}},
       2,
       1.1e-5},
      {"lesson_5_by_hand", "logistic_regression", "05_logistic_regression:by_hand"},
      {"lesson_5_by_function", "logistic_regression", "05_logistic_regression:by_function"},
      {"lesson_5_with_logits", "logistic_regression", "", with_logits},
      {"lesson_6_by_function", "softmax_classification", "06_softmax_classification:by_function"},
      {"lesson_6_three_ways", "softmax_classification", "06_softmax_classification:three_ways"},
      {"lesson_6_one_hot_rows", "softmax_classification", "06_softmax_classification:one_hot_rows"},
      {"lesson_6_log_softmax_nll", "softmax_classification",
       "06_softmax_classification:log_softmax_nll"},
      {"lesson_7_thumbtack",
       "maximum_likelihood",
       "07_maximum_likelihood:thumbtack",
       nullptr,
       {{"logit", {"logit"}}}},
      {"lesson_7_raw_scores", "multivariate_linear_regression", "07_maximum_likelihood:raw_scores"},
      {"sgd_momentum", "optimizer momentum", "",
       [](Model& m) { logistic(m, SGD{.lr = 0.05, .momentum = 0.9}); }},
      {"sgd_nesterov", "optimizer nesterov", "",
       [](Model& m) { logistic(m, SGD{.lr = 0.05, .momentum = 0.9, .nesterov = true}); }},
      {"adagrad", "optimizer adagrad", "", [](Model& m) { logistic(m, Adagrad{.lr = 0.1}); }},
      {"rmsprop", "optimizer rmsprop", "", [](Model& m) { logistic(m, RMSprop{.lr = 0.01}); }},
      {"adam", "optimizer adam", "", [](Model& m) { logistic(m, Adam{.lr = 0.05}); }},
      {"adamw", "optimizer adamw", "", [](Model& m) { logistic(m, AdamW{.lr = 0.05}); }},
      {"sgd_no_decay", "regularization weight_decay=0.0", "",
       [](Model& m) { regularization(m, 0.0); }},
      {"sgd_decay", "regularization weight_decay=0.1", "",
       [](Model& m) { regularization(m, 0.1); }},
  };
  return all;
}

const nlohmann::json& trajectory(const std::string& name) {
  static const nlohmann::json all =
      nlohmann::json::parse(std::ifstream(GDJIT_SOURCE_DIR "/tests/reference/trajectories.json"));
  for (const nlohmann::json& t : all)
    if (t.at("name") == name)
      return t;
  throw std::runtime_error("no trajectory " + name);
}

void flatten(const nlohmann::json& j, std::vector<double>& out) {
  if (j.is_number())
    out.push_back(j.get<double>());
  else
    for (const nlohmann::json& part : j)
      flatten(part, out);
}

struct Run {
  const Case* model;
  DType dtype;
};

class Trajectory : public testing::TestWithParam<Run> {
protected:
  void expect_near(double got, double reference, const std::string& what) const {
    double tolerance = GetParam().dtype == DType::f64 ? 1e-12 : GetParam().model->f32_bound;
    EXPECT_LE(std::abs(got - reference), tolerance * std::max(std::abs(reference), 0.01))
        << what << ": " << fmt::format("{:.17g}", got) << " for "
        << fmt::format("{:.17g}", reference);
  }
};

TEST_P(Trajectory, follows_pytorch) {
  const Case& c = *GetParam().model;
  LoadedModel loaded;
  ModelFunction function = c.function;
  if (!function) {
    loaded = load_model(GDJIT_BINARY_DIR "/lib/gdjit/examples/" +
                        std::string(c.lesson).insert(c.lesson.find(':'), ".so"));
    function = loaded.row->function;
  }
  Model m(function, {.dtype = GetParam().dtype, .name = c.test});
  State s = initial_state(m);
  StepFunction train = compile(m.training(), s);
  StepFunction evaluate = compile(m.evaluation(), s);

  const nlohmann::json& reference = trajectory(c.trajectory);
  int updates = reference.at("updates").get<int>();
  int compared = 0;
  Loader loader(dataset(m), {.batch = c.batch});
  for (int k = 0; k < updates;)
    for (const Batch& batch : loader) {
      auto wanted = reference.at("loss").find(std::to_string(k++));
      double before = wanted == reference.at("loss").end() ? NAN : evaluate(batch);
      double loss = train(batch);
      if (wanted == reference.at("loss").end())
        continue;
      EXPECT_EQ(before, loss) << "evaluation and training see the same parameters";
      expect_near(loss, wanted->get<double>(), fmt::format("loss {}", k - 1));
      ++compared;
    }
  EXPECT_EQ(s.step(), updates);
  EXPECT_EQ(compared, static_cast<int>(reference.at("loss").size()));
  for (const auto& [name, states] : c.parameters) {
    std::vector<double> wanted, got;
    flatten(reference.at("parameters").at(name), wanted);
    for (const std::string& state : states)
      for (int64_t i = 0; i < s.view(state).elements(); ++i)
        got.push_back(s.view(state).at(i));
    ASSERT_EQ(got.size(), wanted.size());
    for (size_t i = 0; i < got.size(); ++i)
      expect_near(got[i], wanted[i], fmt::format("{}[{}]", name, i));
  }
}

std::vector<Run> runs() {
  std::vector<Run> all;
  for (const Case& c : cases())
    for (DType dtype : {DType::f32, DType::f64})
      all.push_back({&c, dtype});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Lessons, Trajectory, testing::ValuesIn(runs()), [](const auto& info) {
  return info.param.model->test + "_" + std::string(name(info.param.dtype));
});

} // namespace
