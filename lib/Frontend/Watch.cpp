// watch: a value of any size as a handful of figures.
#include "Declaration.h"

#include <fmt/format.h>

#include <limits>

namespace gdjit {

void Model::watch(const std::string& name, const Tensor& value, Place at) {
  Declaration& d = own("watch", value, at);
  if (value.type().elements() == 0)
    d.fail(fmt::format("watch '{}': the value has no element", name), at,
           {d.note("value", value.value())});
  Array extents({DType::i64, {value.rank()}});
  for (int i = 0; i < value.rank(); ++i)
    extents.data<int64_t>()[i] = value.shape()[i];
  d.builder.set_origin(d.origin(at));
  Tensor shape = d.tensor(d.builder.constant(std::move(extents)));
  DType type = is_float(value.dtype()) ? value.dtype() : d.dtype;
  Tensor x = value.dtype() == DType::boolean ? cast(value, type, at) : value;
  Tensor real = cast(x, type, at);
  // |NaN| < inf is false too.
  Tensor finite = lt(abs(real, at), std::numeric_limits<double>::infinity(), at);
  output(name + "/shape", shape, at);
  output(name + "/min", min(x, {}, false, at), at);
  output(name + "/mean", mean(real, {}, false, at), at);
  output(name + "/max", max(x, {}, false, at), at);
  output(name + "/nonfinite", sum(logical_not(finite, at), {}, false, at), at);
}

} // namespace gdjit
