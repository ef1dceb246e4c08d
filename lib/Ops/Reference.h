// What the independent references share: positions of elements, found by plain division, without
// index maps.
#pragma once

#include "gdjit/Ops/Op.h"

namespace gdjit::reference {

using Indices = std::vector<int64_t>;

/// The indices of the element at a row-major position.
inline Indices unravel(int64_t position, const Shape& shape) {
  Indices at(shape.rank());
  for (int i = shape.rank() - 1; i >= 0; --i) {
    at[i] = position % shape[i];
    position /= shape[i];
  }
  return at;
}

/// The row-major position of indices.
inline int64_t ravel(const Indices& at, const Shape& shape) {
  int64_t position = 0;
  for (int i = 0; i < shape.rank(); ++i)
    position = position * shape[i] + at[i];
  return position;
}

} // namespace gdjit::reference
