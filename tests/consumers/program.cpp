// A program outside gdjit's tree: trains a line through three points with the library alone.
#include <gdjit/gdjit.h>

#include <cmath>
#include <cstdio>

using namespace gdjit;

static void line(Model& m) {
  Tensor x = m.input("x", {m.batch(), 1});
  Tensor y = m.input("y", {m.batch(), 1});
  Parameter w = m.parameter("w", zeros({1, 1}));
  Parameter b = m.parameter("b", zeros({1}));
  m.minimize(mse_loss(matmul(x, w) + b, y), SGD{.lr = 0.05});
  m.data({{"x", {{1}, {2}, {3}}}, {"y", {{4}, {5}, {6}}}});
}

int main() {
  Model m(line);
  State s = initial_state(m, /*seed=*/0);
  StepFunction train = compile(m.training(), s);
  double loss = 0;
  for (int i = 0; i < 2000; ++i)
    loss = train(rows(m));
  std::printf("loss %g\n", loss);
  return loss < 1e-3 ? 0 : 1;
}
