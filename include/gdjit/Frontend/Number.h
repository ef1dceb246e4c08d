// Numbers that enter from C++: scalars, extents, axes and nested literals. Every arithmetic type
// but bool is taken, so that a size_t needs no cast and a comparison's result is no number by
// accident.
#pragma once

#include "gdjit/IR/Shape.h"

#include <initializer_list>
#include <type_traits>
#include <vector>

namespace gdjit {

class Array;

template <class T>
concept Integer = std::is_integral_v<T> && !std::is_same_v<std::remove_cv_t<T>, bool>;
template <class T>
concept Arithmetic = Integer<T> || std::is_floating_point_v<T>;

/// A C++ scalar, weakly typed: it takes the type of the tensor it meets, rounded once.
struct Number {
  long double value = 0; ///< holds every 64-bit integer and every double exactly
  bool is_float = false;

  constexpr Number() = default;
  template <Arithmetic T> constexpr Number(T number)
      : value(static_cast<long double>(number)), is_float(std::is_floating_point_v<T>) {}
};

/// An extent, or a number of rows.
struct Extent {
  int64_t value = 0;

  constexpr Extent() = default;
  template <Integer T> constexpr Extent(T extent) : value(static_cast<int64_t>(extent)) {}
  constexpr operator int64_t() const { return value; }
};

/// Extents of a tensor as a user writes them: {m.batch(), 3}. Checked where they are used.
struct Extents {
  std::vector<int64_t> values;

  Extents() = default;
  Extents(std::initializer_list<Extent> extents) : values(extents.begin(), extents.end()) {}
  Extents(const Shape& shape) : values(shape.begin(), shape.end()) {}
};

/// One axis, or several; negative ones count from the end, none means all.
struct Axes {
  std::vector<int64_t> values;

  Axes() = default;
  template <Integer T> Axes(T axis) : values{static_cast<int64_t>(axis)} {}
  Axes(std::initializer_list<Extent> axes) : values(axes.begin(), axes.end()) {}
  explicit Axes(std::vector<int64_t> axes) : values(std::move(axes)) {}
};

/// Numbers in nested braces: {{1, 2}, {2, 3}} has shape [2,2]. Braces that do not fit one another
/// are refused where the literal is used.
class Literal {
public:
  Literal() = default;
  template <Arithmetic T> Literal(T number) : values_{Number(number)}, rank_(0) {}
  Literal(std::initializer_list<Literal> rows);
  /// Values in row-major order under a shape.
  template <Arithmetic T> Literal(const Extents& shape, const std::vector<T>& values) {
    for (int64_t e : shape.values)
      extents_.push_back(e);
    rank_ = static_cast<int>(extents_.size());
    values_.assign(values.begin(), values.end());
  }

  /// The elements of an array, to the bit where the model's type is the array's.
  explicit Literal(const Array& values);

  bool regular() const { return regular_; } ///< all rows of one depth have one length
  const std::vector<int64_t>& extents() const { return extents_; }
  const std::vector<Number>& values() const { return values_; }

private:
  std::vector<Number> values_;
  std::vector<int64_t> extents_;
  int rank_ = 0;
  bool regular_ = true;
};

} // namespace gdjit
