// What a C++ programmer writes by hand today: the same training steps with plain loops (small
// models) and Eigen (large ones). Build: clang++-19 -O3 -march=native -ffast-math -I
// /path/to/eigen3 handwritten.cpp -o handwritten Prints one JSON line per workload: us_per_step,
// the best of many timed batches of steps.
#include <Eigen/Dense>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

using Matrix = Eigen::Matrix<float, -1, -1, Eigen::RowMajor>;
using Clock = std::chrono::steady_clock;

template <class Step> void timed(const char* name, Step&& step) {
  double best = 1e30;
  long n = 1;
  auto end = Clock::now() + std::chrono::seconds(1);
  while (Clock::now() < end) {
    auto t = Clock::now();
    for (long i = 0; i < n; ++i)
      step();
    double s = std::chrono::duration<double>(Clock::now() - t).count();
    if (s / n < best)
      best = s / n;
    if (s < 0.02)
      n *= 2;
  }
  std::printf("{\"peer\": \"handwritten\", \"workload\": \"%s\", \"us_per_step\": %.5f}\n", name,
              best * 1e6);
  std::fflush(stdout);
}

template <int N, int D> struct Linear {
  float x[N][D], y[N], w[D] = {}, b = 0, loss = 0;
  [[gnu::noinline]] void step(float lr) {
    float gw[D] = {}, gb = 0, l = 0;
    for (int i = 0; i < N; ++i) {
      float h = b;
      for (int j = 0; j < D; ++j)
        h += x[i][j] * w[j];
      float d = h - y[i];
      l += d * d;
      gb += d;
      for (int j = 0; j < D; ++j)
        gw[j] += d * x[i][j];
    }
    loss = l / N;
    for (int j = 0; j < D; ++j)
      w[j] -= lr * 2 / N * gw[j];
    b -= lr * 2 / N * gb;
  }
};

template <int N, int D> struct Logistic {
  float x[N][D], y[N], w[D] = {}, b = 0, loss = 0;
  [[gnu::noinline]] void step(float lr) {
    float gw[D] = {}, gb = 0, l = 0;
    for (int i = 0; i < N; ++i) {
      float z = b;
      for (int j = 0; j < D; ++j)
        z += x[i][j] * w[j];
      float p = 1 / (1 + std::exp(-z));
      l -= y[i] > 0 ? std::log(p) : std::log(1 - p);
      float d = p - y[i];
      gb += d;
      for (int j = 0; j < D; ++j)
        gw[j] += d * x[i][j];
    }
    loss = l / N;
    for (int j = 0; j < D; ++j)
      w[j] -= lr / N * gw[j];
    b -= lr / N * gb;
  }
};

template <int N, int D, int C> struct Softmax {
  float x[N][D], w[D][C] = {}, b[C] = {}, loss = 0;
  int y[N];
  [[gnu::noinline]] void step(float lr) {
    float gw[D][C] = {}, gb[C] = {}, l = 0;
    for (int i = 0; i < N; ++i) {
      float z[C], m = -1e30f, s = 0;
      for (int c = 0; c < C; ++c) {
        z[c] = b[c];
        for (int j = 0; j < D; ++j)
          z[c] += x[i][j] * w[j][c];
        m = std::max(m, z[c]);
      }
      for (int c = 0; c < C; ++c)
        s += z[c] = std::exp(z[c] - m);
      l -= std::log(z[y[i]] / s);
      for (int c = 0; c < C; ++c) {
        float d = z[c] / s - (c == y[i]);
        gb[c] += d;
        for (int j = 0; j < D; ++j)
          gw[j][c] += d * x[i][j];
      }
    }
    loss = l / N;
    for (int c = 0; c < C; ++c)
      b[c] -= lr / N * gb[c];
    for (int j = 0; j < D; ++j)
      for (int c = 0; c < C; ++c)
        w[j][c] -= lr / N * gw[j][c];
  }
};

