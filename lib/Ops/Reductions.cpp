// Reductions over any axes. Sums and products carry their order; the others give the same bits in
// any order.
#include "Reduce.h"
#include "gdjit/Ops/Rewrite.h"
#include "gdjit/Ops/Vjp.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gdjit {

using loop::ScalarOp;

namespace {

constexpr Attr ordered_attributes[] = {Attr::axes, Attr::keepdims, Attr::order};
constexpr Attr plain_attributes[] = {Attr::axes, Attr::keepdims};
constexpr double infinity = std::numeric_limits<double>::infinity();

TensorType infer_reduced(const TypeRequest& request, DType type) {
  const Shape& shape = request.operands[0].shape;
  rules::normalize_axes(request, shape.rank());
  rules::complete_keepdims(request);
  return {type, rules::reduced_shape(shape, request.attributes.integers(Attr::axes),
                                     request.attributes.boolean(Attr::keepdims))};
}

/// Floats in their own type; integers and bool in i64, as NumPy and PyTorch do.
TensorType infer_ordered(const TypeRequest& request) {
  const TensorType& operand = request.operands[0];
  TensorType result = infer_reduced(request, is_float(operand.dtype) ? operand.dtype : DType::i64);
  rules::complete_order(
      request, result.dtype,
      choose_order(result.dtype, operand.shape, request.attributes.integers(Attr::axes)).order);
  return result;
}

TensorType infer_extremum(const TypeRequest& request) {
  rules::require(request, 0, rules::numbers);
  TensorType result = infer_reduced(request, request.operands[0].dtype);
  if (request.operands[0].elements() == 0 && result.elements() > 0)
    rules::fail("no elements to choose from",
                "an axis of extent 0 has no greatest and no least element");
  return result;
}

TensorType infer_logic(const TypeRequest& request) {
  rules::require(request, 0, rules::booleans);
  return infer_reduced(request, DType::boolean);
}

/// A value of the result's shape, repeated along the reduced axes: of the operand's shape.
Expr expand_back(Vjp& v, Expr value) {
  Shape shape = v.operand(0).shape();
  Shape kept = rules::reduced_shape(shape, v.attributes().integers(Attr::axes), true);
  return broadcast_to(reshape(value, kept), shape);
}

/// All that attain the extremum share its gradient equally.
void extremum_vjp(Vjp& v) {
  Expr attains = apply(Opcode::Equal, v.operand(0), expand_back(v, v.result()));
  Attributes attributes = Attributes()
                              .integers(Attr::axes, v.attributes().integers(Attr::axes))
                              .boolean(Attr::keepdims, v.attributes().boolean(Attr::keepdims));
  Expr count = apply(Opcode::Sum, cast(attains, v.g().dtype()), attributes);
  v.add(0, select(attains, expand_back(v, v.g() / count), constant_like(v.operand(0), 0)));
}

/// The elements along axis 1 of [outer, k] moved by `by` places; ones come in.
Expr shifted(Expr x, int64_t by) {
  int64_t outer = x.shape()[0], k = x.shape()[1], far = std::min(std::abs(by), k);
  int64_t low = by > 0 ? far : 0, high = by > 0 ? 0 : far;
  Expr kept = apply(Opcode::Slice, x,
                    Attributes()
                        .integers(Attr::start, {0, high})
                        .integers(Attr::limit, {outer, k - low})
                        .integers(Attr::step, {1, 1}));
  return apply(Opcode::Pad, kept,
               Attributes()
                   .integers(Attr::low, {0, low})
                   .integers(Attr::high, {0, high})
                   .real(Attr::fill, 1));
}

/// d prod / d x_i is the product of all others: of those before and those behind, each by doubling.
/// No division, so zeros in the data are right, in higher derivatives too.
void prod_vjp(Vjp& v) {
  Expr x = v.operand(0);
  Shape shape = x.shape();
  const std::vector<int64_t> axes = v.attributes().integers(Attr::axes);
  std::vector<int64_t> to_back, inverse(shape.rank());
  int64_t k = 1;
  for (int i = 0; i < shape.rank(); ++i)
    if (std::find(axes.begin(), axes.end(), i) == axes.end())
      to_back.push_back(i);
  for (int64_t axis : axes) {
    to_back.push_back(axis);
    k *= shape[static_cast<int>(axis)];
  }
  for (size_t i = 0; i < to_back.size(); ++i)
    inverse[to_back[i]] = static_cast<int64_t>(i);
  if (shape.elements() == 0) {
    v.add(0, constant_like(x, 0));
    return;
  }

  Expr moved = shape.rank() ? transpose(x, to_back) : x;
  Expr rows = reshape(moved, Shape{shape.elements() / k, k});
  Expr before = shifted(rows, 1), behind = shifted(rows, -1);
  for (int64_t by = 1; by < k; by *= 2) {
    before = before * shifted(before, by);
    behind = behind * shifted(behind, -by);
  }
  Expr others = reshape(before * behind, moved.shape());
  if (shape.rank())
    others = transpose(others, inverse);
  Expr g = expand_back(v, v.g());
  v.add(0, g * apply(Opcode::Guard, others, g));
}

/// Over axes of extent 1 a reduction is its one term (chains start from the neutral element).
constexpr SimplifyRule of_one_term[] = {
    {"a reduction over axes of extent 1 => reshape, cast if the type differs",
     [](Rewrite& r) {
       bool one = r.operand(0).type().elements() == r.type().elements() && r.type().elements() > 0;
       return one ? reshape(cast(r.operand(0), r.type().dtype), r.type().shape).value : Value{};
     }},
};

constexpr SimplifyRule sum_rules[] = {
    of_one_term[0],
    // Exact in any order; a row whose class number is out of range has no 1.
    {"sum(one_hot(i)) over n classes => cast(i >= 0 and i < n); sum(-one_hot(i)) => minus that",
     [](Rewrite& r) {
       Expr h = r.operand(0);
       bool negated = r.producer(0) == Opcode::Negate;
       if (negated)
         h = r.producer_operand(0, 0);
       bool rows =
           r.builder().graph().op(h.value.node) == Opcode::OneHot &&
           r.attributes().integers(Attr::axes) == std::vector<int64_t>{h.shape().rank() - 1};
       const int64_t classes = rows ? h.shape()[h.shape().rank() - 1] : 0;
       if (classes == 0)
         return Value{};
       Expr index = {&r.builder(), r.builder().graph().operand(h.value.node, 0)};
       Expr known =
           apply(Opcode::LogicalAnd, apply(Opcode::GreaterEqual, index, constant_like(index, 0)),
                 apply(Opcode::Less, index, constant_like(index, static_cast<double>(classes))));
       Expr one = reshape(cast(known, r.type().dtype), r.type().shape);
       return (negated ? -one : one).value;
     }},
};

double sum_of(std::span<const double> terms) {
  long double sum = 0;
  for (double t : terms)
    sum += t;
  return static_cast<double>(sum);
}
double product_of(std::span<const double> terms) {
  long double product = 1;
  for (double t : terms)
    product *= t;
  return static_cast<double>(product);
}
double greatest_of(std::span<const double> terms) {
  double best = -infinity;
  for (double t : terms) {
    if (std::isnan(t))
      return t;
    if (t > best || (t == best && !std::signbit(t)))
      best = t;
  }
  return best;
}
double least_of(std::span<const double> terms) {
  std::vector<double> negated(terms.begin(), terms.end());
  for (double& t : negated)
    t = -t;
  return -greatest_of(negated);
}
double any_of(std::span<const double> terms) {
  return std::count(terms.begin(), terms.end(), 1.0) > 0;
}
double all_of(std::span<const double> terms) {
  return std::count(terms.begin(), terms.end(), 0.0) == 0;
}

constexpr SampleRange near_one[] = {{0.5, 1.5}};

} // namespace

