// The functions of tensors: one per op of the table, under the names of PyTorch, JAX and NumPy, and
// the composites that are plain functions over ops. Formulas and domains of the ops: `gdjit doc
// ops`.
#pragma once

#include "gdjit/Frontend/Tensor.h"

#include <vector>

namespace gdjit {

// Pointwise ops by their names in the table: relu(x), exp(x), maximum(x, 0.0), logical_and(a, b),
// clamp(x, 0, 1), select(condition, a, b), … Operands broadcast by NumPy's rules; at least one of
// two is a Tensor; a C++ number takes the tensors' type (of select: the other branch's, or the
// model's where both are numbers).
#define GDJIT_FUNCTION_1(enumerator, name)                                                         \
  template <Opcode op = Opcode::enumerator>                                                        \
    requires(op != Opcode::Cast) /* takes a type: below */                                         \
  Tensor name(const Tensor& x, Place at = Place::current()) {                                      \
    return pointwise(op, {x}, at);                                                                 \
  }
#define GDJIT_FUNCTION_2(enumerator, name)                                                         \
  inline Tensor name(const Tensor& a, const Operand& b, Place at = Place::current()) {             \
    return pointwise(Opcode::enumerator, {a, b}, at);                                              \
  }                                                                                                \
  inline Tensor name(NumberOperand a, const Tensor& b, Place at = Place::current()) {              \
    return pointwise(Opcode::enumerator, {Operand(a), b}, at);                                     \
  }
#define GDJIT_FUNCTION_3(enumerator, name)                                                         \
  inline Tensor name(const Tensor& a, const Operand& b, const Operand& c,                          \
                     Place at = Place::current()) {                                                \
    return pointwise(Opcode::enumerator, {a, b, c}, at);                                           \
  }
#define GDJIT_FUNCTION_Pointwise(enumerator, name, operands)                                       \
  GDJIT_FUNCTION_##operands(enumerator, name)
#define GDJIT_FUNCTION_Source(enumerator, name, operands)
#define GDJIT_FUNCTION_Reduction(enumerator, name, operands)                                       \
  inline Tensor name(const Tensor& x, const Axes& axes = {}, bool keepdims = false,                \
                     Place at = Place::current()) {                                                \
    return reduce(Opcode::enumerator, x, axes, keepdims, at);                                      \
  }
#define GDJIT_FUNCTION_Contraction(enumerator, name, operands)
#define GDJIT_FUNCTION_Movement(enumerator, name, operands)
#define GDJIT_FUNCTION_Indexing(enumerator, name, operands)
#define GDJIT_FUNCTION_Derivative(enumerator, name, operands)

/// Appends a reduction over `axes` (none: all). keepdims keeps them with extent 1. argmax and
/// argmin take one axis, or none for the position in row-major order, and give i64.
Tensor reduce(Opcode op, const Tensor& x, const Axes& axes, bool keepdims, Place at);

#define GDJIT_OP(enumerator, name, kind, operands, f32_ulp, f64_ulp)                               \
  GDJIT_FUNCTION_##kind(enumerator, name, operands)
#include "gdjit/IR/Ops.def"
#undef GDJIT_FUNCTION_1
#undef GDJIT_FUNCTION_2
#undef GDJIT_FUNCTION_3
#undef GDJIT_FUNCTION_Pointwise
#undef GDJIT_FUNCTION_Source
#undef GDJIT_FUNCTION_Reduction
#undef GDJIT_FUNCTION_Contraction
#undef GDJIT_FUNCTION_Movement
#undef GDJIT_FUNCTION_Indexing
#undef GDJIT_FUNCTION_Derivative

/// select under NumPy's and PyTorch's name.
inline Tensor where(const Tensor& condition, const Operand& a, const Operand& b,
                    Place at = Place::current()) {
  return pointwise(Opcode::Select, {condition, a, b}, at);
}
/// Another element type: to integers truncates, saturates, takes NaN to 0.
Tensor cast(const Tensor& x, DType type, Place at = Place::current());
/// A constant of x's type and shape.
Tensor full_like(const Tensor& x, Number value, Place at = Place::current());
Tensor zeros_like(const Tensor& x, Place at = Place::current());
Tensor ones_like(const Tensor& x, Place at = Place::current());

// Reductions that are composed.

/// sum / count.
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keepdims = false,
            Place at = Place::current());
/// sum((x - mean)^2) / max(count - correction, 0): unbiased unless correction is 0; NaN of nothing
/// and, with correction, of one element.
Tensor var(const Tensor& x, const Axes& axes = {}, bool keepdims = false, double correction = 1,
           Place at = Place::current());
/// sqrt(var), with the derivative 0 where that is 0. Not named `std`, which is a namespace.
Tensor stddev(const Tensor& x, const Axes& axes = {}, bool keepdims = false, double correction = 1,
              Place at = Place::current());
