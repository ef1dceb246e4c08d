// Movement that only renames positions: broadcast, reshape, transpose, reverse.
#include "Movement.h"

#include "Reference.h"
#include "Rules.h"

#include <fmt/format.h>

#include <numeric>

namespace gdjit {

using reference::ravel;
using reference::unravel;

namespace {

constexpr Attr shape_attributes[] = {Attr::shape};
constexpr Attr permutation_attributes[] = {Attr::permutation};
constexpr Attr axes_attributes[] = {Attr::axes};

TensorType infer_broadcast(const TypeRequest& request) {
  const TensorType& from = request.operands[0];
  Shape to = rules::shape_attribute(request);
  int added = to.rank() - from.shape.rank();
  bool fits = added >= 0;
  for (int i = 0; fits && i < from.shape.rank(); ++i)
    fits = from.shape[i] == to[i + added] || from.shape[i] == 1;
  if (!fits)
    rules::fail(fmt::format("{} does not broadcast to {}", to_string(from.shape), to_string(to)),
                "counted from the last axis, extents must be equal or 1");
  return {from.dtype, to};
}

TensorType infer_reshape(const TypeRequest& request) {
  const TensorType& from = request.operands[0];
  Shape to = rules::shape_attribute(request);
  if (from.elements() != to.elements())
    rules::fail(fmt::format("{} has {} elements, {} has {}", to_string(from.shape), from.elements(),
                            to_string(to), to.elements()),
                "choose extents with the same product");
  return {from.dtype, to};
}

TensorType infer_transpose(const TypeRequest& request) {
  const TensorType& from = request.operands[0];
  const std::vector<int64_t>& permutation =
      rules::per_axis(request, Attr::permutation, from.shape.rank());
  TensorType result{from.dtype, {}};
  unsigned seen = 0;
  for (int64_t axis : permutation) {
    if (axis < 0 || axis >= from.shape.rank() || (seen >> axis & 1))
      rules::fail(fmt::format("[{}] is not a permutation of the axes", fmt::join(permutation, ",")),
                  fmt::format("name each of 0 to {} once", from.shape.rank() - 1));
    seen |= 1u << axis;
    result.shape.push_back(from.shape[static_cast<int>(axis)]);
  }
  return result;
}

TensorType infer_reverse(const TypeRequest& request) {
  rules::need(request, Attr::axes);
  rules::normalize_axes(request, request.operands[0].shape.rank());
  return request.operands[0];
}

std::vector<int64_t> inverse_of(const std::vector<int64_t>& permutation) {
  std::vector<int64_t> inverse(permutation.size());
  for (size_t i = 0; i < permutation.size(); ++i)
    inverse[permutation[i]] = static_cast<int64_t>(i);
  return inverse;
}

bool is_identity(const std::vector<int64_t>& permutation) {
  for (size_t i = 0; i < permutation.size(); ++i)
    if (permutation[i] != static_cast<int64_t>(i))
      return false;
  return true;
}

Value same_type(Rewrite& r) {
  return r.operand(0).type() == r.type() ? r.operand(0).value : Value{};
}

constexpr SimplifyRule broadcast_rules[] = {
    {"broadcast to the same shape => x", same_type},
    {"broadcast(broadcast(x)) => broadcast(x)",
     [](Rewrite& r) {
       return r.producer(0) == Opcode::Broadcast
                  ? broadcast_to(r.producer_operand(0, 0), r.type().shape).value
                  : Value{};
     }},
    {"broadcast(reshape(x)) => broadcast(x), where reshape only adds axes of extent 1 in front",
     [](Rewrite& r) {
       if (r.producer(0) != Opcode::Reshape)
         return Value{};
       Expr x = r.producer_operand(0, 0);
       Shape inner = x.shape(), outer = r.operand(0).shape();
       int added = outer.rank() - inner.rank();
       if (added < 0)
         return Value{};
       for (int i = 0; i < outer.rank(); ++i)
         if (outer[i] != (i < added ? 1 : inner[i - added]))
           return Value{};
       return broadcast_to(x, r.type().shape).value;
     }},
};
constexpr SimplifyRule reshape_rules[] = {
    {"reshape to the same shape => x", same_type},
    {"reshape(reshape(x)) => reshape(x)",
     [](Rewrite& r) {
       return r.producer(0) == Opcode::Reshape
                  ? reshape(r.producer_operand(0, 0), r.type().shape).value
                  : Value{};
     }},
    {"reshape(broadcast(one element)) => broadcast(one element)", movement::of_one_element},
};
constexpr SimplifyRule transpose_rules[] = {
    {"transpose by the identity => x",
     [](Rewrite& r) {
       return is_identity(r.attributes().integers(Attr::permutation)) ? r.operand(0).value
                                                                      : Value{};
     }},
    {"transpose(transpose(x)) => transpose(x)",
     [](Rewrite& r) {
       if (r.producer(0) != Opcode::Transpose)
         return Value{};
       const std::vector<int64_t>& outer = r.attributes().integers(Attr::permutation);
       std::vector<int64_t> inner =
           r.builder().graph().attributes(r.operand(0).value.node).integers(Attr::permutation);
       std::vector<int64_t> both;
       for (int64_t axis : outer)
         both.push_back(inner[axis]);
       Expr x = r.producer_operand(0, 0);
       return is_identity(both) ? x.value : transpose(x, both).value;
     }},
    {"transpose(broadcast(one element)) => broadcast(one element)", movement::of_one_element},
    {"transpose that moves only axes of extent 1 => reshape",
     [](Rewrite& r) {
       Shape from = r.operand(0).shape();
       int64_t last = -1;
       for (int64_t axis : r.attributes().integers(Attr::permutation)) {
         if (from[static_cast<int>(axis)] == 1)
           continue;
         if (axis < last)
           return Value{};
         last = axis;
       }
       return reshape(r.operand(0), r.type().shape).value;
     }},
};
constexpr SimplifyRule reverse_rules[] = {
    {"reverse along axes of extent 1 or none => x",
     [](Rewrite& r) {
       for (int64_t axis : r.attributes().integers(Attr::axes))
         if (r.type().shape[static_cast<int>(axis)] > 1)
           return Value{};
       return r.operand(0).value;
     }},
    {"reverse(reverse(x)) along the same axes => x",
     [](Rewrite& r) {
       bool same = r.producer(0) == Opcode::Reverse &&
                   r.builder().graph().attributes(r.operand(0).value.node) == r.attributes();
       return same ? r.producer_operand(0, 0).value : Value{};
     }},
    {"reverse(broadcast(one element)) => broadcast(one element)", movement::of_one_element},
};

} // namespace

constinit const OpBlock blocks::Broadcast = {
    .summary = "repeats along axes of extent 1 and new leading axes",
    .formula = "NumPy's rule: counted from the last axis, extents are equal or 1",
    .attributes = shape_attributes,
    .infer = infer_broadcast,
    .vjp = [](Vjp& v) { v.add(0, sum_to(v.g(), v.operand(0).shape())); },
    .accesses =
        [](std::span<const TensorType> operands, const TensorType& result, const Attributes&) {
          const Shape& from = operands[0].shape;
          IndexMap map;
          for (int i = 0; i < from.rank(); ++i)
            map.axes.push_back(movement::axis(
                result.shape.rank(), i + result.shape.rank() - from.rank(), from[i] == 1 ? 0 : 1));
          return Accesses{{}, {map}, 0};
        },
    .reference_tensor =
        [](std::span<const ReferenceTensor> operands, const TensorType& result, const Attributes&) {
          const Shape& from = operands[0].type.shape;
          std::vector<double> values;
          for (int64_t i = 0; i < result.elements(); ++i) {
            reference::Indices at = unravel(i, result.shape);
            at.erase(at.begin(), at.end() - from.rank());
            for (int axis = 0; axis < from.rank(); ++axis)
              at[axis] %= from[axis];
            values.push_back(operands[0].values[ravel(at, from)]);
          }
          return values;
        },
    .simplifications = broadcast_rules,
};

constinit const OpBlock blocks::Reshape = {
    .summary = "the same elements in row-major order under another shape",
    .formula = "result[position] = x[position]",
    .attributes = shape_attributes,
    .infer = infer_reshape,
    .vjp = [](Vjp& v) { v.add(0, reshape(v.g(), v.operand(0).shape())); },
    .accesses =
        [](std::span<const TensorType>, const TensorType&, const Attributes&) {
          IndexMap map;
          map.linear = true;
          return Accesses{{}, {map}, 0};
        },
    .reference_tensor = [](std::span<const ReferenceTensor> operands, const TensorType&,
                           const Attributes&) { return operands[0].values; },
    .simplifications = reshape_rules,
};

constinit const OpBlock blocks::Transpose = {
    .summary = "permutes the axes",
    .formula = "axis i of the result is axis permutation[i] of x",
    .attributes = permutation_attributes,
    .infer = infer_transpose,
    .vjp =
        [](Vjp& v) {
          v.add(0, transpose(v.g(), inverse_of(v.attributes().integers(Attr::permutation))));
        },
    .accesses =
        [](std::span<const TensorType>, const TensorType& result, const Attributes& attributes) {
          IndexMap map;
          for (int64_t axis : inverse_of(attributes.integers(Attr::permutation)))
            map.axes.push_back(movement::axis(result.shape.rank(), static_cast<int>(axis), 1));
          return Accesses{{}, {map}, 0};
        },
    .reference_tensor =
        [](std::span<const ReferenceTensor> operands, const TensorType& result,
           const Attributes& attributes) {
          const Shape& from = operands[0].type.shape;
          std::vector<double> values(operands[0].values.size());
          for (int64_t i = 0; i < from.elements(); ++i) {
            reference::Indices at = unravel(i, from), to;
            for (int64_t axis : attributes.integers(Attr::permutation))
              to.push_back(at[axis]);
            values[ravel(to, result.shape)] = operands[0].values[i];
          }
          return values;
        },
    .simplifications = transpose_rules,
};

constinit const OpBlock blocks::Reverse = {
    .summary = "the elements along axes in reverse order",
    .formula = "result[.., i, ..] = x[.., n - 1 - i, ..]",
    .attributes = axes_attributes,
    .infer = infer_reverse,
    .vjp = [](Vjp& v) { v.add(0, apply(Opcode::Reverse, v.g(), v.attributes())); },
    .accesses =
        [](std::span<const TensorType>, const TensorType& result, const Attributes& attributes) {
          const int rank = result.shape.rank();
          IndexMap map;
          for (int i = 0; i < rank; ++i)
            map.axes.push_back(movement::axis(rank, i, 1));
          for (int64_t axis : attributes.integers(Attr::axes)) {
            int i = static_cast<int>(axis);
            map.axes[i] = movement::axis(rank, i, -1, result.shape[i] - 1);
          }
          return Accesses{{}, {map}, 0};
        },
    .reference_tensor =
        [](std::span<const ReferenceTensor> operands, const TensorType& result,
           const Attributes& attributes) {
          std::vector<double> values(operands[0].values.size());
          for (int64_t i = 0; i < result.elements(); ++i) {
            reference::Indices at = unravel(i, result.shape);
            for (int64_t axis : attributes.integers(Attr::axes))
              at[axis] = result.shape[static_cast<int>(axis)] - 1 - at[axis];
            values[ravel(at, result.shape)] = operands[0].values[i];
          }
          return values;
        },
    .simplifications = reverse_rules,
};

} // namespace gdjit
