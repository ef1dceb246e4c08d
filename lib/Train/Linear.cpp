// The linear layer.
#include "gdjit/Train/Linear.h"

namespace gdjit {

namespace {

/// `given` with the shape that the layer needs, or the default.
Initial start_of(const Initial& given, Extent in, Extents shape) {
  if (!given.given)
    return fan_in_uniform(in, std::move(shape));
  Initial start = given;
  if (!start.has_shape) {
    start.shape = std::move(shape);
    start.has_shape = true;
  }
  return start;
}

/// Extents as they were given: they may be no shape.
std::string text(const Extents& extents) {
  std::string list;
  for (int64_t extent : extents.values)
    list += (list.empty() ? "" : ",") + std::to_string(extent);
  return "[" + list + "]";
}

void check_shape(const Initial& given, const Extents& shape, const std::string& name, Place at) {
  if (given.given && given.has_shape && given.shape.values != shape.values)
    throw Error(ErrorCode::graph,
                "Linear '" + name + "': the initial value has shape " + text(given.shape) +
                    ", the parameter " + text(shape),
                location_of(at), {{"leave the shape out: zeros()", {}}});
}

} // namespace

Linear::Linear(Model& m, const std::string& name, Extent in, Extent out,
               const LinearOptions& options, Place at)
    : w_(m.parameter(name + "/w", start_of(options.w, in, {in, out}), at)) {
  check_shape(options.w, {in, out}, name, at);
  check_shape(options.b, {out}, name, at);
  if (options.bias)
    b_.push_back(m.parameter(name + "/b", start_of(options.b, in, {out}), at));
}

Tensor Linear::operator()(const Tensor& x, Place at) const {
  Tensor product = matmul(x, w_, {}, at);
  return b_.empty() ? product : add(product, b_.front(), at);
}

const Parameter& Linear::b(Place at) const {
  if (b_.empty())
    throw Error(ErrorCode::graph, "Linear: this layer has no bias", location_of(at));
  return b_.front();
}

} // namespace gdjit
