// Numbers that enter from C++: scalars, extents, axes and nested literals. Every arithmetic type
// but bool is taken, so that a size_t needs no cast and a comparison's result is no number by
// accident.
#pragma once

#include "gdjit/IR/Shape.h"

#include <initializer_list>
#include <memory>
#include <type_traits>
#include <utility>
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
/// are refused where the literal is used. Copies share the numbers, which stay in the type that
/// they came in: as many bytes as the vector or array has.
class Literal {
public:
  Literal() = default;
  template <Arithmetic T> Literal(T number) { hold(std::make_shared<const Number>(number), 1); }
  Literal(std::initializer_list<Literal> rows);
  /// Values in row-major order under a shape; std::move(values) copies none.
  template <Arithmetic T> Literal(const Extents& shape, std::vector<T> values)
      : extents_(shape.values) {
    auto held = std::make_shared<const std::vector<T>>(std::move(values));
    const auto count = static_cast<int64_t>(held->size());
    hold(std::shared_ptr<const T>(held, held->data()), count);
  }

  /// The elements of an array, to the bit where the model's type is the array's.
  explicit Literal(Array values);

  bool regular() const { return regular_; } ///< all rows of one depth have one length
  const std::vector<int64_t>& extents() const { return extents_; }
  int64_t elements() const { return count_; }
  /// Element i in row-major order.
  Number at(int64_t i) const { return access_->at(values_.get(), i); }
  /// All elements in row-major order, each rounded once.
  void copy_to(float* out) const { access_->floats(values_.get(), count_, out); }
  void copy_to(double* out) const { access_->doubles(values_.get(), count_, out); }
  /// What it was made of; null where that is no array.
  const std::shared_ptr<const Array>& array() const { return array_; }

private:
  /// Knows the type of the values.
  struct Access {
    Number (*at)(const void* values, int64_t i);
    void (*floats)(const void* values, int64_t count, float* out);
    void (*doubles)(const void* values, int64_t count, double* out);
  };
  template <class T> static Number read(const void* values, int64_t i) {
    return Number(static_cast<const T*>(values)[i]);
  }
  template <class T, class To> static void copy(const void* values, int64_t count, To* out) {
    for (int64_t i = 0; i < count; ++i)
      if constexpr (std::is_same_v<T, Number>)
        out[i] = static_cast<To>(static_cast<const Number*>(values)[i].value);
      else
        out[i] = static_cast<To>(static_cast<const T*>(values)[i]);
  }
  template <class T> static constexpr Access access_of = {read<T>, copy<T, float>, copy<T, double>};

  template <class T> void hold(std::shared_ptr<const T> values, int64_t count) {
    values_ = std::move(values);
    count_ = count;
    access_ = &access_of<T>;
  }

  std::shared_ptr<const void> values_;
  std::shared_ptr<const Array> array_;
  int64_t count_ = 0;
  const Access* access_ = &access_of<Number>;
  std::vector<int64_t> extents_;
  bool regular_ = true;
};

} // namespace gdjit
