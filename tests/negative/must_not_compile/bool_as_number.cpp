// A bool is no number by accident.
// error: no match for .operator\+|invalid operands
#include <gdjit/gdjit.h>

using namespace gdjit;

void model(Model& m) {
  [[maybe_unused]] Tensor x = m.input("x", {m.batch(), 2});
  [[maybe_unused]] Parameter w = m.parameter("w", zeros({2, 1}));
#ifdef MISTAKE
  m.output("y", x + true);
#else
  m.output("y", x + 1);
#endif
}
