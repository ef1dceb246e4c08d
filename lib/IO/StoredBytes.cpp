// One NaN in files: 7fc00000 and 7ff8000000000000.
#include "StoredBytes.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

namespace gdjit {

namespace {

template <class T> bool plain(T value) {
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  return !std::isnan(value) || std::bit_cast<Bits>(value) == std::bit_cast<Bits>(nan);
}

template <class T> std::string_view stored(const TensorView& array, std::string& scratch) {
  std::string_view bytes(static_cast<const char*>(array.data),
                         static_cast<size_t>(array.type.bytes()));
  auto element = [&](size_t at) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
  };
  size_t at = 0;
  while (at < bytes.size() && plain(element(at)))
    at += sizeof(T);
  if (at == bytes.size())
    return bytes;
  scratch.assign(bytes);
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  for (; at < bytes.size(); at += sizeof(T))
    if (std::isnan(element(at)))
      std::memcpy(scratch.data() + at, &nan, sizeof nan);
  return scratch;
}

} // namespace

std::string_view stored_bytes(const TensorView& array, std::string& scratch) {
  if (array.type.bytes() == 0)
    return {};
  if (array.type.dtype == DType::f32)
    return stored<float>(array, scratch);
  if (array.type.dtype == DType::f64)
    return stored<double>(array, scratch);
  return {static_cast<const char*>(array.data), static_cast<size_t>(array.type.bytes())};
}

} // namespace gdjit
