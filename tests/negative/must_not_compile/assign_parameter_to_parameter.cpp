// A Parameter is a handle of state; assigning one to another would lose it.
// error: deleted
#include <gdjit/gdjit.h>

using namespace gdjit;

void model(Model& m) {
  [[maybe_unused]] Tensor x = m.input("x", {m.batch(), 2});
  [[maybe_unused]] Parameter w = m.parameter("w", zeros({2, 1}));
#ifdef MISTAKE
  Parameter v = m.parameter("v", zeros({2, 1}));
  w = v;
#else
  Parameter v = m.parameter("v", zeros({2, 1}));
  m.update(w, v);
#endif
}
