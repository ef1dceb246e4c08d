// Functions that move elements: reshape, transpose, slice, pad, concat and what is made of them.
#include "gdjit/Frontend/Functions.h"

#include "Declaration.h"

#include <fmt/format.h>

#include <numeric>

namespace gdjit {

namespace {

/// An axis counted from 0; `count` axes exist.
int normal_axis(const Declaration& d, std::string_view what, int64_t axis, int count,
                const Tensor& x, Place at) {
  if (axis < -count || axis >= count)
    d.fail(fmt::format("{}: axis {} is out of range", what, axis), at,
           {d.note("operand", x.value())});
  return static_cast<int>(axis < 0 ? axis + count : axis);
}

std::vector<const Tensor*> pointers(const std::vector<Tensor>& parts) {
  std::vector<const Tensor*> all;
  all.reserve(parts.size());
  for (const Tensor& part : parts)
    all.push_back(&part);
  return all;
}

} // namespace

Tensor reshape(const Tensor& x, const Extents& extents, Place at) {
  Declaration& d = common_declaration("reshape", {&x}, at);
  Extents asked = extents;
  std::vector<int64_t>& shape = asked.values;
  int64_t open = -1;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] != -1)
      continue;
    if (open >= 0)
      d.fail("reshape: two extents are -1; one at most is left to be found", at,
             {d.note("operand", x.value())});
    open = static_cast<int64_t>(i);
    shape[i] = 1;
  }
  int64_t known = to_shape(asked, "reshape", at).elements();
  if (open >= 0) {
    int64_t elements = x.type().elements();
    if (known == 0 || elements % known != 0)
      d.fail(
          fmt::format("reshape: no extent in place of -1 makes {} elements of {}; choose extents "
                      "whose product divides {}",
                      elements, to_string(x.shape()), elements),
          at, {d.note("operand", x.value())});
    shape[static_cast<size_t>(open)] = elements / known;
  }
  if (x.shape() == to_shape(shape))
    return x;
  return apply_one(Opcode::Reshape, x, Attributes().integers(Attr::shape, std::move(shape)), at);
}

Tensor flatten(const Tensor& x, Place at) { return reshape(x, {-1}, at); }

Tensor transpose(const Tensor& x, Place at) {
  Declaration& d = common_declaration("transpose", {&x}, at);
  int rank = x.rank();
  if (rank < 2)
    d.fail("transpose: fewer than two axes", at, {d.note("operand", x.value())});
  std::vector<int64_t> permutation(static_cast<size_t>(rank));
  std::iota(permutation.begin(), permutation.end(), 0);
  std::swap(permutation[rank - 2], permutation[rank - 1]);
  return apply_one(Opcode::Transpose, x,
                   Attributes().integers(Attr::permutation, std::move(permutation)), at);
}

Tensor transpose(const Tensor& x, const Axes& permutation, Place at) {
  Declaration& d = common_declaration("transpose", {&x}, at);
  std::vector<int64_t> axes;
  axes.reserve(permutation.values.size());
  for (int64_t axis : permutation.values)
    axes.push_back(normal_axis(d, "transpose", axis, x.rank(), x, at));
  return apply_one(Opcode::Transpose, x, Attributes().integers(Attr::permutation, std::move(axes)),
                   at);
}

Tensor broadcast_to(const Tensor& x, const Extents& extents, Place at) {
  Declaration& d = common_declaration("broadcast_to", {&x}, at);
  Shape shape = to_shape(extents, "broadcast_to", at);
  return d.tensor(d.broadcast(x.value(), shape, at));
}

Tensor expand_dims(const Tensor& x, int axis, Place at) {
  Declaration& d = common_declaration("expand_dims", {&x}, at);
  int place = normal_axis(d, "expand_dims", axis, x.rank() + 1, x, at);
  Extents shape = x.shape();
  shape.values.insert(shape.values.begin() + place, 1);
  return reshape(x, shape, at);
}

Tensor squeeze(const Tensor& x, const Axes& axes, Place at) {
  Declaration& d = common_declaration("squeeze", {&x}, at);
  std::vector<bool> leave(static_cast<size_t>(x.rank()), axes.values.empty());
  for (int64_t axis : axes.values) {
    int i = normal_axis(d, "squeeze", axis, x.rank(), x, at);
    if (x.shape()[i] != 1)
      d.fail(fmt::format("squeeze: axis {} has extent {}", axis, x.shape()[i]), at,
             {d.note("operand", x.value())});
    leave[static_cast<size_t>(i)] = true;
  }
  Extents shape;
  for (int i = 0; i < x.rank(); ++i)
    if (!leave[static_cast<size_t>(i)] || x.shape()[i] != 1)
      shape.values.push_back(x.shape()[i]);
  return reshape(x, shape, at);
}

Tensor slice(const Tensor& x, int axis, int64_t start, int64_t limit, int64_t step, Place at) {
  Declaration& d = common_declaration("slice", {&x}, at);
  int along = normal_axis(d, "slice", axis, x.rank(), x, at);
  std::vector<int64_t> starts(static_cast<size_t>(x.rank()), 0), limits, steps(starts.size(), 1);
  for (int64_t e : x.shape())
    limits.push_back(e);
  int64_t extent = x.shape()[along];
  auto i = static_cast<size_t>(along);
  starts[i] = start < 0 ? start + extent : start;
  limits[i] = limit < 0 ? limit + extent : limit;
  steps[i] = step;
  return apply_one(Opcode::Slice, x,
                   Attributes()
                       .integers(Attr::start, std::move(starts))
                       .integers(Attr::limit, std::move(limits))
                       .integers(Attr::step, std::move(steps)),
                   at);
}

Tensor pad(const Tensor& x, const Axes& low, const Axes& high, double value, Place at) {
  return apply_one(Opcode::Pad, x,
                   Attributes()
                       .integers(Attr::low, low.values)
                       .integers(Attr::high, high.values)
                       .real(Attr::fill, value),
                   at);
}

Tensor concat(const std::vector<Tensor>& parts, int axis, Place at) {
  if (parts.empty())
    throw Error(ErrorCode::graph, "concat: no operand; give one Tensor or more", location_of(at));
  Declaration& d = common_declaration("concat", pointers(parts), at);
  std::vector<Value> values;
  values.reserve(parts.size());
  for (const Tensor& part : parts)
    values.push_back(part.value());
  return d.tensor(d.append(Opcode::Concat, values, Attributes().integer(Attr::axis, axis), at));
}

Tensor stack(const std::vector<Tensor>& parts, int axis, Place at) {
  if (parts.empty())
    throw Error(ErrorCode::graph, "stack: no operand", location_of(at));
  Declaration& d = common_declaration("stack", pointers(parts), at);
  int along = normal_axis(d, "stack", axis, parts[0].rank() + 1, parts[0], at);
  std::vector<Tensor> expanded;
  for (const Tensor& part : parts) {
    if (part.shape() != parts[0].shape())
      d.fail("stack: operands differ in shape", at,
             {d.note("operand 1", parts[0].value()), d.note("another", part.value())});
    expanded.push_back(expand_dims(part, along, at));
  }
  return concat(expanded, along, at);
}

Tensor reverse(const Tensor& x, const Axes& axes, Place at) {
  common_declaration("reverse", {&x}, at);
  std::vector<int64_t> all = axes.values;
  for (int i = 0; all.size() < static_cast<size_t>(x.rank()) && axes.values.empty(); ++i)
    all.push_back(i);
  return apply_one(Opcode::Reverse, x, Attributes().integers(Attr::axes, std::move(all)), at);
}

} // namespace gdjit
