// Lesson 8: probability behind the losses
//
// Why is the squared error a good loss, and why the cross-entropy? Both are negative logarithms of
// a probability. This lesson builds the words that one needs to say so, each as a graph with its
// gradient.
//
// A discrete distribution is its mass function: f(x) is the probability of x. Its expectation is
// E = sum(x f(x)), its variance sum((x - E)² f(x)). `die` starts from a fair die, with expectation
// 3.5, and changes it by gradient descent into one with expectation 4.5. Beside it stand two
// derivatives: of E by the f(x), which are the faces x themselves, and by the scores z behind
// f = softmax(z), which are f (x - E), by hand and by the compiler.
//
//     gdjit train 08_probability:die
//
// A continuous one has a density: probabilities are areas below it, sums become integrals.
// `density` is the Normal distribution with mean 1 and standard deviation 0.5, its slope by hand
// and by the compiler, and its area, mean and variance as sums over 1,000 narrow strips.
//
//     gdjit dump 08_probability:density --values
//
// `normal` fits the mean of a Normal with fixed variance to five measurements. Its negative
// log-likelihood is the squared error over twice the variance, and a constant: the same slope up to
// a factor, the same lowest point, and that is the sample mean.
//
//     gdjit train 08_probability:normal
//
// `cross_entropy_and_kl` lets a distribution q approach a given p. The cross-entropy
// -sum(p log q) is what a row drawn from p costs on average, the expectation of the negative
// log-likelihood. It is p's own entropy, which nothing can change, plus the divergence KL(p || q),
// which is 0 where q is p. So both have the same gradient, and it is q - p.
//
//     gdjit train 08_probability:cross_entropy_and_kl
//
// Where no sum can be written down, one draws samples and takes their mean: Monte Carlo. `samples`
// estimates E exp(x) of a standard Normal, which is exp(1/2) = 1.6487, from 100 draws, and from
// 10,000, or as many as one sets: a hundred times as many make the error about ten times smaller.
// `learn_by_samples` trains q of above on rows drawn from p, other ones at each update: the mean of
// -log q over the rows is the cross-entropy but for chance. The draws follow from --seed.
//
//     gdjit eval 08_probability:samples --seed 1
//     gdjit eval 08_probability:samples --set draws=1000000
//     gdjit train 08_probability:learn_by_samples
//
// To look at: what the derivative of an expectation looks like, as a formula.
//
//     gdjit dump 08_probability:die --as math
//     gdjit dump 08_probability:normal --as math
#include <gdjit/gdjit.h>

#include <cmath>
#include <numbers>

using namespace gdjit;

void die(Model& m) {
  Tensor x = m.constant({1, 2, 3, 4, 5, 6});
  Parameter z = m.parameter("z", zeros({6}));
  Tensor f = m.named("f", softmax(z));
  Tensor expectation = m.named("expectation", sum(x * f));
  Tensor variance = sum(square(x - expectation) * f);
  m.minimize(square(expectation - 4.5), SGD{.lr = 0.02});

  m.output("f", f);
  m.output("expectation", expectation);
  m.output("variance", variance);
  m.output("slope_by_f", gradient(expectation, f)); // the faces
  m.output("slope_by_z", gradient(expectation, z));
  m.output("slope_by_hand", f * (x - expectation));
}
GDJIT_MODEL(die, "a die whose expectation becomes 4.5");

/// exp(-(x - mu)² / (2 sigma²)) / (sigma sqrt(2 pi)).
static Tensor normal_density(const Tensor& x, const Operand& mu, double sigma) {
  return exp(-square((x - mu) / sigma) / 2) / (sigma * std::sqrt(2 * std::numbers::pi));
}

