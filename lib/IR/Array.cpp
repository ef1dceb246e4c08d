// Host data.
#include "gdjit/IR/Array.h"

#include "gdjit/IR/Element.h"

#include "gdjit/Support/AlignedMemory.h"
#include "gdjit/Support/Error.h"
#include "gdjit/Support/Hash.h"

#include <cstdlib>
#include <cstring>
#include <utility>

namespace gdjit {

namespace {

void* allocate(const TensorType& type) {
  void* p = aligned_memory(type.bytes(), Array::alignment);
  if (p == nullptr)
    fail_memory("an array " + to_string(type), type.bytes());
  return p;
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
  other.type_ = Array().type_;
}

Array& Array::operator=(Array other) noexcept {
  std::swap(type_, other.type_);
  std::swap(data_, other.data_);
  return *this;
}

Array::~Array() { std::free(data_); }

double Array::at(int64_t i) const {
  return to_double(type_.dtype, load_bits(type_.dtype, element(i)));
}

void Array::set(int64_t i, double value) {
  store_bits(type_.dtype, const_cast<void*>(element(i)), to_bits(type_.dtype, value));
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
  DType type = a.type().dtype;
  for (int64_t i = 0; i < a.elements(); ++i)
    if (!same_bits(type, load_bits(type, a.element(i)), load_bits(type, b.element(i))))
      return false;
  return true;
}

uint64_t hash(const Array& array) {
  DType type = array.type().dtype;
  auto h = static_cast<uint64_t>(type);
  for (int64_t e : array.type().shape)
    h = combine(h, static_cast<uint64_t>(e));
  for (int64_t i = 0; i < array.elements(); ++i)
    h = combine(h, canonical(type, load_bits(type, array.element(i))));
  return h;
}

} // namespace gdjit