/// A fully connected net with relu and softmax cross-entropy, by Eigen; SGD or Adam.
struct Net {
  std::vector<Matrix> w, gw, a, d, m, v;
  std::vector<Eigen::RowVectorXf> b, gb, mb, vb;
  std::vector<int> y;
  bool adam;
  long t = 0;
  Net(std::vector<int> dims, int batch, bool adam) : adam(adam) {
    a.push_back(Matrix::Random(batch, dims[0]).cwiseAbs());
    for (size_t i = 0; i + 1 < dims.size(); ++i) {
      w.push_back(Matrix::Random(dims[i], dims[i + 1]) / std::sqrt(float(dims[i])));
      gw.push_back(w[i]);
      m.push_back(Matrix::Zero(dims[i], dims[i + 1]));
      v.push_back(m[i]);
      b.push_back(Eigen::RowVectorXf::Zero(dims[i + 1]));
      gb.push_back(b[i]);
      mb.push_back(b[i]);
      vb.push_back(b[i]);
      a.push_back(Matrix(batch, dims[i + 1]));
      d.push_back(Matrix(batch, dims[i + 1]));
    }
    for (int i = 0; i < batch; ++i)
      y.push_back(i * 7 % dims.back());
  }
  template <class P, class G, class M> void update(P& p, const G& g, M& m, M& v, float lr) {
    if (!adam) {
      p.noalias() -= lr * g;
      return;
    }
    float c1 = 1 / (1 - std::pow(.9f, t)), c2 = 1 / (1 - std::pow(.999f, t));
    m = .9f * m + .1f * g;
    v.array() = .999f * v.array() + .001f * g.array().square();
    p.array() -= lr * (m.array() * c1) / ((v.array() * c2).sqrt() + 1e-8f);
  }
  void step(float lr) {
    ++t;
    size_t L = w.size();
    for (size_t i = 0; i < L; ++i) {
      a[i + 1].noalias() = a[i] * w[i];
      a[i + 1].rowwise() += b[i];
      if (i + 1 < L)
        a[i + 1] = a[i + 1].cwiseMax(0.f);
    }
    Matrix& z = d[L - 1];
    z = (a[L].colwise() - a[L].rowwise().maxCoeff()).array().exp();
    z.array().colwise() /= z.rowwise().sum().eval().array();
    for (size_t i = 0; i < y.size(); ++i)
      z(i, y[i]) -= 1;
    z /= float(y.size());
    for (size_t i = L; i-- > 0;) {
      gw[i].noalias() = a[i].transpose() * d[i];
      gb[i] = d[i].colwise().sum();
      if (i > 0) {
        d[i - 1].noalias() = d[i] * w[i].transpose();
        d[i - 1].array() *= (a[i].array() > 0).cast<float>();
      }
      update(w[i], gw[i], m[i], v[i], lr);
      update(b[i], gb[i], mb[i], vb[i], lr);
    }
  }
};

int main() {
  static Linear<3, 1> l1{{{1}, {2}, {3}}, {4, 5, 6}};
  timed("linear_regression", [] { l1.step(.01f); });
  static Linear<5, 3> l3{{{73, 80, 75}, {93, 88, 93}, {89, 91, 80}, {96, 98, 100}, {73, 66, 70}},
                         {152, 185, 180, 196, 142}};
  timed("multivariate_linear", [] { l3.step(1e-5f); });
  static Logistic<6, 2> lo{{{1, 2}, {2, 3}, {3, 1}, {4, 3}, {5, 3}, {6, 2}}, {0, 0, 0, 1, 1, 1}};
  timed("logistic_regression", [] { lo.step(1); });
  static Softmax<8, 4, 3> so{};
  for (int i = 0; i < 8; ++i) {
    so.y[i] = i % 3;
    for (int j = 0; j < 4; ++j)
      so.x[i][j] = std::sin(i * 4 + j);
  }
  timed("softmax_classification", [] { so.step(.1f); });
  Net n0({784, 10}, 64, false), n1({784, 128, 10}, 64, false), n2({784, 512, 512, 10}, 256, true);
  timed("mnist_softmax_b64", [&] { n0.step(.1f); });
  timed("mnist_mlp128_b64_sgd", [&] { n1.step(.1f); });
  timed("mnist_mlp512x2_b256_adam", [&] { n2.step(1e-3f); });
}
