// Derivatives and rewrites written like mathematics.
#include "gdjit/Ops/Expr.h"

namespace gdjit {

namespace {

/// Two operands of one shape: one of rank 0 is broadcast to the other's.
Expr binary(Opcode op, Expr a, Expr b) {
  GDJIT_CHECK(a.valid() && b.valid() && a.builder == b.builder);
  if (a.shape() != b.shape() && a.shape().rank() == 0)
    a = broadcast_to(a, b.shape());
  else if (a.shape() != b.shape() && b.shape().rank() == 0)
    b = broadcast_to(b, a.shape());
  return apply(op, a, b);
}

} // namespace

Expr apply(Opcode op, Expr a, Attributes attributes) {
  return {a.builder, a.builder->append(op, {a.value}, std::move(attributes))};
}
Expr apply(Opcode op, Expr a, Expr b, Attributes attributes) {
  return {a.builder, a.builder->append(op, {a.value, b.value}, std::move(attributes))};
}
Expr apply(Opcode op, Expr a, Expr b, Expr c, Attributes attributes) {
  return {a.builder, a.builder->append(op, {a.value, b.value, c.value}, std::move(attributes))};
}

Expr constant_like(Expr like, double value) {
  return {like.builder, like.builder->constant(like.type(), value)};
}

Expr operator+(Expr a, Expr b) { return binary(Opcode::Add, a, b); }
Expr operator-(Expr a, Expr b) { return binary(Opcode::Subtract, a, b); }
Expr operator*(Expr a, Expr b) { return binary(Opcode::Multiply, a, b); }
Expr operator/(Expr a, Expr b) { return binary(Opcode::Divide, a, b); }
Expr operator-(Expr a) { return apply(Opcode::Negate, a); }
Expr operator+(Expr a, double b) { return a + constant_like(a, b); }
Expr operator-(Expr a, double b) { return a - constant_like(a, b); }
Expr operator*(Expr a, double b) { return a * constant_like(a, b); }
Expr operator/(Expr a, double b) { return a / constant_like(a, b); }
Expr operator+(double a, Expr b) { return constant_like(b, a) + b; }
Expr operator-(double a, Expr b) { return constant_like(b, a) - b; }
Expr operator*(double a, Expr b) { return constant_like(b, a) * b; }
Expr operator/(double a, Expr b) { return constant_like(b, a) / b; }

Expr select(Expr condition, Expr a, Expr b) { return apply(Opcode::Select, condition, a, b); }

Expr cast(Expr a, DType type) {
  return a.dtype() == type ? a : apply(Opcode::Cast, a, Attributes().dtype(Attr::dtype, type));
}

Expr broadcast_to(Expr a, const Shape& shape) {
  return a.shape() == shape ? a
                            : apply(Opcode::Broadcast, a, Attributes().shape(Attr::shape, shape));
}

Expr reshape(Expr a, const Shape& shape) {
  return a.shape() == shape ? a : apply(Opcode::Reshape, a, Attributes().shape(Attr::shape, shape));
}

Expr transpose(Expr a, std::vector<int64_t> permutation) {
  return apply(Opcode::Transpose, a,
               Attributes().integers(Attr::permutation, std::move(permutation)));
}

Expr sum(Expr a, std::vector<int64_t> axes, bool keepdims) {
  return apply(
      Opcode::Sum, a,
      Attributes().integers(Attr::axes, std::move(axes)).boolean(Attr::keepdims, keepdims));
}

Expr sum_to(Expr a, Shape shape) {
  if (a.shape() == shape)
    return a;
  Shape from = a.shape();
  int added = from.rank() - shape.rank();
  std::vector<int64_t> axes;
  for (int i = 0; i < from.rank(); ++i)
    if (i < added || (shape[i - added] == 1 && from[i] != 1))
      axes.push_back(i);
  return reshape(axes.empty() ? a : sum(a, std::move(axes), false), shape);
}

Expr matmul(Expr a, Expr b, bool transpose_a, bool transpose_b) {
  return apply(Opcode::Matmul, a, b,
               Attributes()
                   .boolean(Attr::transpose_lhs, transpose_a)
                   .boolean(Attr::transpose_rhs, transpose_b));
}

} // namespace gdjit