/// sqrt(sum(x^2)): the Euclidean (Frobenius) norm, with the derivative 0 where it is 0.
Tensor norm(const Tensor& x, const Axes& axes = {}, bool keepdims = false,
            Place at = Place::current());
/// sum(|x|).
Tensor l1_norm(const Tensor& x, const Axes& axes = {}, bool keepdims = false,
               Place at = Place::current());
/// max(|x|).
Tensor max_norm(const Tensor& x, const Axes& axes = {}, bool keepdims = false,
                Place at = Place::current());
/// log(sum(exp(x))), by the greatest element, so that nothing overflows.
Tensor logsumexp(const Tensor& x, const Axes& axes = {}, bool keepdims = false,
                 Place at = Place::current());
/// exp(x - m) / sum(exp(x - m)) along one axis, m the greatest element.
Tensor softmax(const Tensor& x, int axis = -1, Place at = Place::current());
/// (x - m) - log(sum(exp(x - m))) along one axis.
Tensor log_softmax(const Tensor& x, int axis = -1, Place at = Place::current());

// Contractions.

struct MatmulOptions {
  bool transpose_lhs = false; ///< the last two axes of the left operand are exchanged
  bool transpose_rhs = false;
};
/// NumPy's product: the last two axes are matrices, axes before them are a batch and broadcast, an
/// operand of rank 1 is a row on the left and a column on the right.
Tensor matmul(const Tensor& a, const Tensor& b, MatmulOptions options = {},
              Place at = Place::current());
/// sum(a * b) of two vectors.
Tensor dot(const Tensor& a, const Tensor& b, Place at = Place::current());

// Movement.

/// The same elements in row-major order under another shape; one extent may be -1 and follows from
/// the rest.
Tensor reshape(const Tensor& x, const Extents& shape, Place at = Place::current());
/// One axis.
Tensor flatten(const Tensor& x, Place at = Place::current());
/// Axis permutation[i] of x becomes axis i; without it the last two are exchanged.
Tensor transpose(const Tensor& x, Place at = Place::current());
Tensor transpose(const Tensor& x, const Axes& permutation, Place at = Place::current());
/// By NumPy's rules.
Tensor broadcast_to(const Tensor& x, const Extents& shape, Place at = Place::current());
/// A new axis of extent 1 before `axis`.
Tensor expand_dims(const Tensor& x, int axis, Place at = Place::current());
/// Without axes of extent 1: those named, or all.
Tensor squeeze(const Tensor& x, const Axes& axes = {}, Place at = Place::current());
/// Indices start, start + step … below limit along one axis; negative start and limit count from
/// the end.
Tensor slice(const Tensor& x, int axis, int64_t start, int64_t limit, int64_t step = 1,
             Place at = Place::current());
/// Elements added before and behind each axis.
Tensor pad(const Tensor& x, const Axes& low, const Axes& high, double value = 0,
           Place at = Place::current());
Tensor concat(const std::vector<Tensor>& parts, int axis = 0, Place at = Place::current());
/// Equal shapes along a new axis.
Tensor stack(const std::vector<Tensor>& parts, int axis = 0, Place at = Place::current());
/// Order reversed along `axes` (none: all).
Tensor reverse(const Tensor& x, const Axes& axes = {}, Place at = Place::current());

// Indexing. An index out of range stops the call with node and position.

/// Rows of axis 0: result[i.., j..] = x[indices[i..], j..]; indices are i32 or i64.
Tensor gather(const Tensor& x, const Tensor& indices, Place at = Place::current());
/// Zeros with `rows` rows, to which row indices[i..] gets x[i..] added, in order.
Tensor scatter_add(const Tensor& x, const Tensor& indices, Extent rows,
                   Place at = Place::current());
/// 1 where the class along a new last axis is the index, else 0; of the model's type unless said.
Tensor one_hot(const Tensor& indices, Extent classes, Place at = Place::current());
Tensor one_hot(const Tensor& indices, Extent classes, DType type, Place at = Place::current());

// Derivatives. They are nodes like any other and may be differentiated again.

/// d loss / d value, of value's shape. loss has rank 0 and depends on value.
Tensor gradient(const Tensor& loss, const Tensor& value, Place at = Place::current());
std::vector<Tensor> gradient(const Tensor& loss, const std::vector<Tensor>& values,
                             Place at = Place::current());
/// (d f / d x) v: forward mode, as the gradient of a gradient. v has x's shape, the result f's.
Tensor jacobian_vector(const Tensor& f, const Tensor& x, const Tensor& v,
                       Place at = Place::current());
/// (d^2 loss / d x^2) v: the gradient of <gradient(loss, x), v>.
Tensor hessian_vector(const Tensor& loss, const Tensor& x, const Tensor& v,
                      Place at = Place::current());

} // namespace gdjit
