// Element types of tensors.
#pragma once

#include <cstdint>
#include <string_view>

namespace gdjit {

/// A bool is stored as one byte, 0 or 1.
enum class DType : uint8_t { f32, f64, i32, i64, boolean };

inline constexpr int dtype_count = 5;

/// Bytes of one element in memory.
constexpr int64_t byte_size(DType t) {
  return t == DType::boolean ? 1 : t == DType::f32 || t == DType::i32 ? 4 : 8;
}
constexpr bool is_float(DType t) { return t == DType::f32 || t == DType::f64; }
constexpr bool is_integer(DType t) { return t == DType::i32 || t == DType::i64; }

/// "f32", "f64", "i32", "i64", "bool".
constexpr std::string_view name(DType t) {
  constexpr std::string_view names[] = {"f32", "f64", "i32", "i64", "bool"};
  return names[static_cast<int>(t)];
}

/// The DType of a C++ element type: float, double, int32_t, int64_t, bool.
template <class T> struct DTypeOf;
template <> struct DTypeOf<float> {
  static constexpr DType value = DType::f32;
};
template <> struct DTypeOf<double> {
  static constexpr DType value = DType::f64;
};
template <> struct DTypeOf<int32_t> {
  static constexpr DType value = DType::i32;
};
template <> struct DTypeOf<int64_t> {
  static constexpr DType value = DType::i64;
};
template <> struct DTypeOf<bool> {
  static constexpr DType value = DType::boolean;
};

} // namespace gdjit
