// A bool is no extent.
// error: no matching|could not convert|cannot convert
#include <gdjit/gdjit.h>

using namespace gdjit;

void model(Model& m) {
  [[maybe_unused]] Tensor x = m.input("x", {m.batch(), 2});
  [[maybe_unused]] Parameter w = m.parameter("w", zeros({2, 1}));
#ifdef MISTAKE
  Tensor y = m.input("y", {m.batch(), true});
#else
  Tensor y = m.input("y", {m.batch(), 1});
#endif
}
