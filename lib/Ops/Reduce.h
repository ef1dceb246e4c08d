// What all reductions share: their accesses and the frame of their references.
#pragma once

#include "Reference.h"
#include "Rules.h"

#include <algorithm>

namespace gdjit::reduce {

/// Attr::axes, or the one Attr::axis.
inline std::vector<int64_t> reduced_axes(const Attributes& attributes) {
  if (attributes.has(Attr::axis))
    return {attributes.integer(Attr::axis)};
  return attributes.integers(Attr::axes);
}

/// Iteration axes: those of the result (kept ones with extent 1 included), then the reduced ones,
/// ascending.
inline Accesses accesses(std::span<const TensorType> operands, const TensorType& result,
                         const Attributes& attributes) {
  const Shape& shape = operands[0].shape;
  std::vector<int64_t> axes = reduced_axes(attributes);
  bool keepdims = attributes.boolean(Attr::keepdims);
  Accesses all;
  IndexMap map;
  size_t free = 0, reduced = static_cast<size_t>(result.shape.rank());
  for (int i = 0; i < shape.rank(); ++i) {
    AxisMap axis;
    axis.factors.assign(result.shape.rank() + axes.size(), 0);
    if (std::find(axes.begin(), axes.end(), i) != axes.end()) {
      all.reduced.push_back(shape[i]);
      axis.factors[reduced++] = 1;
      free += keepdims;
    } else {
      axis.factors[free++] = 1;
    }
    map.axes.push_back(std::move(axis));
  }
  all.operands.push_back(std::move(map));
  return all;
}

/// Collects the terms of each result element in row-major order and lets `combine` judge them.
template <double (*combine)(std::span<const double>)>
std::vector<double> reference(std::span<const ReferenceTensor> operands, const TensorType& result,
                              const Attributes& attributes) {
  const Shape& shape = operands[0].type.shape;
  std::vector<int64_t> axes = reduced_axes(attributes);
  std::vector<std::vector<double>> terms(result.elements());
  for (int64_t i = 0; i < shape.elements(); ++i) {
    reference::Indices at = reference::unravel(i, shape), to;
    for (int axis = 0; axis < shape.rank(); ++axis)
      if (std::find(axes.begin(), axes.end(), axis) == axes.end())
        to.push_back(at[axis]);
      else if (attributes.boolean(Attr::keepdims))
        to.push_back(0);
    terms[reference::ravel(to, result.shape)].push_back(operands[0].values[i]);
  }
  std::vector<double> values;
  for (const std::vector<double>& t : terms)
    values.push_back(combine(t));
  return values;
}

} // namespace gdjit::reduce
