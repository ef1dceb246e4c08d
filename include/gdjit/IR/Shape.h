// Shape: the extents of a tensor, at most max_rank of them, each at least 0.
#pragma once

#include "gdjit/Support/Error.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace gdjit {

class Shape {
public:
  static constexpr int max_rank = 8;

  constexpr Shape() = default;
  constexpr Shape(std::initializer_list<int64_t> extents) {
    for (int64_t e : extents)
      push_back(e);
  }

  constexpr int rank() const { return rank_; }
  constexpr int64_t operator[](int axis) const { return extents_[axis]; }
  constexpr int64_t& operator[](int axis) { return extents_[axis]; }
  constexpr const int64_t* begin() const { return extents_; }
  constexpr const int64_t* end() const { return extents_ + rank_; }

  /// Appends an extent; a shape of max_rank cannot grow: who reads a user's extents asks
  /// shape_problem() first.
  constexpr void push_back(int64_t extent) {
    GDJIT_CHECK(rank_ < max_rank);
    extents_[rank_++] = extent;
  }
  /// Product of all extents, 1 for rank 0.
  constexpr int64_t elements() const {
    int64_t n = 1;
    for (int64_t e : *this)
      n *= e;
    return n;
  }
  constexpr bool operator==(const Shape& other) const {
    if (rank_ != other.rank_)
      return false;
    for (int i = 0; i < rank_; ++i)
      if (extents_[i] != other.extents_[i])
        return false;
    return true;
  }

private:
  int64_t extents_[max_rank] = {};
  int rank_ = 0;
};

/// What is wrong with extents that someone wrote: more than max_rank of them, a negative one, or a
/// product (zeros left out) beyond max_elements; "" where they make a shape.
inline constexpr int64_t max_elements = int64_t{1} << 40;
std::string shape_problem(const int64_t* extents, size_t count);

/// "[64,784]"; "[]" for rank 0.
std::string to_string(const Shape& shape);

} // namespace gdjit
