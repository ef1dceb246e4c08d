// A Tensor has no truth value while the graph is declared; where() chooses per element.
// error: could not convert|not contextually convertible
#include <gdjit/gdjit.h>

using namespace gdjit;

void model(Model& m) {
  [[maybe_unused]] Tensor x = m.input("x", {m.batch(), 2});
  [[maybe_unused]] Parameter w = m.parameter("w", zeros({2, 1}));
#ifdef MISTAKE
  if (x > 0)
    m.output("positive", x);
#else
  m.output("positive", where(x > 0, x, 0));
#endif
}
