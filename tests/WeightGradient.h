// The gradient of a layer's weights as an expression, for tests that build graphs without a model.
#pragma once

#include "gdjit/Ops/Expr.h"

namespace gdjit {

/// x transposed times g, its terms added in this order.
inline Expr weight_gradient(Expr x, Expr g, ReductionOrder order) {
  return apply(Opcode::Matmul, x, g,
               Attributes().boolean(Attr::transpose_lhs, true).order(Attr::order, order));
}

/// The same in the order that a derivative gives it.
inline Expr weight_gradient(Expr x, Expr g) {
  return weight_gradient(
      x, g,
      choose_gradient_order(x.type().dtype, x.shape()[0], g.shape()[1], x.shape()[1]).order);
}

} // namespace gdjit
