// SmallVector: a vector of plain values, the first N of which lie in the object itself.
//
// Statements of Loop IR have a few operands and indices of a few terms each; a thousand layers have
// a hundred thousand of them, which are copied from pass to pass. Where they lie in the statement,
// copying asks for no memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <type_traits>

namespace gdjit {

template <class T, uint32_t N> class SmallVector {
  static_assert(std::is_trivially_copyable_v<T>);

public:
  using value_type = T;
  using iterator = T*;
  using const_iterator = const T*;

  SmallVector() = default;
  SmallVector(std::initializer_list<T> values) { assign(values.begin(), values.end()); }
  template <class Iterator> SmallVector(Iterator first, Iterator last) { assign(first, last); }
  SmallVector(const SmallVector& other) { assign(other.begin(), other.end()); }
  SmallVector(SmallVector&& other) noexcept { take(other); }
  SmallVector& operator=(const SmallVector& other) {
    if (this != &other)
      assign(other.begin(), other.end());
    return *this;
  }
  SmallVector& operator=(SmallVector&& other) noexcept {
    if (this != &other)
      take(other);
    return *this;
  }
  ~SmallVector() = default;

  T* begin() { return more_ ? more_.get() : few_; }
  T* end() { return begin() + size_; }
  const T* begin() const { return more_ ? more_.get() : few_; }
  const T* end() const { return begin() + size_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& operator[](size_t i) { return begin()[i]; }
  const T& operator[](size_t i) const { return begin()[i]; }
  T& back() { return end()[-1]; }
  const T& back() const { return end()[-1]; }

  void clear() { size_ = 0; }
  template <class Iterator> void assign(Iterator first, Iterator last) {
    size_ = 0;
    for (; first != last; ++first)
      push_back(*first);
  }
  void push_back(T value) {
    if (size_ == capacity_)
      grow();
    begin()[size_++] = value;
  }
  T* insert(const T* place, T value) {
    const size_t at = static_cast<size_t>(place - begin());
    push_back(value);
    std::rotate(begin() + at, end() - 1, end());
    return begin() + at;
  }
  T* erase(const T* place) {
    T* at = begin() + (place - begin());
    std::copy(at + 1, end(), at);
    --size_;
    return at;
  }

  friend bool operator==(const SmallVector& a, const SmallVector& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

private:
  void grow() {
    auto wider = std::make_unique<T[]>(size_t{2} * capacity_);
    std::copy(begin(), end(), wider.get());
    more_ = std::move(wider);
    capacity_ *= 2;
  }
  void take(SmallVector& other) {
    more_ = std::move(other.more_);
    std::copy_n(other.few_, N, few_);
    size_ = other.size_;
    capacity_ = other.capacity_;
    other.size_ = 0;
    other.capacity_ = N;
  }

  std::unique_ptr<T[]> more_; ///< in use once there is one
  uint32_t size_ = 0, capacity_ = N;
  T few_[N] = {};
};

} // namespace gdjit
