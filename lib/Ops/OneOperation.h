// The expansion of an op that is one scalar operation.
#pragma once

#include "gdjit/Loop/ScalarProgram.h"
#include "gdjit/Ops/Op.h"

namespace gdjit {

template <loop::ScalarOp op> loop::ScalarValue one_operation(const Expansion& x) {
  static_assert(loop::operand_count(op) == 1 || loop::operand_count(op) == 2);
  if constexpr (loop::operand_count(op) == 1)
    return loop::unary(op, x[0]);
  else
    return loop::binary(op, x[0], x[1]);
}

} // namespace gdjit
