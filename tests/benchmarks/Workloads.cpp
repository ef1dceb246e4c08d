// Models as a user would write them; layers by hand only where a thousand of them are written out.
#include "Workloads.h"

namespace gdjit::benchmarks {

namespace {

template <int in> void linear(Model& m) {
  Tensor x = m.input("x", {m.batch(), in});
  Tensor y = m.input("y", {m.batch(), 1});
  Parameter w = m.parameter("w", zeros({in, 1}));
  Parameter b = m.parameter("b", zeros({1}));
  m.minimize(mse_loss(matmul(x, w) + b, y), SGD{.lr = 0.01});
}

void logistic(Model& m) {
  Tensor x = m.input("x", {m.batch(), 2});
  Tensor y = m.input("y", {m.batch(), 1});
  Parameter w = m.parameter("w", zeros({2, 1}));
  Parameter b = m.parameter("b", zeros({1}));
  m.minimize(binary_cross_entropy(sigmoid(matmul(x, w) + b), y), SGD{.lr = 1.0});
}

template <class Optimizer>
void classify(Model& m, std::initializer_list<int> widths, const Optimizer& optimizer) {
  std::vector<int> width = widths;
  Tensor h = m.input("x", {m.batch(), width[0]});
  Tensor label = m.input("label", {m.batch()}, DType::i32);
  for (size_t i = 1; i < width.size(); ++i) {
    Linear layer(m, "layer" + std::to_string(i), width[i - 1], width[i]);
    h = layer(h);
    if (i + 1 < width.size())
      h = relu(h);
  }
  m.minimize(cross_entropy(h, label), optimizer);
}

void softmax(Model& m) { classify(m, {4, 3}, SGD{.lr = 0.1}); }
void mnist_softmax(Model& m) { classify(m, {784, 10}, SGD{.lr = 0.1}); }
void mnist_mlp128(Model& m) { classify(m, {784, 128, 10}, SGD{.lr = 0.1}); }
void mnist_mlp512(Model& m) { classify(m, {784, 512, 512, 10}, Adam{.lr = 1e-3}); }

void deep_tanh(Model& m) {
  Tensor h = m.input("x", {m.batch(), 16});
  Tensor y = m.input("y", {m.batch(), 16});
  int layers = m.option("layers", 1000);
  for (int i = 0; i < layers; ++i) {
    Linear layer(m, "layer" + std::to_string(i), 16, 16);
    h = tanh(layer(h));
  }
  m.minimize(mse_loss(h, y), SGD{.lr = 0.1});
}

/// Forward, gradient by the weight, gradient by the input (not of the first layer).
double product_flops(double batch, std::initializer_list<double> widths) {
  double flops = 0, before = 0;
  bool first = true;
  for (double width : widths) {
    if (before > 0) {
      flops += 2 * batch * before * width * (first ? 2 : 3);
      first = false;
    }
    before = width;
  }
  return flops;
}

} // namespace

std::span<const Workload> workloads() {
  static const Workload all[] = {
      {"linear_regression", linear<1>, 3, 0},
      {"multivariate_linear", linear<3>, 5, 0},
      {"logistic_regression", logistic, 6, 0},
      {"softmax_classification", softmax, 8, 0},
      {"mnist_softmax_b64", mnist_softmax, 64, product_flops(64, {784, 10})},
      {"mnist_mlp128_b64_sgd", mnist_mlp128, 64, product_flops(64, {784, 128, 10})},
      {"mnist_mlp512x2_b256_adam", mnist_mlp512, 256, product_flops(256, {784, 512, 512, 10})},
      {"deep_tanh_1000", deep_tanh, 8, 1000 * 3.0 * 2 * 8 * 16 * 16},
  };
  return all;
}

void mnist_mlp128_momentum(Model& m) {
  classify(m, {784, 128, 10}, SGD{.lr = 0.1, .momentum = 0.9});
}

void widths(Model& m) {
  const int layers = m.option("layers", 1000);
  Tensor h = m.input("x", {m.batch(), 16});
  for (int64_t i = 0; i < layers; ++i)
    h = tanh(Linear(m, "layer" + std::to_string(i), 16 + i, 17 + i)(h));
  m.minimize(mse_loss(h, m.input("y", {m.batch(), 16 + layers})), SGD{.lr = 0.1});
}

std::vector<Array> draw_rows(const ModelStep& step, int64_t batch) {
  std::vector<Array> rows;
  Signature signature = step.step(batch).signature;
  uint64_t state = 1;
  for (const InputDecl& input : signature.inputs) {
    Array& array = rows.emplace_back(input.type);
    for (int64_t i = 0; i < array.elements(); ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      array.set(i, is_float(input.type.dtype) ? static_cast<double>(state >> 40) * 0x1p-24
                                              : static_cast<double>(i % 3));
    }
  }
  return rows;
}

} // namespace gdjit::benchmarks
