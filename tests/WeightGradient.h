// The gradient of a layer's weights as an expression, for tests that build graphs without a model.
#pragma once

#include "gdjit/Ops/Expr.h"

namespace gdjit {

/// x transposed times g, in the order that a derivative gives it.
inline Expr weight_gradient(Expr x, Expr g) {
  return apply(Opcode::Matmul, x, g,
               Attributes()
                   .boolean(Attr::transpose_lhs, true)
                   .order(Attr::order, choose_contraction_order(x.type().dtype, x.shape()[0],
                                                                g.shape()[1], x.shape()[1])
                                           .order));
}

} // namespace gdjit
