// Expr: a Value with its builder, so that derivatives and rewrites read like mathematics.
//
// Operands of the binary operators must have equal types, or one is rank 0 and is broadcast; a C++
// number takes the other operand's type. Nothing is simplified here.
#pragma once

#include "gdjit/Ops/GraphBuilder.h"

namespace gdjit {

struct Expr {
  GraphBuilder* builder = nullptr;
  Value value;

  /// By value: appending may move the graph's own types.
  TensorType type() const { return builder->type(value); }
  DType dtype() const { return type().dtype; }
  Shape shape() const { return type().shape; }
  bool valid() const { return builder != nullptr && value.valid(); }
};

Expr operator+(Expr a, Expr b);
Expr operator-(Expr a, Expr b);
Expr operator*(Expr a, Expr b);
Expr operator/(Expr a, Expr b);
Expr operator-(Expr a);
Expr operator+(Expr a, double b);
Expr operator-(Expr a, double b);
Expr operator*(Expr a, double b);
Expr operator/(Expr a, double b);
Expr operator+(double a, Expr b);
Expr operator-(double a, Expr b);
Expr operator*(double a, Expr b);
Expr operator/(double a, Expr b);

/// Any op of one, two or three operands, with attributes.
Expr apply(Opcode op, Expr a, Attributes attributes = {});
Expr apply(Opcode op, Expr a, Expr b, Attributes attributes = {});
Expr apply(Opcode op, Expr a, Expr b, Expr c, Attributes attributes = {});

Expr constant_like(Expr like, double value); ///< of the same type
Expr select(Expr condition, Expr a, Expr b);
Expr cast(Expr a, DType type);
Expr broadcast_to(Expr a,
                  const Shape& shape); ///< NumPy's rule; itself where the shape is right already
Expr reshape(Expr a, const Shape& shape);
Expr transpose(Expr a, std::vector<int64_t> permutation);
Expr sum(Expr a, std::vector<int64_t> axes, bool keepdims);
/// The adjoint of broadcast_to: sums over the axes that were broadcast, to `shape`.
Expr sum_to(Expr a, Shape shape);
Expr matmul(Expr a, Expr b, bool transpose_a = false, bool transpose_b = false);

} // namespace gdjit
