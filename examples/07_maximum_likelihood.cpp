// Lesson 7: maximum likelihood, and what helps against overfitting
//
// A thumbtack thrown 100 times fell on its side 27 times. How probable is that? With a probability
// theta of falling so in each throw, the throws together have the likelihood
//
//     L(theta) = theta^27 (1 - theta)^73        log L = 27 log(theta) + 73 log(1 - theta)
//
// and the theta that makes it greatest explains them best. The first model lets gradient descent
// find it. Its loss is -log L / 100, which is the binary cross-entropy of lesson 5; theta is the
// sigmoid of a number that may be anything, so that it stays between 0 and 1.
//
//     gdjit train 07_maximum_likelihood --steps 200
//
// ends at theta 0.27. `ascent` climbs log L itself, by the slope derived by hand,
// 27 / theta - 73 / (1 - theta), which stays equal to the compiler's; `likelihood_curve` has no
// parameter and evaluates L, log L and the slope for theta from 0.01 to 0.99.
//
//     gdjit train 07_maximum_likelihood:ascent --steps 200
//     gdjit dump 07_maximum_likelihood:likelihood_curve --values
//
// L is nowhere above 5e-26, and flat nearly everywhere: that is why one climbs its logarithm.
//
// A model may explain the rows that it saw too well. Of 100 points around a sine, 20 are for
// training, 40 (the development set) for choosing among models and settings, 40 (the test set) for
// the last word. A network of 1,153 weights learns the 20 by heart: its loss falls to 0.09, and
// that of the other rows, which was 0.2 after 100 updates, rises above 0.6. What helps, each in a
// model of its own:
//
//     gdjit train 07_maximum_likelihood:overfitting       what happens if nothing is done
//     gdjit train 07_maximum_likelihood:weight_decay      weights are drawn towards 0
//     gdjit train 07_maximum_likelihood:dropout           a fifth of the units is left out
//     gdjit train 07_maximum_likelihood:early_stopping    the best development loss wins
//
// Each prints the losses of the three parts: compare test_loss.
//
// The learning rate: too large, the cost explodes; too small, it stands still. What is right
// depends on the scale of the inputs; scores near 100 take 1e-5:
//
//     gdjit train 07_maximum_likelihood:raw_scores --lr 1e-4
//     gdjit train 07_maximum_likelihood:raw_scores --lr 1e-9
//     gdjit train 07_maximum_likelihood:raw_scores --lr 1e-5
//
// Standardized inputs (less the mean, divided by the standard deviation of the training rows) take
// 0.1, whatever they were, and are further after 100 updates than those after 1000:
//
//     gdjit train 07_maximum_likelihood:standardized --steps 100
//
// To look at: in `evaluation`, dropout has vanished. Mean and deviation of the training rows are
// constants before anything runs.
//
//     gdjit dump 07_maximum_likelihood:dropout --stage simplified
//     gdjit dump 07_maximum_likelihood:dropout --stage simplified --step evaluation
//     gdjit dump 07_maximum_likelihood:standardized --stage simplified
#include <gdjit/gdjit.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

using namespace gdjit;

// ---- The thumbtack ----

/// 27 times 1, 73 times 0.
static Literal throws() {
  std::vector<float> sides(100, 0.0F);
  std::fill_n(sides.begin(), 27, 1.0F);
  return Literal({100}, sides);
}

void thumbtack(Model& m) {
  Tensor x = m.input("x", {m.batch()}); // 1: on its side
  Parameter logit = m.parameter("logit", zeros({}));
  Tensor theta = m.named("theta", sigmoid(logit));
  m.minimize(bernoulli_nll_loss(broadcast_to(theta, x.shape()), x), SGD{.lr = 1.0});
  m.output("theta", theta);
  m.data({{"x", throws()}});
}
GDJIT_MODEL(thumbtack, "the most likely theta of a thumbtack, by gradient descent");

void ascent(Model& m) {
  Parameter theta = m.parameter("theta", constant({}, 0.5));
  Tensor log_likelihood = 27 * log(theta) + 73 * log(1 - theta);
  Tensor slope = m.named("slope", gradient(log_likelihood, theta));
  m.output("log_likelihood", log_likelihood);
  m.output("loss", -log_likelihood / 100);
  m.output("slope_by_hand", 27 / theta - 73 / (1 - theta));
  m.output("slope_by_compiler", slope);
  m.update(theta, theta + m.scalar("lr", 1e-3) * slope); // upwards
}
GDJIT_MODEL(ascent, "the same by climbing the logarithm of the likelihood");

void likelihood_curve(Model& m) {
  Tensor theta = m.input("theta", {m.batch(), 1});
  Tensor log_likelihood = 27 * log(theta) + 73 * log(1 - theta);
  m.output("likelihood", pow(theta, 27) * pow(1 - theta, 73));
  m.output("log_likelihood", log_likelihood);
  m.output("slope", gradient(sum(log_likelihood), theta)); // of each row by its own theta
  std::vector<double> grid;
  for (int i = 1; i < 100; ++i)
    grid.push_back(i / 100.0);
  m.data({{"theta", Literal({99, 1}, grid)}});
}
GDJIT_MODEL(likelihood_curve, "the likelihood as a function of theta");

// ---- Overfitting ----

