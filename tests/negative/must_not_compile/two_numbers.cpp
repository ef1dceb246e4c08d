// A function of two operands needs at least one Tensor, so that maximum(1, 2) is never ours.
// error: no matching function
#include <gdjit/gdjit.h>

using namespace gdjit;

void model(Model& m) {
  [[maybe_unused]] Tensor x = m.input("x", {m.batch(), 2});
  [[maybe_unused]] Parameter w = m.parameter("w", zeros({2, 1}));
#ifdef MISTAKE
  m.output("y", maximum(1, 2) + x);
#else
  m.output("y", maximum(x, 2) + x);
#endif
}
