// Copying rows that do not lie side by side.
#pragma once

#include "gdjit/Data/Dataset.h"

#include <cstring>
#include <type_traits>

namespace gdjit {

/// Bytes of one row of an input whose batch is the first axis.
inline int64_t row_bytes(const InputRows& input) {
  return input.array.type.bytes() / input.array.type.shape[0];
}

/// Rows of `bytes` each; a constant makes a copy of short ones a load and a store.
template <class Bytes>
void gather(const char* from, std::span<const int64_t> rows, Bytes bytes, char* to) {
  for (int64_t row : rows) {
    std::memcpy(to, from + row * bytes, static_cast<size_t>(bytes));
    to += bytes;
  }
}

/// These rows of an input, one behind the other, to `out`.
inline void gather(const InputRows& input, std::span<const int64_t> rows, void* out) {
  const auto* from = static_cast<const char*>(input.array.data);
  auto* to = static_cast<char*>(out);
  switch (int64_t bytes = row_bytes(input)) {
  case 4:
    return gather(from, rows, std::integral_constant<int64_t, 4>(), to);
  case 8:
    return gather(from, rows, std::integral_constant<int64_t, 8>(), to);
  case 16:
    return gather(from, rows, std::integral_constant<int64_t, 16>(), to);
  default:
    return gather(from, rows, bytes, to);
  }
}

} // namespace gdjit
