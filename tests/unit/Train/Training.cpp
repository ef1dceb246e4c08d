// Training as a program does it: accumulated gradients, groups, clipping, early stopping, watched
// values, layers in training and evaluation.
#include "gdjit/gdjit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

using namespace gdjit;

namespace {

constexpr std::initializer_list<TensorView> none = {};

std::string message_of(auto mistake) {
  try {
    mistake();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

/// Rows [from, to) of one column.
Array part(const Array& all, int64_t from, int64_t to) {
  int64_t width = all.elements() / all.type().shape[0];
  Array rows({all.type().dtype, {to - from, width}});
  for (int64_t i = 0; i < rows.elements(); ++i)
    rows.set(i, all.at(from * width + i));
  return rows;
}

const Array x6({DType::f64, {6, 2}}, {1, 2, 2, 3, 3, 1, 4, 3, 5, 3, 6, 2});
const Array y6({DType::f64, {6, 1}}, {1, -1, 2, 4, 3, 7});

auto regression(const MinimizeOptions& options) {
  return [=](Model& m) {
    Tensor x = m.input("x", {m.batch(), 2}), y = m.input("y", {m.batch(), 1});
    Linear fc(m, "fc", 2, 1, {.w = values({{0.1}, {0.2}}), .b = zeros()});
    m.minimize(mse_loss(fc(x), y), Adam{.lr = 0.1}, options);
  };
}

TEST(Accumulation, of_batches_of_any_size_is_the_full_batchs_update) {
  Model m(regression({.clip_norm = 0.5, .accumulate = true}), {.batch = 6, .dtype = DType::f64});
  State whole = initial_state(m), parts = initial_state(m);
  StepFunction train = compile(m.training(), whole);
  StepFunction gradients = compile(m.gradients(), parts), apply = compile(m.apply(), parts);
  for (int update = 0; update < 5; ++update) {
    train({{"x", x6}, {"y", y6}});
    for (auto [from, to] : {std::pair{0, 2}, {2, 5}, {5, 6}}) {
      Array x = part(x6, from, to), y = part(y6, from, to);
      gradients({{"x", x}, {"y", y}});
    }
    EXPECT_EQ(parts.view("minimize/gradient_rows").at(0), 6);
    apply(none);
    EXPECT_EQ(parts.view("minimize/gradient_rows").at(0), 0);
    EXPECT_EQ(parts.view("minimize/gradient/fc/w").at(0), 0);
  }
  EXPECT_EQ(parts.view("minimize/step").at(0), 5) << "an update is one apply";
  for (const char* name : {"fc/w", "fc/b"})
    for (int64_t i = 0; i < whole.view(name).elements(); ++i)
      EXPECT_NEAR(parts.view(name).at(i), whole.view(name).at(i), 1e-13) << name;
}

TEST(Accumulation, of_one_batch_has_the_bits_of_training) {
  Model m(regression({.accumulate = true}), {.batch = 6, .dtype = DType::f64});
  State whole = initial_state(m), parts = initial_state(m);
  StepFunction train = compile(m.training(), whole);
  StepFunction gradients = compile(m.gradients(), parts), apply = compile(m.apply(), parts);
  for (int update = 0; update < 5; ++update) {
    train({{"x", x6}, {"y", y6}});
    gradients({{"x", x6}, {"y", y6}});
    apply(none);
  }
  for (int i = 0; i < whole.size(); ++i)
    EXPECT_TRUE(same_bits(whole.view(i).copy(), parts.view(i).copy())) << whole.name(i);
}

TEST(Accumulation, must_be_asked_for) {
  Model m(regression({}));
  EXPECT_THAT(message_of([&] { (void)m.gradients(); }),
              testing::HasSubstr("no minimize of model 'model' accumulates gradients"));
  EXPECT_THAT(message_of([&] { (void)m.apply("minimize"); }),
              testing::HasSubstr("minimize 'minimize' does not accumulate gradients"));
  EXPECT_THAT(message_of([&] { (void)m.apply("minimise"); }), testing::HasSubstr("did you mean"));
}

TEST(Groups, have_learning_rates_of_their_own) {
  Model m([](Model& m) {
    Parameter w = m.parameter("fc/w", ones({2})), b = m.parameter("fc/b", ones({2}));
    m.minimize(sum(w) + sum(b), SGD{.lr = 1}, {.groups = {{"biases", "*/b", SGD{.lr = 0.25}}}});
  });
  State s = initial_state(m);
  StepFunction train = compile(m.training(), s);
  train(none);
  EXPECT_EQ(s.view("fc/w").at(0), 0);
  EXPECT_EQ(s.view("fc/b").at(0), 0.75);
  train(none, {.named = {{"biases/lr", 0.5}}});
  EXPECT_EQ(s.view("fc/w").at(0), -1);
  EXPECT_EQ(s.view("fc/b").at(0), 0.25);
}

TEST(Groups, that_match_nothing_are_refused) {
  EXPECT_THAT(message_of([] {
                Model m;
                Parameter w = m.parameter("w", ones({2}));
                m.minimize(sum(w), SGD{}, {.groups = {{"biases", "*/b", SGD{}}}});
              }),
              testing::AllOf(testing::HasSubstr("group 'biases' has no parameter"),
                             testing::HasSubstr("minimize trains w")));
}

TEST(Optimizers, refuse_numbers_out_of_their_range) {
  auto with = [](auto rule, MinimizeOptions options = {}) {
    return message_of([&] {
      Model m;
      Parameter w = m.parameter("w", ones({2}));
      m.minimize(sum(w), rule, options);
    });
  };
  EXPECT_THAT(with(Adam{.beta1 = 1}), testing::HasSubstr("Adam: beta1 1 is not in [0, 1)"));
  EXPECT_THAT(with(AdamW{.eps = -1}), testing::HasSubstr("AdamW: eps -1 is below 0"));
  EXPECT_THAT(with(Adagrad{.lr_decay = -1}), testing::HasSubstr("Adagrad: lr_decay -1 is below 0"));
  EXPECT_THAT(with(RMSprop{.alpha = 2}), testing::HasSubstr("RMSprop: alpha 2 is not in [0, 1)"));
  EXPECT_THAT(with(SGD{}, {.clip_norm = -1}), testing::HasSubstr("clip_norm -1 is negative"));
  EXPECT_THAT(with(SGD{}, {.clip_value = NAN}), testing::HasSubstr("clip_value nan is negative"));
}

TEST(EarlyStopping, keeps_the_best_values) {
  Model m([](Model& m) {
    Parameter w = m.parameter("w", zeros({}));
    m.minimize(-w, SGD{.lr = 1});
  });
  State s = initial_state(m);
  StepFunction train = compile(m.training(), s);
  EarlyStopping stop{.patience = 1};
  EXPECT_THAT(message_of([&] { stop.restore(s); }), testing::HasSubstr("nothing to restore"));
  EXPECT_FALSE(stop.step(NAN, s));
  std::vector<double> metrics = {3, 2, 2.5, 1, 1, 4};
  int epochs = 0;
  for (double metric : metrics) {
    train(none);
    ++epochs;
    if (stop.step(metric, s))
      break;
  }
  EXPECT_EQ(epochs, 6) << "1 equal, 4 worse: two epochs were not better";
  stop.restore(s);
  EXPECT_EQ(s.view("w").at(0), 4) << "after the fourth epoch";
  EXPECT_EQ(s.step(), 4);
}

TEST(Watch, describes_a_value) {
  Model m([](Model& m) {
    double inf = std::numeric_limits<double>::infinity();
    m.watch("h", m.constant({{1, -2, 6}, {3, 0, 4}}));
    m.watch("bad", m.constant({1.0, -inf, std::nan("")}));
    m.watch("hits", m.constant({1, 2}) > 1);
  });
  State s = initial_state(m);
  StepFunction look = compile(m.evaluation(), s);
  look(none);
  EXPECT_EQ(look.output("h/shape").at(0), 2);
  EXPECT_EQ(look.output("h/shape").at(1), 3);
  EXPECT_EQ(look.output("h/min").at(0), -2);
  EXPECT_EQ(look.output("h/mean").at(0), 2);
  EXPECT_EQ(look.output("h/max").at(0), 6);
  EXPECT_EQ(look.output("h/nonfinite").at(0), 0);
  EXPECT_EQ(look.output("bad/nonfinite").at(0), 2);
  EXPECT_TRUE(std::isnan(look.output("bad/max").at(0)));
  EXPECT_EQ(look.output("hits/mean").at(0), 0.5);
}

TEST(Layers, dropout_scales_what_it_keeps_and_vanishes_in_evaluation) {
  Model m([](Model& m) {
    Parameter x = m.parameter("x", ones({10000}));
    Dropout drop(m, "drop", 0.25);
    m.output("once", drop(x));
    m.output("again", drop(x));
    m.minimize(sum(drop(x)), SGD{.lr = 0});
  });
  State s = initial_state(m);
  StepFunction train = compile(m.training(), s), evaluate = compile(m.evaluation(), s);
  train(none);
  int dropped = 0, differ = 0;
  for (int64_t i = 0; i < 10000; ++i) {
    double e = train.output("once").at(i);
    EXPECT_TRUE(e == 0 || std::abs(e - 4.0 / 3) < 1e-6) << e;
    dropped += e == 0;
    differ += e != train.output("again").at(i);
  }
  EXPECT_NEAR(dropped, 2500, 200); // more than 4 standard deviations
  EXPECT_GT(differ, 3000) << "each call draws anew";
  evaluate(none);
  for (int64_t i = 0; i < 10000; ++i)
    EXPECT_EQ(evaluate.output("once").at(i), 1);
}

TEST(Layers, batch_norm_evaluates_by_its_running_statistics) {
  Model m(
      [](Model& m) {
        Tensor x = m.input("x", {m.batch(), 1});
        BatchNorm bn(m, "bn", 1);
        Tensor h = bn(x);
        m.output("h", h);
        m.minimize(sum(h), SGD{.lr = 0});
      },
      {.batch = 2, .dtype = DType::f64});
  State s = initial_state(m);
  StepFunction train = compile(m.training(), s), evaluate = compile(m.evaluation(), s);
  Array x({DType::f64, {2, 1}}, {1, 5}), one({DType::f64, {1, 1}}, {7});
  train({{"x", x}});
  EXPECT_DOUBLE_EQ(s.view("bn/mean").at(0), 0.3);
  EXPECT_DOUBLE_EQ(s.view("bn/var").at(0), 0.9 + 0.1 * 8);
  EXPECT_NEAR(train.output("h").at(1), 2 / std::sqrt(4 + 1e-5), 1e-15);
  evaluate({{"x", one}});
  EXPECT_NEAR(evaluate.output("h").at(0), 6.7 / std::sqrt(1.7 + 1e-5), 1e-14);
  train({{"x", one}});
  EXPECT_EQ(train.output("h").at(0), 0) << "one row has no variance";
  EXPECT_DOUBLE_EQ(s.view("bn/mean").at(0), 0.3) << "and leaves the statistics";
}

TEST(Layers, batch_norm_takes_a_last_batch_of_one_row_with_accumulated_gradients) {
  auto net = [](Model& m) {
    Tensor x = m.input("x", {m.batch(), 2}), y = m.input("y", {m.batch(), 1});
    BatchNorm bn(m, "bn", 2);
    Linear out(m, "out", 2, 1);
    m.minimize(mse_loss(out(bn(x)), y), SGD{.lr = 0.1}, {.accumulate = true});
  };
  for (int64_t first : {8, 1}) { // the model's own number of rows
    Model m(net, {.batch = first, .dtype = DType::f64});
    State s = initial_state(m);
    StepFunction gradients = compile(m.gradients(), s), apply = compile(m.apply(), s),
                 train = compile(m.training(), s);
    Array x({DType::f64, {8, 2}}, {1, 2, 3, 5, 2, 2, 4, 1, 0, 3, 1, 1, 2, 6, 5, 4});
    Array y({DType::f64, {8, 1}}, {1, 2, 3, 4, 5, 6, 7, 8});
    Array x1({DType::f64, {1, 2}}, {3, 1}), y1({DType::f64, {1, 1}}, {2});
    gradients({{"x", x}, {"y", y}});
    double mean = s.view("bn/mean").at(0);
    EXPECT_DOUBLE_EQ(mean, 0.1 * 2.25);
    gradients({{"x", x1}, {"y", y1}});
    EXPECT_EQ(s.view("bn/mean").at(0), mean) << "one row leaves the statistics";
    EXPECT_EQ(s.view("minimize/gradient_rows").at(0), 9);
    double b = s.view("out/b").at(0), d_b = s.view("minimize/gradient/out/b").at(0);
    EXPECT_NE(d_b, 0);
    apply(none);
    EXPECT_DOUBLE_EQ(s.view("out/b").at(0), b - 0.1 * d_b);
    EXPECT_EQ(s.view("minimize/gradient_rows").at(0), 0);
    train({{"x", x}, {"y", y}});
    EXPECT_NE(s.view("bn/mean").at(0), mean);
    train({{"x", x1}, {"y", y1}});
    EXPECT_EQ(s.view("minimize/step").at(0), 3);
  }
}

TEST(Layers, are_refused_where_they_do_not_fit) {
  Model m;
  Tensor x = m.input("x", {4, 3});
  BatchNorm bn(m, "bn", 3);
  (void)bn(x);
  (void)bn(x, {.update_running = false});
  EXPECT_THAT(message_of([&] { (void)bn(x); }),
              testing::HasSubstr("state 'bn/mean' is updated twice in one step"));
  EXPECT_THAT(message_of([&] { BatchNorm(m, "bn", 3); }), testing::HasSubstr("the name is taken"));
  EXPECT_THAT(message_of([&] { (void)BatchNorm(m, "other", 2)(x); }),
              testing::HasSubstr("BatchNorm: takes [batch, .., 2] of f32 or f64, not f32[4,3]"));
  EXPECT_THAT(message_of([&] { (void)LayerNorm(m, "ln", 2)(x); }),
              testing::HasSubstr("LayerNorm: takes [.., 2] of f32 or f64, not f32[4,3]"));
  EXPECT_THAT(message_of([&] { LayerNorm(m, "ln2", 2, {.eps = 0}); }),
              testing::HasSubstr("LayerNorm 'ln2': eps 0 is not above 0"));
  EXPECT_THAT(message_of([&] { Dropout(m, "drop", 1); }),
              testing::HasSubstr("Dropout 'drop': the probability 1 is not in [0, 1)"));
  Dropout drop(m, "drop2");
  EXPECT_THAT(message_of([&] { Dropout(m, "drop2"); }), testing::HasSubstr("the name is taken"));
  EXPECT_THAT(message_of([&] { Embedding(m, "e", 3, 2, {.w = zeros({2, 3})}); }),
              testing::HasSubstr("Embedding 'e': the initial value does not have shape [3,2]"));
}

/// The State of a regression after three steps, minimized by the text or by the model's own rule.
std::string bits_after(Model model) {
  State s = initial_state(model);
  StepFunction train = compile(model.training(), s);
  for (int i = 0; i < 3; ++i)
    train({{"x", x6}, {"y", y6}});
  std::string bits;
  for (int i = 0; i < s.size(); ++i)
    bits.append(s.name(i)).append(static_cast<const char*>(s.view(i).data),
                                  static_cast<size_t>(s.type(i).bytes()));
  return bits;
}

template <class Rule> Model regression_by(Rule rule, MinimizeOptions options = {}) {
  return Model(
      [=](Model& m) {
        Tensor x = m.input("x", {m.batch(), 2}), y = m.input("y", {m.batch(), 1});
        Linear fc(m, "fc", 2, 1, {.w = values({{0.1}, {0.2}}), .b = zeros()});
        m.minimize(mse_loss(fc(x), y), rule, options);
      },
      {.batch = 6, .dtype = DType::f64});
}

Model regression_by_text(const char* text, MinimizeOptions options = {}) {
  return Model(regression(options),
               {.batch = 6, .dtype = DType::f64, .optimizer = parse_optimizer(text)});
}

TEST(OptimizerText, gives_the_rule_that_it_names) {
  auto same = [](const char* text, auto rule) {
    EXPECT_EQ(bits_after(regression_by_text(text)), bits_after(regression_by(rule))) << text;
  };
  // The model's own rule is Adam with lr 0.1.
  same("sgd", SGD{.lr = 0.1});
  same("sgd,momentum=0.9,nesterov,weight_decay=0.01",
       SGD{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true});
  same("sgd,lr=0.5,momentum=0.9,dampening=0.1", SGD{.lr = 0.5, .momentum = 0.9, .dampening = 0.1});
  same("adagrad,lr_decay=0.1,initial=0.2,eps=1e-8",
       Adagrad{.lr = 0.1, .lr_decay = 0.1, .initial = 0.2, .eps = 1e-8});
  same("rmsprop,centered,alpha=0.9", RMSprop{.lr = 0.1, .alpha = 0.9, .centered = true});
  same("rmsprop,tensorflow,momentum=0.5", RMSprop{.lr = 0.1, .momentum = 0.5, .tensorflow = true});
  same("adam,beta1=0.5,beta2=0.9,lr=1e-3", Adam{.lr = 1e-3, .beta1 = 0.5, .beta2 = 0.9});
  same("adamw,weight_decay=0.1", AdamW{.lr = 0.1, .weight_decay = 0.1});
}

TEST(OptimizerText, takes_the_place_of_groups_rules_and_leaves_their_rates) {
  EXPECT_EQ(
      bits_after(regression_by_text("sgd", {.groups = {{"biases", "*/b", Adam{.lr = 0.5}}}})),
      bits_after(regression_by(SGD{.lr = 0.1}, {.groups = {{"biases", "*/b", SGD{.lr = 0.5}}}})));
}

TEST(OptimizerText, is_refused_with_the_nearest_word) {
  auto refused = [](const char* text, const char* what) {
    try {
      (void)parse_optimizer(text);
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      EXPECT_THAT(error.what(), testing::HasSubstr(what)) << text;
    }
  };
  refused("sdg",
          "optimizer 'sdg': there is no 'sdg', there are sgd, adagrad, rmsprop, adam, adamw; "
          "did you mean 'sgd'?");
  refused("", "there is no ''");
  refused("sgd,momentun=0.9", "'sgd' has no 'momentun', it has lr, momentum, dampening, "
                              "weight_decay, nesterov; did you mean 'momentum'?");
  refused("adam,momentum=0.9", "'adam' has no 'momentum'");
  refused("sgd,momentum", "momentum has no value; write momentum=NUMBER");
  refused("sgd,momentum=fast", "momentum: 'fast' is no number");
  refused("sgd,nesterov=1", "nesterov is given alone or left out");
  refused("sgd,lr=-1", "the learning rate -1 is negative or not finite");
  refused("sgd,", "a setting is missing behind the last comma");
  EXPECT_THAT(message_of([] { (void)regression_by_text("sgd,momentum=-0.5"); }),
              testing::HasSubstr("SGD: momentum -0.5 is below 0"));
}

} // namespace
