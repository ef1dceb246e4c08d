// What the lessons say of themselves: derivations by hand that agree with the compiler's, figures,
// and which of two runs ends better.
#include "gdjit/Driver/LoadModel.h"
#include "gdjit/gdjit.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace gdjit;

namespace {

constexpr std::initializer_list<TensorView> none = {};

/// A lesson's model in f64, with its functions.
class Lesson {
public:
  explicit Lesson(const std::string& word, DType dtype = DType::f64)
      : loaded_(load_model(GDJIT_BINARY_DIR "/lib/gdjit/examples/" +
                           std::string(word).insert(word.find(':'), ".so"))),
        model(loaded_.row->function, {.dtype = dtype, .name = loaded_.name}),
        state(initial_state(model)), evaluate(compile(model.evaluation(), state)) {}

private:
  LoadedModel loaded_; // the code of all that follows

public:
  Model model;
  State state;
  StepFunction evaluate;
  Dataset rows = model.data_rows().empty() ? Dataset() : dataset(model);

  /// The evaluation after so many updates.
  void train(int updates, double lr) {
    StepFunction step = compile(model.training(), state);
    for (int k = 0; k < updates; ++k)
      step(rows.views(), {.lr = lr});
    look();
  }
  void look() { evaluate(rows.views()); }
  double figure(std::string_view name, int64_t i = 0) const { return evaluate.output(name).at(i); }
  /// Two outputs agree in every element.
  void expect_equal(std::string_view a, std::string_view b, double tolerance = 1e-14) const {
    TensorView left = evaluate.output(a), right = evaluate.output(b);
    ASSERT_EQ(left.elements(), right.elements());
    for (int64_t i = 0; i < left.elements(); ++i)
      EXPECT_NEAR(left.at(i), right.at(i), tolerance * std::max(1.0, std::abs(right.at(i))))
          << a << ", " << b << " " << i;
  }
};

TEST(Lessons, the_cost_of_lesson_2_is_a_parabola_with_its_slope) {
  Lesson l("02_gradient_descent:cost_curve");
  l.look();
  for (int i = 0; i < 13; ++i) {
    double w = i - 5; // sum x² / 3 = 14 / 3
    EXPECT_NEAR(l.figure("cost", i), 14.0 / 3 * (w - 1) * (w - 1), 1e-12);
    EXPECT_NEAR(l.figure("slope", i), 28.0 / 3 * (w - 1), 1e-12);
  }
}

TEST(Lessons, small_batches_of_lesson_4_are_rougher_and_sooner) {
  Lesson l("04_minibatch_gradient_descent:many_rows", DType::f32);
  ASSERT_EQ(l.rows.rows(), 100'000);
  auto costs = [&](int64_t batch) {
    State s = initial_state(l.model);
    StepFunction train = compile(l.model.training(), s),
                 evaluate = compile(l.model.evaluation(), s);
    Loader loader(l.rows, {.batch = batch, .shuffle_seed = 0});
    std::vector<double> before;
    for (const Batch& b : loader)
      before.push_back(train(b));
    before.push_back(evaluate(l.rows.views()));
    return before;
  };
  std::vector<double> full = costs(0), parts = costs(100);
  EXPECT_EQ(full.size(), 2u);
  EXPECT_EQ(parts.size(), 1001u);
  EXPECT_GT(full.back(), 3);
  EXPECT_LT(parts.back(), 0.26) << "the noise alone is 0.25";
  int rises = 0;
  for (size_t k = 1; k < 100; ++k)
    rises += parts[k] > parts[k - 1];
  EXPECT_GT(rises, 20) << "rougher";
}

TEST(Lessons, the_thumbtack_of_lesson_7_lands_so_27_times_of_100) {
  Lesson l("07_maximum_likelihood:thumbtack");
  l.train(500, 1);
  EXPECT_NEAR(l.figure("theta"), 0.27, 1e-12);
  Lesson ascent("07_maximum_likelihood:ascent");
  ascent.look();
  EXPECT_NEAR(ascent.figure("slope_by_hand"), 54 - 146, 1e-12) << "at theta 0.5";
  ascent.train(100, 1e-3);
  ascent.expect_equal("slope_by_hand", "slope_by_compiler", 1e-12);
  EXPECT_NEAR(ascent.figure("slope_by_hand"), 0, 1e-9);
  EXPECT_NEAR(ascent.state.view("theta").at(0), 0.27, 1e-12);
}

TEST(Lessons, the_likelihood_of_lesson_7_is_greatest_at_27) {
  Lesson l("07_maximum_likelihood:likelihood_curve");
  l.look();
  for (int i = 0; i < 99; ++i) {
    double theta = (i + 1) / 100.0;
    EXPECT_NEAR(std::log(l.figure("likelihood", i)), l.figure("log_likelihood", i), 1e-10);
    EXPECT_NEAR(l.figure("slope", i), 27 / theta - 73 / (1 - theta), 1e-9);
    if (i != 26)
      EXPECT_LT(l.figure("likelihood", i), l.figure("likelihood", 26));
  }
}

TEST(Lessons, each_help_of_lesson_7_lowers_the_test_loss) {
  auto losses = [](const char* model) {
    Lesson l("07_maximum_likelihood:" + std::string(model), DType::f32);
    l.train(1000, 0.01);
    return std::pair(l.figure("loss"), l.figure("test_loss"));
  };
  auto [train, test] = losses("overfitting");
  EXPECT_GT(test, 5 * train);
  for (const char* help : {"weight_decay", "dropout", "early_stopping"})
    EXPECT_LT(losses(help).second, 0.6 * test) << help;
}

TEST(Lessons, early_stopping_of_lesson_7_keeps_the_weights_of_the_best_development_loss) {
  Lesson l("07_maximum_likelihood:early_stopping");
  StepFunction train = compile(l.model.training(), l.state);
  double best = INFINITY;
  for (int k = 0; k < 300; ++k) {
    train(l.rows.views());
    double loss = train.output("development_loss").at(0); // before the update
    best = std::min(best, loss);
    EXPECT_EQ(l.state.view("best_loss").at(0), best);
  }
  l.look();
  EXPECT_NEAR(l.figure("best_development_loss"), best, 1e-12);
  EXPECT_GT(l.figure("development_loss"), best);
}

TEST(Lessons, the_learning_rate_of_lesson_7_is_too_large_too_small_and_right) {
  auto loss = [](const char* model, double lr, int updates) {
    Lesson l("07_maximum_likelihood:" + std::string(model), DType::f32);
    l.train(updates, lr);
    return l.figure("loss");
  };
  EXPECT_FALSE(std::isfinite(loss("raw_scores", 1e-4, 1000)));
  EXPECT_GT(loss("raw_scores", 1e-9, 1000), 27'000) << "of 29,662 at first";
  double right = loss("raw_scores", 1e-5, 1000);
  EXPECT_LT(right, 4);
  EXPECT_LT(loss("standardized", 0.1, 100), right);
}

TEST(Lessons, the_die_of_lesson_8_gets_its_expectation) {
  Lesson l("08_probability:die");
  l.look();
  EXPECT_NEAR(l.figure("expectation"), 3.5, 1e-14);
  EXPECT_NEAR(l.figure("variance"), 35.0 / 12, 1e-14);
  l.train(1000, 0.02);
  EXPECT_NEAR(l.figure("expectation"), 4.5, 1e-5);
  double sum = 0;
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(l.figure("slope_by_f", i), i + 1);
    sum += l.figure("f", i);
  }
  EXPECT_NEAR(sum, 1, 1e-14);
  l.expect_equal("slope_by_z", "slope_by_hand");
}

TEST(Lessons, the_density_of_lesson_8_has_area_1_and_its_moments) {
  Lesson l("08_probability:density");
  l.look();
  EXPECT_NEAR(l.figure("area"), 1, 1e-12);
  EXPECT_NEAR(l.figure("mean"), 1, 1e-12);
  EXPECT_NEAR(l.figure("variance"), 0.25, 1e-12);
  l.expect_equal("slope", "slope_by_hand");
  EXPECT_NEAR(l.figure("density", 40), 1 / (0.5 * std::sqrt(2 * M_PI)), 1e-14) << "at the mean";
}

TEST(Lessons, the_normal_of_lesson_8_is_the_squared_error) {
  Lesson l("08_probability:normal");
  for (int k = 0; k < 3; ++k) {
    l.look();
    EXPECT_NEAR(l.figure("loss"), l.figure("squared_error_and_constants"), 1e-14);
    l.expect_equal("slope", "slope_by_hand");
    l.expect_equal("slope_of_squared_error", "slope_by_hand");
    l.train(150, 0.5);
  }
  EXPECT_NEAR(l.state.view("mu").at(0), 2.8, 1e-12);
  EXPECT_NEAR(l.figure("sample_mean"), 2.8, 1e-14);
}

TEST(Lessons, the_cross_entropy_of_lesson_8_is_entropy_plus_divergence) {
  Lesson l("08_probability:cross_entropy_and_kl");
  for (int k = 0; k < 3; ++k) {
    l.look();
    l.expect_equal("loss", "entropy_plus_kl");
    l.expect_equal("slope_of_cross_entropy", "slope_by_hand");
    l.expect_equal("slope_of_kl", "slope_by_hand");
    l.train(100, 0.5);
  }
  EXPECT_NEAR(l.figure("entropy"), 1.75 * std::log(2), 1e-14);
  EXPECT_NEAR(l.figure("kl"), 0, 1e-6);
}

TEST(Lessons, the_samples_of_lesson_8_come_near_the_expectation) {
  Lesson l("08_probability:samples");
  double few = 0, many = 0;
  for (int seed = 0; seed < 20; ++seed) {
    l.state.set_seed(seed);
    l.evaluate(none);
    few += std::abs(l.figure("by_100") - l.figure("exact"));
    many += std::abs(l.figure("by_all") - l.figure("exact"));
    EXPECT_NEAR(l.figure("by_all"), std::exp(0.5), 0.1);
    l.expect_equal("slope_by_mu", "by_all", 1e-12);
  }
  EXPECT_GT(few / many, 5);
  EXPECT_LT(few / many, 20);
}

TEST(Lessons, rows_drawn_from_p_teach_q_in_lesson_8) {
  Lesson l("08_probability:learn_by_samples");
  l.train(2000, 0.1);
  for (auto [i, p] : {std::pair{0, 0.5}, {1, 0.25}, {2, 0.125}, {3, 0.125}})
    EXPECT_NEAR(l.figure("q", i), p, 0.02);
  EXPECT_NEAR(l.figure("cross_entropy"), 1.75 * std::log(2), 1e-3);
}

TEST(Lessons, the_forms_of_lesson_6_have_equal_losses) {
  LoadedModel loaded =
      load_model(GDJIT_BINARY_DIR "/lib/gdjit/examples/06_softmax_classification.so:three_ways");
  Model m(loaded.row->function, {.dtype = DType::f64});
  State s = initial_state(m);
  StepFunction train = compile(m.training(), s);
  for (int k = 0; k < 200; ++k) {
    double loss = train(rows(m));
    EXPECT_NEAR(train.output("loss_by_one_hot").at(0), loss, 1e-14);
    EXPECT_NEAR(train.output("loss_by_log_softmax").at(0), loss, 1e-14);
  }
  EXPECT_NEAR(train.output("softmax_of_123").at(0), 0.0900, 5e-5);
  EXPECT_NEAR(train.output("softmax_of_123").at(1), 0.2447, 5e-5);
  EXPECT_NEAR(train.output("softmax_of_123").at(2), 0.6652, 5e-5);
}

TEST(Lessons, the_slope_by_hand_is_the_compilers) {
  LoadedModel loaded =
      load_model(GDJIT_BINARY_DIR "/lib/gdjit/examples/02_gradient_descent.so:by_hand");
  Model m(loaded.row->function, {.dtype = DType::f64});
  State s = initial_state(m);
  StepFunction train = compile(m.training(), s);
  train(rows(m));
  EXPECT_EQ(train.output("slope_sum").at(0), -14);
  for (int k = 0; k < 10; ++k) {
    EXPECT_NEAR(train.output("slope_by_hand").at(0), train.output("slope_by_compiler").at(0),
                1e-14);
    train(rows(m));
  }
}

} // namespace
