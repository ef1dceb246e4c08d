// cast says to which type.
// error: no matching function
#include <gdjit/gdjit.h>

using namespace gdjit;

void model(Model& m) {
  [[maybe_unused]] Tensor x = m.input("x", {m.batch(), 2});
  [[maybe_unused]] Parameter w = m.parameter("w", zeros({2, 1}));
#ifdef MISTAKE
  m.output("y", cast(x));
#else
  m.output("y", cast(x, DType::f64));
#endif
}