constinit const OpBlock blocks::Sum = {
    .summary = "sum over axes",
    .formula = "sum of x over `axes`; integers and bool add in i64; an empty sum is 0",
    .attributes = ordered_attributes,
    .infer = infer_ordered,
    .vjp = [](Vjp& v) { v.add(0, expand_back(v, v.g())); },
    .reducer = {.combine = ScalarOp::add, .neutral = -0.0},
    .accesses = reduce::accesses,
    .reference_tensor = reduce::reference<sum_of>,
    .simplifications = sum_rules,
};

constinit const OpBlock blocks::Prod = {
    .summary = "product over axes",
    .formula = "product of x over `axes`; integers and bool multiply in i64; an empty product is 1",
    .attributes = ordered_attributes,
    .infer = infer_ordered,
    .vjp = prod_vjp,
    .reducer = {.combine = ScalarOp::mul, .neutral = 1},
    .accesses = reduce::accesses,
    .reference_tensor = reduce::reference<product_of>,
    .simplifications = of_one_term,
    .samples = near_one,
};

constinit const OpBlock blocks::Max = {
    .summary = "greatest element over axes",
    .formula = "maximum of x over `axes`; NaN if one is; ties share the gradient equally",
    .domain = "at least one element",
    .attributes = plain_attributes,
    .infer = infer_extremum,
    .vjp = extremum_vjp,
    .reducer = {.combine = ScalarOp::max, .neutral = -infinity},
    .accesses = reduce::accesses,
    .reference_tensor = reduce::reference<greatest_of>,
    .simplifications = of_one_term,
};

constinit const OpBlock blocks::Min = {
    .summary = "least element over axes",
    .formula = "minimum of x over `axes`; NaN if one is; ties share the gradient equally",
    .domain = "at least one element",
    .attributes = plain_attributes,
    .infer = infer_extremum,
    .vjp = extremum_vjp,
    .reducer = {.combine = ScalarOp::min, .neutral = infinity},
    .accesses = reduce::accesses,
    .reference_tensor = reduce::reference<least_of>,
    .simplifications = of_one_term,
};

constinit const OpBlock blocks::Any = {
    .summary = "whether any element over axes is true",
    .formula = "or of x over `axes`; false of none",
    .attributes = plain_attributes,
    .infer = infer_logic,
    .not_differentiable = "the operand is bool",
    .zero_gradient = true,
    .reducer = {.combine = ScalarOp::bit_or, .neutral = 0},
    .accesses = reduce::accesses,
    .reference_tensor = reduce::reference<any_of>,
    .simplifications = of_one_term,
};

constinit const OpBlock blocks::All = {
    .summary = "whether all elements over axes are true",
    .formula = "and of x over `axes`; true of none",
    .attributes = plain_attributes,
    .infer = infer_logic,
    .not_differentiable = "the operand is bool",
    .zero_gradient = true,
    .reducer = {.combine = ScalarOp::bit_and, .neutral = 1},
    .accesses = reduce::accesses,
    .reference_tensor = reduce::reference<all_of>,
    .simplifications = of_one_term,
};

} // namespace gdjit
