// The training steps that are timed (shared/peers): what people would otherwise write in PyTorch,
// JAX, or by hand. Models as a user writes them, with as many rows as a step takes:
//
//     gdjit bench tests/benchmarks/workloads.cpp:mnist_mlp128_b64_sgd
//     gdjit bench tests/benchmarks/workloads.cpp:mnist_mlp128_b64_sgd --batch 4096 --threads 2
//     gdjit explain tests/benchmarks/workloads.cpp:deep_tanh_1000
//
// gdjit_ratios and gdjit_benchmarks are linked with this file and time all of it, in this order.
#include <gdjit/gdjit.h>

using namespace gdjit;

/// Floats in [0, 1), the same ones for the same seed.
static Literal drawn(int64_t rows, int64_t columns, uint64_t seed) {
  std::vector<double> values(static_cast<size_t>(rows * columns));
  uint64_t state = seed;
  for (double& v : values) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    v = static_cast<double>(state >> 40) * 0x1p-24;
  }
  return {{rows, columns}, values};
}

/// Class numbers by turns.
static Literal labels(int64_t rows, int64_t classes) {
  std::vector<int64_t> values(static_cast<size_t>(rows));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<int64_t>(i) % classes;
  return {{rows}, values};
}

static void linear(Model& m, Extent in) {
  Tensor x = m.input("x", {m.batch(), in});
  Tensor y = m.input("y", {m.batch(), 1});
  Parameter w = m.parameter("w", zeros({in, 1}));
  Parameter b = m.parameter("b", zeros({1}));
  m.minimize(mse_loss(matmul(x, w) + b, y), SGD{.lr = 0.01});
}

void linear_regression(Model& m) {
  linear(m, 1);
  m.data({{"x", {{1}, {2}, {3}}}, {"y", {{4}, {5}, {6}}}});
}
GDJIT_MODEL(linear_regression, "a line through three points");

void multivariate_linear(Model& m) {
  linear(m, 3);
  m.data({{"x", {{73, 80, 75}, {93, 88, 93}, {89, 91, 80}, {96, 98, 100}, {73, 66, 70}}},
          {"y", {{152}, {185}, {180}, {196}, {142}}}});
}
GDJIT_MODEL(multivariate_linear, "five rows of three features");

void logistic_regression(Model& m) {
  Tensor x = m.input("x", {m.batch(), 2});
  Tensor y = m.input("y", {m.batch(), 1});
  Parameter w = m.parameter("w", zeros({2, 1}));
  Parameter b = m.parameter("b", zeros({1}));
  m.minimize(binary_cross_entropy(sigmoid(matmul(x, w) + b), y), SGD{.lr = 1.0});
  m.data({{"x", {{1, 2}, {2, 3}, {3, 1}, {4, 3}, {5, 3}, {6, 2}}},
          {"y", {{0}, {0}, {0}, {1}, {1}, {1}}}});
}
GDJIT_MODEL(logistic_regression, "six rows of two features in two classes");

/// Layers of these widths with relu between them; the last width is the number of classes.
template <class Optimizer> static void
classify(Model& m, int64_t rows, const std::vector<int64_t>& width, const Optimizer& optimizer) {
  Tensor h = m.input("x", {m.batch(), width[0]});
  Tensor label = m.input("label", {m.batch()}, DType::i32);
  for (size_t i = 1; i < width.size(); ++i) {
    h = Linear(m, "layer" + std::to_string(i), width[i - 1], width[i])(h);
    if (i + 1 < width.size())
      h = relu(h);
  }
  m.minimize(cross_entropy(h, label), optimizer);
  m.data({{"x", drawn(rows, width[0], 1)}, {"label", labels(rows, width.back())}});
}

void softmax_classification(Model& m) { classify(m, 8, {4, 3}, SGD{.lr = 0.1}); }
GDJIT_MODEL(softmax_classification, "eight rows of four features in three classes");

void mnist_softmax_b64(Model& m) { classify(m, 64, {784, 10}, SGD{.lr = 0.1}); }
GDJIT_MODEL(mnist_softmax_b64, "784 -> 10 over 64 rows");

void mnist_mlp128_b64_sgd(Model& m) { classify(m, 64, {784, 128, 10}, SGD{.lr = 0.1}); }
GDJIT_MODEL(mnist_mlp128_b64_sgd, "784 -> 128 relu -> 10 over 64 rows");

void mnist_mlp512x2_b256_adam(Model& m) { classify(m, 256, {784, 512, 512, 10}, Adam{.lr = 1e-3}); }
GDJIT_MODEL(mnist_mlp512x2_b256_adam, "784 -> 512 relu -> 512 relu -> 10 over 256 rows, Adam");

/// The layers stand there one by one: a thousand of them in a graph.
void deep_tanh_1000(Model& m) {
  Tensor h = m.input("x", {m.batch(), 16});
  Tensor y = m.input("y", {m.batch(), 16});
  const int layers = m.option("layers", 1000);
  for (int i = 0; i < layers; ++i)
    h = tanh(Linear(m, "layer" + std::to_string(i), 16, 16)(h));
  m.minimize(mse_loss(h, y), SGD{.lr = 0.1});
  m.data({{"x", drawn(8, 16, 1)}, {"y", drawn(8, 16, 2)}});
}
GDJIT_MODEL(deep_tanh_1000, "1,000 layers 16 -> 16 of tanh over 8 rows");
