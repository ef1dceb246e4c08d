// Where derivative rules put the adjoints.
#include "gdjit/Ops/Vjp.h"

namespace gdjit {

void Vjp::add(int i, Expr adjoint) {
  GDJIT_CHECK(i >= 0 && i < operand_count() && !adjoints_[i].valid());
  GDJIT_CHECK(adjoint.type() == builder_.type(operands_[i]));
  if (wanted_[i])
    adjoints_[i] = adjoint.value;
}

Expr Vjp::guarded(Expr d) { return g() * apply(Opcode::Guard, d, g()); }

} // namespace gdjit
