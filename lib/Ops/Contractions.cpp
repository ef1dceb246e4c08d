// Contractions: products summed over index maps.
#include "Reference.h"
#include "Rules.h"
#include "gdjit/Ops/Rewrite.h"
#include "gdjit/Ops/Vjp.h"

#include <fmt/format.h>

#include <utility>

namespace gdjit {

namespace {

constexpr Attr matmul_attributes[] = {Attr::transpose_lhs, Attr::transpose_rhs, Attr::order};

/// Axis of the operand that is its row (of the product as written) and its column.
struct Axes {
  int row;
  int column;
};
Axes axes_of(const Shape& shape, bool transposed) {
  int last = shape.rank() - 1;
  return transposed ? Axes{last, last - 1} : Axes{last - 1, last};
}

TensorType infer_matmul(const TypeRequest& request) {
  const TensorType &lhs = request.operands[0], &rhs = request.operands[1];
  for (Attr attr : {Attr::transpose_lhs, Attr::transpose_rhs})
    if (!request.attributes.has(attr))
      request.attributes.boolean(attr, false);
  if (lhs.dtype != rhs.dtype)
    rules::fail(fmt::format("element types differ, {} and {}", name(lhs.dtype), name(rhs.dtype)),
                "convert one operand with cast");
  rules::require(request, 0, rules::numbers);
  if (lhs.shape.rank() < 2 || rhs.shape.rank() < 2)
    rules::fail(fmt::format("takes operands of rank 2 or more, not {} and {}", lhs.shape.rank(),
                            rhs.shape.rank()),
                "reshape a vector to a matrix of one row or one column");
  int batch = lhs.shape.rank() - 2;
  TensorType result{lhs.dtype, {}};
  bool same = lhs.shape.rank() == rhs.shape.rank();
  for (int i = 0; same && i < batch; ++i) {
    same = lhs.shape[i] == rhs.shape[i];
    result.shape.push_back(lhs.shape[i]);
  }
  if (!same)
    rules::fail(
        fmt::format("batch axes differ, {} and {}", to_string(lhs.shape), to_string(rhs.shape)),
        "broadcast or reshape one operand");
  Axes l = axes_of(lhs.shape, request.attributes.boolean(Attr::transpose_lhs));
  Axes r = axes_of(rhs.shape, request.attributes.boolean(Attr::transpose_rhs));
  if (lhs.shape[l.column] != rhs.shape[r.row])
    rules::fail(
        fmt::format("inner dimensions differ, {} and {}", lhs.shape[l.column], rhs.shape[r.row]),
        "transpose or reshape one operand");
  result.shape.push_back(lhs.shape[l.row]);
  result.shape.push_back(rhs.shape[r.column]);
  rules::complete_order(
      request, result.dtype,
      choose_product_order(result.dtype, lhs.shape[l.column], rhs.shape[r.column]).order);
  return result;
}

/// Iteration axes: batch, row, column, then the inner one.
Accesses matmul_accesses(std::span<const TensorType> operands, const TensorType& result,
                         const Attributes& attributes) {
  const int rank = result.shape.rank(), batch = rank - 2;
  auto map = [&](const Shape& shape, bool transposed, int row_axis, int column_axis) {
    IndexMap m;
    m.axes.resize(shape.rank());
    for (AxisMap& axis : m.axes)
      axis.factors.assign(rank + 1, 0);
    for (int i = 0; i < batch; ++i)
      m.axes[i].factors[i] = 1;
    Axes axes = axes_of(shape, transposed);
    m.axes[axes.row].factors[row_axis] = 1;
    m.axes[axes.column].factors[column_axis] = 1;
    return m;
  };
  bool transpose_lhs = attributes.boolean(Attr::transpose_lhs);
  const Shape& lhs = operands[0].shape;
  Accesses all;
  all.reduced.push_back(lhs[axes_of(lhs, transpose_lhs).column]);
  all.operands.push_back(map(lhs, transpose_lhs, batch, rank));
  all.operands.push_back(
      map(operands[1].shape, attributes.boolean(Attr::transpose_rhs), rank, batch + 1));
  return all;
}

/// op(a)^T op(b) for the right operand of a product, a transposed by flag. Its rows are the terms
/// of that product, features and never a batch: how many there are may decide on the order.
Expr gradient_product(Expr a, Expr b, bool transpose_b) {
  const Axes l = axes_of(a.shape(), true), r = axes_of(b.shape(), transpose_b);
  return apply(Opcode::Matmul, a, b,
               Attributes()
                   .boolean(Attr::transpose_lhs, true)
                   .boolean(Attr::transpose_rhs, transpose_b)
                   .order(Attr::order, choose_gradient_order(a.type().dtype, a.shape()[l.column],
                                                             b.shape()[r.column], a.shape()[l.row])
                                           .order));
}

void matmul_vjp(Vjp& v) {
  bool ta = v.attributes().boolean(Attr::transpose_lhs),
       tb = v.attributes().boolean(Attr::transpose_rhs);
  Expr a = v.operand(0), b = v.operand(1), g = v.g();
  if (v.wants(0)) // op(a) gets g op(b)^T
    v.add(0, ta ? matmul(b, g, tb, true) : matmul(g, b, false, !tb));
  if (v.wants(1)) // op(b) gets op(a)^T g
    v.add(1, tb ? gradient_product(g, a, ta) : ta ? matmul(a, g) : gradient_product(a, g, false));
}

std::vector<double> matmul_reference(std::span<const ReferenceTensor> operands,
                                     const TensorType& result, const Attributes& attributes) {
  auto element = [&](int operand, reference::Indices at, Attr transposed) {
    if (attributes.boolean(transposed))
      std::swap(at[at.size() - 1], at[at.size() - 2]);
    const ReferenceTensor& tensor = operands[operand];
    return tensor.values[reference::ravel(at, tensor.type.shape)];
  };
  const Shape& lhs = operands[0].type.shape;
  int64_t inner = lhs[axes_of(lhs, attributes.boolean(Attr::transpose_lhs)).column];
  std::vector<double> values;
  for (int64_t i = 0; i < result.elements(); ++i) {
    reference::Indices left = reference::unravel(i, result.shape), right = left;
    long double sum = 0;
    for (int64_t k = 0; k < inner; ++k) {
      left[left.size() - 1] = right[right.size() - 2] = k;
      sum += static_cast<long double>(element(0, left, Attr::transpose_lhs)) *
             element(1, right, Attr::transpose_rhs);
    }
    values.push_back(static_cast<double>(sum));
  }
  return values;
}

/// Whether operand i is a transposition of its last two axes and of no others.
bool exchanges_last(Rewrite& r, int i) {
  if (r.producer(i) != Opcode::Transpose)
    return false;
  const std::vector<int64_t>& permutation =
      r.builder().graph().attributes(r.operand(i).value.node).integers(Attr::permutation);
  const int64_t rank = static_cast<int64_t>(permutation.size());
  for (int64_t k = 0; k < rank - 2; ++k)
    if (permutation[k] != k)
      return false;
  return permutation[rank - 1] == rank - 2;
}

template <int operand, Attr flag> Value fold_transpose(Rewrite& r) {
  if (!exchanges_last(r, operand))
    return {};
  Attributes attributes = r.attributes(); // the order stays: the same products in the same order
  attributes.boolean(flag, !attributes.boolean(flag));
  Expr inner = r.producer_operand(operand, 0);
  return apply(Opcode::Matmul, operand == 0 ? inner : r.operand(0),
               operand == 1 ? inner : r.operand(1), attributes)
      .value;
}

constexpr SimplifyRule matmul_rules[] = {
    {"matmul(transpose(a), b) => matmul(a, b, transpose_lhs)",
     fold_transpose<0, Attr::transpose_lhs>},
    {"matmul(a, transpose(b)) => matmul(a, b, transpose_rhs)",
     fold_transpose<1, Attr::transpose_rhs>},
};

} // namespace

constinit const OpBlock blocks::Matmul = {
    .summary = "matrix product, for each index of the leading batch axes",
    .formula = "result[.., i, j] = sum over k of lhs[.., i, k] * rhs[.., k, j]",
    .domain = "integers wrap; an empty sum is 0",
    .attributes = matmul_attributes,
    .infer = infer_matmul,
    .vjp = matmul_vjp,
    .reducer = {.combine = loop::ScalarOp::add, .neutral = -0.0},
    .accesses = matmul_accesses,
    .reference_tensor = matmul_reference,
    .simplifications = matmul_rules,
};

} // namespace gdjit
