// Copying rows that do not lie side by side.
#pragma once

#include "gdjit/Data/Dataset.h"

#include <cstring>

namespace gdjit {

/// Bytes of one row of an input whose batch is the first axis.
inline int64_t row_bytes(const InputRows& input) {
  return input.array.type.bytes() / input.array.type.shape[0];
}

/// These rows of an input, one behind the other, to `out`.
inline void gather(const InputRows& input, std::span<const int64_t> rows, void* out) {
  int64_t bytes = row_bytes(input);
  const auto* from = static_cast<const char*>(input.array.data);
  auto* to = static_cast<char*>(out);
  for (int64_t row : rows) {
    std::memcpy(to, from + row * bytes, static_cast<size_t>(bytes));
    to += bytes;
  }
}

} // namespace gdjit