void density(Model& m) {
  constexpr double mu = 1, sigma = 0.5;
  Tensor x = m.input("x", {m.batch(), 1});
  Tensor f = normal_density(x, mu, sigma);
  m.output("density", f);
  m.output("slope", gradient(sum(f), x)); // of each row by its own x
  m.output("slope_by_hand", -(x - mu) / (sigma * sigma) * f);

  // Integrals as sums over strips of width 0.01 from -4 to 6.
  constexpr double width = 0.01;
  Tensor at = -4 + width * (m.iota({1000}, 0, m.dtype()) + 0.5);
  Tensor strip = normal_density(at, mu, sigma) * width;
  Tensor mean = m.named("mean", sum(at * strip));
  m.output("area", sum(strip));
  m.output("mean", mean);
  m.output("variance", sum(square(at - mean) * strip));

  std::vector<double> grid;
  for (int i = 0; i <= 80; ++i)
    grid.push_back(-1 + i / 20.0);
  m.data({{"x", Literal({81, 1}, grid)}});
}
GDJIT_MODEL(density, "a Normal density, its slope, area, mean and variance");

void normal(Model& m) {
  constexpr double sigma = 2;
  Tensor x = m.input("x", {m.batch()}); // measurements
  Parameter mu = m.parameter("mu", zeros({}));
  Tensor nll = m.named("nll", mean(-log(normal_density(x, mu, sigma))));
  Tensor squared_error = m.named("squared_error", mean(square(x - mu)));
  m.minimize(nll, SGD{.lr = 0.5});

  m.output("squared_error_and_constants",
           squared_error / (2 * sigma * sigma) + std::log(sigma * std::sqrt(2 * std::numbers::pi)));
  m.output("slope", gradient(nll, mu));
  m.output("slope_of_squared_error", gradient(squared_error, mu) / (2 * sigma * sigma));
  m.output("slope_by_hand", (mu - mean(x)) / (sigma * sigma));
  m.output("sample_mean", mean(x));
  m.data({{"x", {1.2, 3.5, 2.1, 4.4, 2.8}}});
}
GDJIT_MODEL(normal, "a Normal's mean by maximum likelihood: the squared error");

void cross_entropy_and_kl(Model& m) {
  Tensor p = m.constant({0.5, 0.25, 0.125, 0.125});
  Parameter z = m.parameter("z", zeros({4}));
  Tensor log_q = m.named("log_q", log_softmax(z));
  Tensor cross_entropy = m.named("cross_entropy", -sum(p * log_q));
  Tensor entropy = m.named("entropy", -sum(p * log(p)));
  Tensor kl = m.named("kl", sum(p * (log(p) - log_q)));
  m.minimize(cross_entropy, SGD{.lr = 0.5});

  m.output("entropy", entropy);
  m.output("kl", kl);
  m.output("entropy_plus_kl", entropy + kl);
  m.output("q", exp(log_q));
  m.output("slope_of_cross_entropy", gradient(cross_entropy, z));
  m.output("slope_of_kl", gradient(kl, z));
  m.output("slope_by_hand", exp(log_q) - p);
}
GDJIT_MODEL(cross_entropy_and_kl, "cross-entropy is entropy plus divergence");

void samples(Model& m) {
  // x = mu + z with z standard Normal, so that the estimates have a derivative by mu.
  int64_t draws = m.option("draws", int64_t{10'000});
  Tensor mu = m.constant(0.0);
  Tensor x = m.named("x", mu + m.normal("z", {draws}));
  Tensor by_all = mean(exp(x));
  m.output("by_100", mean(exp(slice(x, 0, 0, 100))));
  m.output("by_all", by_all);
  m.output("slope_by_mu", gradient(by_all, mu)); // exp(x) is its own derivative
  m.output("exact", exp(m.constant(0.5)));
  m.output("samples", x);
}
GDJIT_MODEL(samples, "expectations estimated from seeded samples");

void learn_by_samples(Model& m) {
  // A row is 0, 1, 2 or 3: the number of bounds below a draw.
  Tensor bounds = m.constant({0.5, 0.75, 0.875});
  Tensor draw = m.uniform("draw", {256, 1});
  Tensor row = sum(cast(draw > bounds, DType::i64), 1);
  Parameter z = m.parameter("z", zeros({4}));
  Tensor log_q = m.named("log_q", log_softmax(z));
  m.minimize(nll_loss(broadcast_to(log_q, {256, 4}), row), SGD{.lr = 0.1});
  m.output("q", exp(log_q));
  m.output("cross_entropy", -sum(m.constant({0.5, 0.25, 0.125, 0.125}) * log_q));
}
GDJIT_MODEL(learn_by_samples, "the same distribution, learned from what it draws");
