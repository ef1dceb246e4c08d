// Reductions, contractions, casts and indexing.
#include "gdjit/Frontend/Functions.h"

#include "Declaration.h"
#include "gdjit/Ops/Op.h"

#include <fmt/format.h>

namespace gdjit {

Tensor cast(const Tensor& x, DType type, Place at) {
  common_declaration("cast", {&x}, at);
  return x.dtype() == type ? x
                           : apply_one(Opcode::Cast, x, Attributes().dtype(Attr::dtype, type), at);
}

Tensor full_like(const Tensor& x, Number value, Place at) {
  Declaration& d = common_declaration("full_like", {&x}, at);
  Array probe(TensorType{x.dtype(), {}});
  if (!store(probe, 0, value))
    d.fail(fmt::format("full_like: {} is no {}", to_string(value), name(x.dtype())), at,
           {d.note("operand", x.value())});
  return d.tensor(d.number(value, x.type(), at));
}
Tensor zeros_like(const Tensor& x, Place at) { return full_like(x, 0, at); }
Tensor ones_like(const Tensor& x, Place at) { return full_like(x, 1, at); }

Tensor reduce(Opcode op, const Tensor& x, const Axes& axes, bool keepdims, Place at) {
  Declaration& d = common_declaration(name(op), {&x}, at);
  Attributes attributes = Attributes().boolean(Attr::keepdims, keepdims);
  if (!info(op).block->reducer.of_index) {
    if (!axes.values.empty())
      attributes.integers(Attr::axes, axes.values);
    return apply_one(op, x, std::move(attributes), at);
  }
  // A position is one number, so along one axis, or in row-major order.
  if (axes.values.size() > 1)
    d.fail(fmt::format("{}: takes one axis, {} given", name(op), axes.values.size()), at,
           {d.note("operand", x.value())});
  bool flat = axes.values.empty();
  attributes.integer(Attr::axis, flat ? 0 : axes.values[0]);
  Tensor position = apply_one(op, flat ? flatten(x, at) : x, std::move(attributes), at);
  if (flat) {
    Extents kept;
    kept.values.assign(keepdims ? static_cast<size_t>(x.rank()) : 0, 1);
    return reshape(position, kept, at);
  }
  return position;
}

namespace {

/// A rank-1 operand of a product as a matrix: a row on the left, a column on the right.
Tensor as_matrix(const Tensor& x, bool left, Place at) {
  const Shape& s = x.shape();
  if (s.rank() != 1)
    return x;
  Shape matrix = left ? Shape{1, s[0]} : Shape{s[0], 1};
  return reshape(x, matrix, at);
}

/// The axes before the matrices.
Shape batch_of(const Shape& s) {
  Shape batch;
  for (int i = 0; i + 2 < s.rank(); ++i)
    batch.push_back(s[i]);
  return batch;
}

Shape joined(Shape shape, const Shape& behind, int from) {
  for (int i = from; i < behind.rank(); ++i)
    shape.push_back(behind[i]);
  return shape;
}

Tensor append_matmul(const Tensor& a, const Tensor& b, MatmulOptions options, Place at) {
  Declaration& d = common_declaration("matmul", {&a, &b}, at);
  return d.tensor(d.append(Opcode::Matmul, {a.value(), b.value()},
                           Attributes()
                               .boolean(Attr::transpose_lhs, options.transpose_lhs)
                               .boolean(Attr::transpose_rhs, options.transpose_rhs),
                           at));
}

/// The batch that two operands broadcast to.
Shape common_batch(Declaration& d, const Tensor& a, const Tensor& b, Place at) {
  Shape x = batch_of(a.shape()), y = batch_of(b.shape());
  Shape longer = x.rank() >= y.rank() ? x : y;
  const Shape& shorter = x.rank() >= y.rank() ? y : x;
  int ahead = longer.rank() - shorter.rank();
  for (int i = 0; i < shorter.rank(); ++i) {
    int64_t& extent = longer[ahead + i];
    if (extent != shorter[i] && extent != 1 && shorter[i] != 1)
      d.fail(
          fmt::format("matmul: batch axes {} and {} do not broadcast", to_string(x), to_string(y)),
          at, {d.note("lhs", a.value()), d.note("rhs", b.value())});
    extent = extent == 1 ? shorter[i] : extent;
  }
  return longer;
}

} // namespace

Tensor matmul(const Tensor& a, const Tensor& b, MatmulOptions options, Place at) {
  Declaration& d = common_declaration("matmul", {&a, &b}, at);
  int rank_a = a.rank(), rank_b = b.rank();
  if (rank_a == 0 || rank_b == 0)
    d.fail(
        "matmul: an operand has rank 0", at,
        {d.note("lhs", a.value()), d.note("rhs", b.value()), {"multiply by a scalar with *", {}}});
  if ((rank_a == 1 && options.transpose_lhs) || (rank_b == 1 && options.transpose_rhs))
    d.fail("matmul: a vector cannot be transposed", at,
           {d.note("lhs", a.value()), d.note("rhs", b.value())});
  if (rank_a == 2 && rank_b == 2)
    return append_matmul(a, b, options, at);

  Tensor lhs = as_matrix(a, true, at), rhs = as_matrix(b, false, at), product;
  if (lhs.rank() > 2 && rhs.rank() == 2 && !options.transpose_lhs) {
    // One matrix for all rows: the batch axes are rows of the left one.
    Shape s = lhs.shape();
    int64_t rows = 1;
    for (int i = 0; i + 1 < s.rank(); ++i)
      rows *= s[i];
    product = append_matmul(reshape(lhs, Shape{rows, s[s.rank() - 1]}, at), rhs, options, at);
    Shape result = joined(batch_of(s), s, s.rank() - 2);
    result[result.rank() - 1] = product.shape()[1];
    product = reshape(product, result, at);
  } else {
    Shape batch = common_batch(d, lhs, rhs, at);
    lhs = broadcast_to(lhs, joined(batch, lhs.shape(), lhs.rank() - 2), at);
    rhs = broadcast_to(rhs, joined(batch, rhs.shape(), rhs.rank() - 2), at);
    product = append_matmul(lhs, rhs, options, at);
  }
  if (rank_a == 1 || rank_b == 1) {
    Shape s = product.shape(), result = batch_of(s);
    if (rank_a != 1)
      result.push_back(s[s.rank() - 2]);
    if (rank_b != 1)
      result.push_back(s[s.rank() - 1]);
    product = reshape(product, result, at);
  }
  return product;
}

Tensor dot(const Tensor& a, const Tensor& b, Place at) {
  Declaration& d = common_declaration("dot", {&a, &b}, at);
  if (a.rank() != 1 || a.shape() != b.shape())
    d.fail("dot: operands are two vectors of one length", at,
           {d.note("lhs", a.value()), d.note("rhs", b.value())});
  return matmul(a, b, {}, at);
}

Tensor gather(const Tensor& x, const Tensor& indices, Place at) {
  Declaration& d = common_declaration("gather", {&x, &indices}, at);
  return d.tensor(d.append(Opcode::Gather, {x.value(), indices.value()}, {}, at));
}

Tensor scatter_add(const Tensor& x, const Tensor& indices, Extent rows, Place at) {
  Declaration& d = common_declaration("scatter_add", {&x, &indices}, at);
  return d.tensor(d.append(Opcode::ScatterAdd, {x.value(), indices.value()},
                           Attributes().integer(Attr::rows, rows.value), at));
}

Tensor one_hot(const Tensor& indices, Extent classes, Place at) {
  Declaration& d = common_declaration("one_hot", {&indices}, at);
  return one_hot(indices, classes, d.dtype, at);
}

Tensor one_hot(const Tensor& indices, Extent classes, DType type, Place at) {
  return apply_one(Opcode::OneHot, indices,
                   Attributes().integer(Attr::depth, classes.value).dtype(Attr::dtype, type), at);
}

} // namespace gdjit
