// Host data.
#include "gdjit/IR/Array.h"

#include "gdjit/Support/Error.h"
#include "gdjit/Support/Hash.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <utility>

namespace gdjit {

namespace {

void* allocate(const TensorType& type) {
  auto bytes = static_cast<size_t>(type.bytes());
  size_t rounded = (bytes + Array::alignment - 1) / Array::alignment * Array::alignment;
  void* p = std::aligned_alloc(Array::alignment, rounded ? rounded : Array::alignment);
  if (!p)
    fail_memory("an array " + to_string(type), type.bytes());
  return p;
}

template <class T> T saturate(double value) {
  if (std::isnan(value))
    return 0;
  if (value >= static_cast<double>(std::numeric_limits<T>::max()))
    return std::numeric_limits<T>::max();
  if (value <= static_cast<double>(std::numeric_limits<T>::min()))
    return std::numeric_limits<T>::min();
  return static_cast<T>(value);
}

/// Calls f with a typed pointer to the elements.
template <class F> auto typed(DType type, const void* data, F&& f) {
  switch (type) {
  case DType::f32:
    return f(static_cast<const float*>(data));
  case DType::f64:
    return f(static_cast<const double*>(data));
  case DType::i32:
    return f(static_cast<const int32_t*>(data));
  case DType::i64:
    return f(static_cast<const int64_t*>(data));
  case DType::boolean:
    break;
  }
  return f(static_cast<const bool*>(data));
}

/// The bits of an element with all NaNs made one.
template <class T> uint64_t bits_of(T value) {
  if constexpr (std::is_floating_point_v<T>)
    if (std::isnan(value))
      return 0x7fc00000;
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}

} // namespace

Array::Array(TensorType type) : type_(type), data_(allocate(type)) {
  std::memset(data_, 0, static_cast<size_t>(type_.bytes()));
}

Array::Array(TensorType type, const std::vector<double>& values) : Array(type) {
  GDJIT_CHECK(static_cast<int64_t>(values.size()) == type.elements());
  for (size_t i = 0; i < values.size(); ++i)
    set(static_cast<int64_t>(i), values[i]);
}

Array::Array(const Array& other) : type_(other.type_) {
  if (other.data_) {
    data_ = allocate(type_);
    std::memcpy(data_, other.data_, static_cast<size_t>(type_.bytes()));
  }
}

Array::Array(Array&& other) noexcept
    : type_(other.type_), data_(std::exchange(other.data_, nullptr)) {
  other.type_ = TensorType{DType::f32, Shape{0}};
}

Array& Array::operator=(Array other) noexcept {
  std::swap(type_, other.type_);
  std::swap(data_, other.data_);
  return *this;
}

Array::~Array() { std::free(data_); }

double Array::at(int64_t i) const {
  return typed(type_.dtype, data_, [i](const auto* p) { return static_cast<double>(p[i]); });
}

void Array::set(int64_t i, double value) {
  typed(type_.dtype, data_, [i, value](const auto* p) {
    using T = std::remove_const_t<std::remove_reference_t<decltype(*p)>>;
    T* out = const_cast<T*>(p) + i;
    if constexpr (std::is_same_v<T, bool>)
      *out = value != 0 && !std::isnan(value);
    else if constexpr (std::is_integral_v<T>)
      *out = saturate<T>(value);
    else
      *out = static_cast<T>(value);
  });
}

Array Array::reshaped(Shape shape) const {
  GDJIT_CHECK(shape.elements() == elements());
  Array copy = *this;
  copy.type_.shape = shape;
  return copy;
}

bool same_bits(const Array& a, const Array& b) {
  if (!(a.type() == b.type()))
    return false;
  return typed(a.type().dtype, a.bytes(), [&](const auto* p) {
    auto* q = static_cast<decltype(p)>(b.bytes());
    for (int64_t i = 0; i < a.elements(); ++i)
      if (bits_of(p[i]) != bits_of(q[i]))
        return false;
    return true;
  });
}

uint64_t hash(const Array& array) {
  uint64_t h = static_cast<uint64_t>(array.type().dtype);
  for (int64_t e : array.type().shape)
    h = combine(h, static_cast<uint64_t>(e));
  return typed(array.type().dtype, array.bytes(), [&](const auto* p) {
    for (int64_t i = 0; i < array.elements(); ++i)
      h = combine(h, bits_of(p[i]));
    return h;
  });
}

} // namespace gdjit
