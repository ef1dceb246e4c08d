// Columns and places.
#include "Elements.h"

#include "gdjit/Support/Error.h"

#include <algorithm>

namespace gdjit::interp {

namespace {

/// Calls f with the unsigned type as wide as an element: Bits hold elements zero-extended.
template <class F> void as_wide_as(DType type, F&& f) {
  switch (byte_size(type)) {
  case 1:
    return f(uint8_t{});
  case 4:
    return f(uint32_t{});
  default:
    return f(uint64_t{});
  }
}

} // namespace

void load(const Array& array, int64_t first, std::span<Bits> out) {
  as_wide_as(array.type().dtype, [&](auto word) {
    auto* from = static_cast<const decltype(word)*>(array.bytes()) + first;
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = from[i];
  });
}

void gather(const Array& array, std::span<const int64_t> at, Bits fill, std::span<Bits> out) {
  as_wide_as(array.type().dtype, [&](auto word) {
    auto* from = static_cast<const decltype(word)*>(array.bytes());
    for (size_t i = 0; i < out.size(); ++i) {
      GDJIT_CHECK(at[i] < array.elements());
      out[i] = at[i] < 0 ? fill : from[at[i]];
    }
  });
}

void store(Array& array, int64_t first, std::span<const Bits> in) {
  as_wide_as(array.type().dtype, [&](auto word) {
    auto* to = static_cast<decltype(word)*>(array.bytes()) + first;
    for (size_t i = 0; i < in.size(); ++i)
      to[i] = static_cast<decltype(word)>(in[i]);
  });
}

Places::Places(const IndexMap& map, const Shape& operand, const Shape& result, const Shape& reduced)
    : result_(result), reduced_(reduced), linear_(map.linear) {
  if (linear_)
    return;
  Sum position;
  position.factors.assign(result.rank() + reduced.rank(), 0);
  int64_t stride = 1;
  for (int i = operand.rank() - 1; i >= 0; --i) {
    const AxisMap& axis = map.axes[i];
    position.offset += stride * axis.offset;
    for (size_t k = 0; k < axis.factors.size(); ++k)
      position.factors[k] += stride * axis.factors[k];
    stride *= operand[i];
  }
  sums_.push_back(std::move(position));
  for (int i = 0; i < operand.rank(); ++i)
    if (map.axes[i].guarded)
      sums_.push_back({map.axes[i].factors, map.axes[i].offset, operand[i]});
}

/// What the indices of `position` in `shape` contribute, by the factors from `first_axis` on.
int64_t Places::part(const Sum& sum, int64_t position, const Shape& shape, int first_axis) const {
  int64_t total = 0;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    total += sum.factors[first_axis + i] * (position % shape[i]);
    position /= shape[i];
  }
  return total;
}

void Places::move_to(int64_t first, int64_t count) {
  at_.resize(count);
  if (linear_) {
    for (int64_t i = 0; i < count; ++i)
      at_[i] = first + i;
    return;
  }
  parts_.resize(sums_.size());
  const int last = result_.rank() - 1;
  const int64_t row = last < 0 ? 1 : result_[last];
  auto step_of = [&](const Sum& sum) { return last < 0 ? 0 : sum.factors[last]; };
  for (size_t s = 0; s < sums_.size(); ++s) {
    parts_[s].resize(count);
    for (int64_t i = 0; i < count;) { // along the last axis there is one step from each to the next
      const int64_t start = sums_[s].offset + part(sums_[s], first + i, result_, 0);
      const int64_t end = std::min(count, i + row - (first + i) % row);
      for (int64_t k = 0; i < end; ++i, ++k)
        parts_[s][i] = start + k * step_of(sums_[s]);
    }
  }
}

std::span<const int64_t> Places::at(int64_t term) {
  if (linear_)
    return at_;
  const int64_t own = part(sums_[0], term, reduced_, result_.rank());
  for (size_t i = 0; i < at_.size(); ++i)
    at_[i] = parts_[0][i] + own;
  for (size_t s = 1; s < sums_.size(); ++s) {
    const int64_t coordinate = part(sums_[s], term, reduced_, result_.rank());
    for (size_t i = 0; i < at_.size(); ++i) {
      const int64_t c = parts_[s][i] + coordinate;
      if (c < 0 || c >= sums_[s].extent)
        at_[i] = -1;
    }
  }
  return at_;
}

} // namespace gdjit::interp