/// 100 points: x in [-3, 3), y = sin(x) and a noise in +-0.8.
static Dataset wave() {
  constexpr int64_t rows = 100;
  Array x({DType::f64, {rows, 1}}), y({DType::f64, {rows, 1}});
  uint64_t state = 7;
  auto draw = [&] { // numbers that look random: uniform in [-1, 1)
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(state >> 33) / double{1u << 30} - 1;
  };
  for (int64_t i = 0; i < rows; ++i) {
    x.set(i, 3 * draw());
    y.set(i, std::sin(x.at(i)) + 0.8 * draw());
  }
  return Dataset({{"x", x}, {"y", y}});
}

static Literal column(const Dataset& rows, const char* name) {
  return Literal(rows.input(name).array.view(name).copy());
}

static Tensor as_it_is(const Tensor& x) { return x; }

/// Two layers of hidden units; `between` is done to them.
static Tensor network(const Tensor& x, const std::vector<Tensor>& w, const Module& between) {
  Tensor h1 = between(tanh(matmul(x, w[0]) + w[1]));
  Tensor h2 = between(tanh(matmul(h1, w[2]) + w[3]));
  return matmul(h2, w[4]) + w[5];
}

struct Help {
  double weight_decay = 0;
  double dropout = 0;
  bool early_stopping = false;
};

static void learn_wave(Model& m, const Help& help) {
  Split parts = split(wave(), {.development = 0.4, .test = 0.4, .seed = 3});
  Tensor x = m.input("x", {m.batch(), 1});
  Tensor y = m.input("y", {m.batch(), 1});
  int64_t hidden = m.option("hidden", int64_t{32});
  std::vector<Parameter> trained = {m.parameter("w1", xavier_uniform({1, hidden}, 5.0 / 3)),
                                    m.parameter("b1", uniform({hidden}, -3, 3)),
                                    m.parameter("w2", xavier_uniform({hidden, hidden}, 5.0 / 3)),
                                    m.parameter("b2", zeros({hidden})),
                                    m.parameter("w3", xavier_uniform({hidden, 1})),
                                    m.parameter("b3", zeros({1}))};
  std::vector<Tensor> w(trained.begin(), trained.end());

  // Dropout is for the rows that are learned; it draws anew at each update.
  Module drop = as_it_is;
  if (help.dropout > 0)
    drop = Dropout(m, "drop", help.dropout);
  m.minimize(mse_loss(network(x, w, drop), y),
             AdamW{.lr = 0.01, .weight_decay = help.weight_decay});

  // The other parts go through the same weights.
  auto loss_of = [&](const Dataset& part, const std::vector<Tensor>& weights) {
    return mse_loss(network(m.constant(column(part, "x")), weights, as_it_is),
                    m.constant(column(part, "y")));
  };
  Tensor development_loss = loss_of(parts.development, w);
  m.output("development_loss", development_loss);

  // Early stopping: the weights of the best development loss so far are kept, and are the model's.
  if (help.early_stopping) {
    Variable best_loss = m.variable("best_loss", constant({}, 1e9));
    Tensor better = development_loss < best_loss;
    m.update(best_loss, minimum(best_loss, development_loss));
    for (size_t i = 0; i < w.size(); ++i) {
      Variable best = m.variable("best/" + trained[i].name(), zeros(w[i].shape()));
      m.update(best, select(better, w[i], best));
      w[i] = best;
    }
    m.output("best_development_loss", loss_of(parts.development, w));
  }
  m.output("test_loss", loss_of(parts.test, w));
  m.output("h", network(x, w, as_it_is));
  m.data({{"x", column(parts.train, "x")}, {"y", column(parts.train, "y")}});
}

void overfitting(Model& m) { learn_wave(m, {}); }
GDJIT_MODEL(overfitting, "20 noisy points learned by heart");

void weight_decay(Model& m) { learn_wave(m, {.weight_decay = 1}); }
GDJIT_MODEL(weight_decay, "the same with weights drawn towards 0");

void dropout(Model& m) { learn_wave(m, {.dropout = 0.2}); }
GDJIT_MODEL(dropout, "the same with a fifth of the hidden units left out in each update");

void early_stopping(Model& m) { learn_wave(m, {.early_stopping = true}); }
GDJIT_MODEL(early_stopping, "the same, keeping the weights of the best development loss");

// ---- The learning rate and the scale of the inputs ----

static void learn_scores(Model& m, bool standardize, double lr) {
  Literal quizzes = {{73, 80, 75}, {93, 88, 93}, {89, 91, 80}, {96, 98, 100}, {73, 66, 70}};
  Tensor x = m.input("x", {m.batch(), 3});
  Tensor y = m.input("y", {m.batch(), 1});
  Parameter w = m.parameter("w", zeros({3, 1}));
  Parameter b = m.parameter("b", zeros({1}));
  if (standardize) { // by the training rows, whatever rows come
    Tensor seen = m.constant(quizzes);
    x = (x - mean(seen, 0)) / stddev(seen, 0);
  }
  Tensor h = matmul(x, w) + b;
  m.minimize(mse_loss(h, y), SGD{.lr = lr});
  m.output("final", h);
  m.data({{"x", quizzes}, {"y", {{152}, {185}, {180}, {196}, {142}}}});
  m.examples({{"x", {{80, 85, 90}}}});
}

void raw_scores(Model& m) { learn_scores(m, false, 1e-5); }
GDJIT_MODEL(raw_scores, "final scores from quizzes; try --lr 1e-4 and --lr 1e-9");

void standardized(Model& m) { learn_scores(m, true, 0.1); }
GDJIT_MODEL(standardized, "the same from standardized quizzes");
