// Array: typed data on the host, row-major, aligned for vectors; a value, copied by copying.
#pragma once

#include "gdjit/IR/TensorType.h"

#include <cstddef>
#include <vector>

namespace gdjit {

class Array {
public:
  /// Alignment of data() in bytes: one cache line, one 512-bit vector.
  static constexpr size_t alignment = 64;

  /// Of type f32[0]: no element.
  Array() = default;
  /// All zero.
  explicit Array(TensorType type);
  /// `values` in row-major order, rounded once to the type; their number must equal
  /// type.elements().
  Array(TensorType type, const std::vector<double>& values);
  Array(const Array& other);
  Array(Array&& other) noexcept;
  Array& operator=(Array other) noexcept;
  ~Array();

  const TensorType& type() const { return type_; }
  int64_t elements() const { return type_.elements(); }
  void* bytes() { return data_; }
  const void* bytes() const { return data_; }
  /// Where element i (row-major) lies.
  const void* element(int64_t i) const {
    return static_cast<const char*>(data_) + i * byte_size(type_.dtype);
  }
  /// Elements as T, which must be the type's element (bool for boolean).
  template <class T> T* data() { return static_cast<T*>(data_); }
  template <class T> const T* data() const { return static_cast<const T*>(data_); }
  /// Element i (row-major) as double; i64 beyond 2^53 rounds.
  double at(int64_t i) const;
  /// Sets element i from a double by the rules of cast (integers saturate, NaN becomes 0).
  void set(int64_t i, double value);
  /// The same elements under another shape of as many elements.
  Array reshaped(Shape shape) const;

private:
  TensorType type_{DType::f32, Shape{0}};
  void* data_ = nullptr;
};

/// Equal types and bits, all NaNs being one value.
bool same_bits(const Array& a, const Array& b);
/// A hash that agrees with same_bits.
uint64_t hash(const Array& array);

} // namespace gdjit
