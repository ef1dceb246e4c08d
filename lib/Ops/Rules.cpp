// Type rules that ops share.
#include "Rules.h"

#include <fmt/format.h>

#include <algorithm>

namespace gdjit::rules {

namespace {

std::string list(TypeSet allowed) {
  std::vector<std::string_view> names;
  for (int i = 0; i < dtype_count; ++i)
    if (allowed & only(static_cast<DType>(i)))
      names.push_back(name(static_cast<DType>(i)));
  std::string text;
  for (size_t i = 0; i < names.size(); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : i + 1 == names.size() ? " or " : ", ", names[i]);
  return text;
}

int64_t normalize(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank)
    fail(fmt::format("axis {} is out of range for rank {}", axis, rank),
         rank == 0 ? "a tensor of rank 0 has no axes"
                   : fmt::format("axes are {} to {}", -rank, rank - 1));
  return axis < 0 ? axis + rank : axis;
}

} // namespace

void fail(std::string message, std::string remedy) {
  throw TypeMismatch{std::move(message), std::move(remedy)};
}

void require(const TypeRequest& request, int operand, TypeSet allowed) {
  DType type = request.operands[operand].dtype;
  if (!(allowed & only(type)))
    fail(fmt::format("takes {}, not {}", list(allowed), name(type)),
         fmt::format("convert with cast to {}", list(allowed)));
}

TensorType equal_types(const TypeRequest& request, TypeSet allowed, int first) {
  const TensorType& type = request.operands[first];
  for (size_t i = first + 1; i < request.operands.size(); ++i) {
    const TensorType& other = request.operands[i];
    if (other.dtype != type.dtype)
      fail(fmt::format("element types differ, {} and {}", name(type.dtype), name(other.dtype)),
           "convert one operand with cast");
    if (other.shape != type.shape)
      fail(fmt::format("shapes differ, {} and {}", to_string(type.shape), to_string(other.shape)),
           "broadcast or reshape one operand");
  }
  require(request, first, allowed);
  return type;
}

TensorType float_pointwise(const TypeRequest& request) { return equal_types(request, floats); }
TensorType number_pointwise(const TypeRequest& request) { return equal_types(request, numbers); }
TensorType bool_pointwise(const TypeRequest& request) { return equal_types(request, booleans); }
TensorType any_pointwise(const TypeRequest& request) { return equal_types(request, any_type); }
TensorType comparison(const TypeRequest& request) {
  return {DType::boolean, equal_types(request, any_type).shape};
}

void need(const TypeRequest& request, Attr attr) {
  if (!request.attributes.has(attr))
    fail(fmt::format("attribute '{}' is missing", name(attr)), std::string(summary(attr)));
}

int normalize_axis(const TypeRequest& request, int rank) {
  need(request, Attr::axis);
  const int64_t given = request.attributes.integer(Attr::axis), axis = normalize(given, rank);
  if (axis != given) // else the attributes stay shared
    request.attributes.integer(Attr::axis, axis);
  return static_cast<int>(axis);
}

void normalize_axes(const TypeRequest& request, int rank) {
  std::vector<int64_t> axes;
  if (request.attributes.has(Attr::axes)) {
    axes = request.attributes.integers(Attr::axes);
    for (int64_t& axis : axes)
      axis = normalize(axis, rank);
    std::sort(axes.begin(), axes.end());
    auto twice = std::adjacent_find(axes.begin(), axes.end());
    if (twice != axes.end())
      fail(fmt::format("axis {} is given twice", *twice), "name each axis once");
  } else {
    for (int i = 0; i < rank; ++i)
      axes.push_back(i);
  }
  if (!request.attributes.has(Attr::axes) || request.attributes.integers(Attr::axes) != axes)
    request.attributes.integers(Attr::axes, std::move(axes));
}

void complete_keepdims(const TypeRequest& request) {
  if (!request.attributes.has(Attr::keepdims))
    request.attributes.boolean(Attr::keepdims, false);
}

const std::vector<int64_t>& per_axis(const TypeRequest& request, Attr attr, int rank) {
  need(request, attr);
  const std::vector<int64_t>& values = request.attributes.integers(attr);
  if (values.size() != static_cast<size_t>(rank))
    fail(fmt::format("'{}' has {} entries for rank {}", name(attr), values.size(), rank),
         "give one entry per axis");
  return values;
}

Shape shape_attribute(const TypeRequest& request) {
  need(request, Attr::shape);
  const std::vector<int64_t>& extents = request.attributes.integers(Attr::shape);
  if (std::string problem = shape_problem(extents.data(), extents.size()); !problem.empty())
    fail(problem, "give at most 8 extents, none negative");
  return to_shape(extents);
}

void complete_order(const TypeRequest& request, DType type, const ReductionOrder& chosen) {
  if (!request.attributes.has(Attr::order)) {
    request.attributes.order(Attr::order, chosen);
    return;
  }
  constexpr int32_t most_partials = 4096;
  ReductionOrder order = request.attributes.order(Attr::order);
  bool fits = is_float(type) == is_float(order.accumulator) &&
              byte_size(order.accumulator) >= byte_size(type) &&
              order.accumulator != DType::boolean;
  if (!fits)
    fail(fmt::format("accumulator {} does not hold {}", name(order.accumulator), name(type)),
         "take the type of the result or a wider one");
  bool power = order.partials >= 1 && (order.partials & (order.partials - 1)) == 0;
  if (!power || order.partials > most_partials)
    fail(fmt::format("{} partial sums", order.partials), "take a power of two up to 4096");
  if (order.block < 0 || order.block % order.partials != 0)
    fail(fmt::format("blocks of {} with {} partial sums", order.block, order.partials),
         "take a multiple of the partial sums");
}

Shape reduced_shape(const Shape& shape, std::span<const int64_t> axes, bool keepdims) {
  Shape result;
  for (int i = 0; i < shape.rank(); ++i) {
    bool reduced = std::find(axes.begin(), axes.end(), i) != axes.end();
    if (!reduced)
      result.push_back(shape[i]);
    else if (keepdims)
      result.push_back(1);
  }
  return result;
}

} // namespace gdjit::rules
