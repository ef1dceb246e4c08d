// Where derivative rules put the adjoints.
#include "gdjit/Ops/Vjp.h"

#include <limits>

namespace gdjit {

void Vjp::add(int i, Expr adjoint) {
  GDJIT_CHECK(i >= 0 && i < operand_count() && !adjoints_[i].valid());
  GDJIT_CHECK(adjoint.type() == builder_.type(operands_[i]));
  if (wanted_[i])
    adjoints_[i] = adjoint.value;
}

Expr Vjp::guarded(Expr d) {
  Expr zero = constant_like(d, 0),
       infinity = constant_like(d, std::numeric_limits<double>::infinity());
  Expr finite = apply(Opcode::Less, apply(Opcode::Abs, d), infinity);
  Expr needed = apply(Opcode::NotEqual, g(), zero);
  return g() * select(apply(Opcode::LogicalOr, needed, finite), d, zero);
}

} // namespace gdjit
