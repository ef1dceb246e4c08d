// The position of the greatest and the least element along one axis.
#include "Reduce.h"

#include <cmath>

namespace gdjit {

using loop::ScalarOp;

namespace {

constexpr Attr arg_attributes[] = {Attr::axis, Attr::keepdims};
constexpr std::string_view reason = "the result is an integer, piecewise constant";

TensorType infer_position(const TypeRequest& request) {
  rules::require(request, 0, rules::numbers);
  const Shape& shape = request.operands[0].shape;
  int64_t axis = rules::normalize_axis(request, shape.rank());
  rules::complete_keepdims(request);
  TensorType result{DType::i64, rules::reduced_shape(shape, {&axis, 1},
                                                     request.attributes.boolean(Attr::keepdims))};
  if (shape[static_cast<int>(axis)] == 0 && result.elements() > 0)
    rules::fail("no elements to choose from", "an axis of extent 0 has no positions");
  return result;
}

template <int sign> double position(std::span<const double> terms) {
  size_t best = 0;
  for (size_t i = 0; i < terms.size() && !std::isnan(terms[best]); ++i)
    if (std::isnan(terms[i]) || sign * terms[i] > sign * terms[best])
      best = i;
  return static_cast<double>(best);
}

} // namespace

constinit const OpBlock blocks::Argmax = {
    .summary = "position of the greatest element along an axis",
    .formula = "the first i with x[i] = max x; the first NaN if there is one",
    .domain = "at least one element",
    .attributes = arg_attributes,
    .infer = infer_position,
    .not_differentiable = reason,
    .zero_gradient = true,
    .reducer = {.combine = ScalarOp::max, .of_index = true},
    .accesses = reduce::accesses,
    .reference_tensor = reduce::reference<position<1>>,
};

constinit const OpBlock blocks::Argmin = {
    .summary = "position of the least element along an axis",
    .formula = "the first i with x[i] = min x; the first NaN if there is one",
    .domain = "at least one element",
    .attributes = arg_attributes,
    .infer = infer_position,
    .not_differentiable = reason,
    .zero_gradient = true,
    .reducer = {.combine = ScalarOp::min, .of_index = true},
    .accesses = reduce::accesses,
    .reference_tensor = reduce::reference<position<-1>>,
};

} // namespace gdjit
