// A rule for minimize has a member lr and a function apply.
// error: constraint|no matching
#include <gdjit/gdjit.h>

using namespace gdjit;

void model(Model& m) {
  [[maybe_unused]] Tensor x = m.input("x", {m.batch(), 2});
  [[maybe_unused]] Parameter w = m.parameter("w", zeros({2, 1}));
#ifdef MISTAKE
  m.minimize(sum(matmul(x, w)), 0.1);
#else
  m.minimize(sum(matmul(x, w)), SGD{.lr = 0.1});
#endif
}
