// Plain loops with extents that the compiler knows.
#include "Handwritten.h"

#include <algorithm>
#include <benchmark/benchmark.h>
#include <cmath>

namespace gdjit::benchmarks {

namespace {

template <int rows, int in> struct Linear {
  float x[rows][in], y[rows], w[in] = {}, b = 0, loss = 0;

  [[gnu::noinline]] void step(float lr) {
    float dw[in] = {}, db = 0, sum = 0;
    for (int i = 0; i < rows; ++i) {
      float h = b;
      for (int j = 0; j < in; ++j)
        h += x[i][j] * w[j];
      float d = h - y[i];
      sum += d * d;
      db += d;
      for (int j = 0; j < in; ++j)
        dw[j] += d * x[i][j];
    }
    loss = sum / rows;
    for (int j = 0; j < in; ++j)
      w[j] -= lr * 2 / rows * dw[j];
    b -= lr * 2 / rows * db;
  }
};

template <int rows, int in> struct Logistic {
  float x[rows][in], y[rows], w[in] = {}, b = 0, loss = 0;

  [[gnu::noinline]] void step(float lr) {
    float dw[in] = {}, db = 0, sum = 0;
    for (int i = 0; i < rows; ++i) {
      float z = b;
      for (int j = 0; j < in; ++j)
        z += x[i][j] * w[j];
      float p = 1 / (1 + std::exp(-z));
      sum -= y[i] > 0 ? std::log(p) : std::log(1 - p);
      float d = p - y[i];
      db += d;
      for (int j = 0; j < in; ++j)
        dw[j] += d * x[i][j];
    }
    loss = sum / rows;
    for (int j = 0; j < in; ++j)
      w[j] -= lr / rows * dw[j];
    b -= lr / rows * db;
  }
};

template <int rows, int in, int classes> struct Softmax {
  float x[rows][in], w[in][classes] = {}, b[classes] = {}, loss = 0;
  int y[rows];

  [[gnu::noinline]] void step(float lr) {
    float dw[in][classes] = {}, db[classes] = {}, sum = 0;
    for (int i = 0; i < rows; ++i) {
      float z[classes], most = -1e30f, all = 0;
      for (int c = 0; c < classes; ++c) {
        z[c] = b[c];
        for (int j = 0; j < in; ++j)
          z[c] += x[i][j] * w[j][c];
        most = std::max(most, z[c]);
      }
      for (int c = 0; c < classes; ++c)
        all += z[c] = std::exp(z[c] - most);
      sum -= std::log(z[y[i]] / all);
      for (int c = 0; c < classes; ++c) {
        float d = z[c] / all - static_cast<float>(c == y[i]);
        db[c] += d;
        for (int j = 0; j < in; ++j)
          dw[j][c] += d * x[i][j];
      }
    }
    loss = sum / rows;
    for (int c = 0; c < classes; ++c)
      b[c] -= lr / rows * db[c];
    for (int j = 0; j < in; ++j)
      for (int c = 0; c < classes; ++c)
        w[j][c] -= lr / rows * dw[j][c];
  }
};

template <class Model> void run(benchmark::State& b, Model model, float lr) {
  for (auto _ : b) {
    model.step(lr);
    benchmark::DoNotOptimize(model.loss);
  }
}

} // namespace

void register_handwritten() {
  benchmark::RegisterBenchmark("handwritten/linear_regression", run<Linear<3, 1>>,
                               Linear<3, 1>{{{1}, {2}, {3}}, {4, 5, 6}}, 1e-6f);
  benchmark::RegisterBenchmark(
      "handwritten/multivariate_linear", run<Linear<5, 3>>,
      Linear<5, 3>{{{73, 80, 75}, {93, 88, 93}, {89, 91, 80}, {96, 98, 100}, {73, 66, 70}},
                   {152, 185, 180, 196, 142}},
      1e-6f);
  benchmark::RegisterBenchmark(
      "handwritten/logistic_regression", run<Logistic<6, 2>>,
      Logistic<6, 2>{{{1, 2}, {2, 3}, {3, 1}, {4, 3}, {5, 3}, {6, 2}}, {0, 0, 0, 1, 1, 1}}, 1e-6f);
  Softmax<8, 4, 3> softmax{};
  for (int i = 0; i < 8; ++i) {
    softmax.y[i] = i % 3;
    for (int j = 0; j < 4; ++j)
      softmax.x[i][j] = std::sin(static_cast<float>(i * 4 + j));
  }
  benchmark::RegisterBenchmark("handwritten/softmax_classification", run<Softmax<8, 4, 3>>, softmax,
                               1e-6f);
}

} // namespace gdjit::benchmarks
