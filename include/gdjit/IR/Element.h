// One element of any type by its bits: read, written, converted, compared. What lib/IR/README.md
// says of elements stands here once.
#pragma once

#include "gdjit/IR/DType.h"

#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

namespace gdjit {

class Array;

/// An element by its bits: f32 and i32 in the low 32, bool 0 or 1. Upper bits are zero.
using Bits = uint64_t;

inline Bits load_bits(DType type, const void* element) { // sizes known, so that each is one load
  Bits bits = 0;
  if (byte_size(type) == 4)
    std::memcpy(&bits, element, 4);
  else if (byte_size(type) == 8)
    std::memcpy(&bits, element, 8);
  else
    std::memcpy(&bits, element, 1);
  return bits;
}
inline void store_bits(DType type, void* element, Bits bits) {
  std::memcpy(element, &bits, static_cast<size_t>(byte_size(type)));
}

Bits to_bits(DType type, double value);  ///< by the rules of cast from f64
double to_double(DType type, Bits bits); ///< i64 beyond 2^53 rounds

/// The bits that stand for the value: those of one NaN for all.
constexpr Bits canonical(DType type, Bits bits) {
  if (type == DType::f32 && (bits & 0x7fffffff) > 0x7f800000)
    return 0x7fc00000;
  if (type == DType::f64 && (bits & ~(Bits{1} << 63)) > 0x7ff0000000000000)
    return 0x7ff8000000000000;
  return bits;
}
/// Equal bits, all NaNs being one value.
constexpr bool same_bits(DType type, Bits a, Bits b) {
  return canonical(type, a) == canonical(type, b);
}

/// True where there are elements and all are one value; `bits` is the first.
bool uniform_element(const Array& array, Bits& bits);

/// The rules of cast between elements of C++ types.
template <class To, class From> To convert_element(From a) {
  if constexpr (std::is_same_v<To, bool>) {
    return a == a && a != From(0);
  } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
    constexpr double behind = sizeof(To) == 4 ? 0x1p31 : 0x1p63;
    double value = a;
    if (value != value)
      return 0;
    if (value >= behind)
      return std::numeric_limits<To>::max();
    return value < -behind ? std::numeric_limits<To>::min() : static_cast<To>(value);
  } else if constexpr (std::is_same_v<To, int32_t> && std::is_same_v<From, int64_t>) {
    if (a > std::numeric_limits<int32_t>::max())
      return std::numeric_limits<int32_t>::max();
    return a < std::numeric_limits<int32_t>::min() ? std::numeric_limits<int32_t>::min()
                                                   : static_cast<int32_t>(a);
  } else {
    return static_cast<To>(a);
  }
}

} // namespace gdjit
