// w = w - 0.1 * g would rebind a C++ variable and train nothing.
// error: deleted
#include <gdjit/gdjit.h>

using namespace gdjit;

void model(Model& m) {
  [[maybe_unused]] Tensor x = m.input("x", {m.batch(), 2});
  [[maybe_unused]] Parameter w = m.parameter("w", zeros({2, 1}));
#ifdef MISTAKE
  w = w - 0.1 * gradient(sum(matmul(x, w)), w);
#else
  m.update(w, w - 0.1 * gradient(sum(matmul(x, w)), w));
#endif
}
