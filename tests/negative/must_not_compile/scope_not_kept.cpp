// A scope ends where its value is destroyed, here at once.
// error: nodiscard|unused-result|ignoring return
#include <gdjit/gdjit.h>

using namespace gdjit;

void model(Model& m) {
  [[maybe_unused]] Tensor x = m.input("x", {m.batch(), 2});
  [[maybe_unused]] Parameter w = m.parameter("w", zeros({2, 1}));
#ifdef MISTAKE
  m.scope("block1");
#else
  auto block = m.scope("block1");
#endif
}
