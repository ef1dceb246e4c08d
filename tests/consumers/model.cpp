// A model built as a shared object outside gdjit's tree.
#include <gdjit/gdjit.h>

using namespace gdjit;

void line(Model& m) {
  Tensor x = m.input("x", {m.batch(), 1});
  Tensor y = m.input("y", {m.batch(), 1});
  Parameter w = m.parameter("w", zeros({1, 1}));
  m.minimize(mse_loss(matmul(x, w), y), SGD{.lr = 0.05});
  m.data({{"x", {{1}, {2}, {3}}}, {"y", {{2}, {4}, {6}}}});
}
GDJIT_MODEL(line, "a line through the origin");
