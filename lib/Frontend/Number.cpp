// Literals, and numbers in the type of the tensor they meet.
#include "Declaration.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace gdjit {

Literal::Literal(std::initializer_list<Literal> rows) {
  rank_ = 1;
  extents_ = {static_cast<int64_t>(rows.size())};
  const Literal* first = nullptr;
  for (const Literal& row : rows) {
    if (!first) {
      first = &row;
      rank_ = row.rank_ + 1;
      extents_.insert(extents_.end(), row.extents_.begin(), row.extents_.end());
    }
    regular_ = regular_ && row.regular_ && row.extents_ == first->extents_;
    values_.insert(values_.end(), row.values_.begin(), row.values_.end());
  }
}

Literal::Literal(const Array& values) {
  const TensorType& type = values.type();
  extents_.assign(type.shape.begin(), type.shape.end());
  rank_ = type.shape.rank();
  for (int64_t i = 0; i < values.elements(); ++i)
    values_.push_back(type.dtype == DType::i64 ? Number(values.data<int64_t>()[i])
                      : is_float(type.dtype)   ? Number(values.at(i))
                                               : Number(static_cast<int64_t>(values.at(i))));
}

namespace {

template <class T> bool store_integer(T* out, long double value) {
  if (value != std::floor(value) ||
      value < static_cast<long double>(std::numeric_limits<T>::min()) ||
      value > static_cast<long double>(std::numeric_limits<T>::max()))
    return false;
  *out = static_cast<T>(value);
  return true;
}

} // namespace

bool store(Array& array, int64_t i, Number number) {
  switch (array.type().dtype) {
  case DType::f32:
    array.data<float>()[i] = static_cast<float>(number.value);
    return true;
  case DType::f64:
    array.data<double>()[i] = static_cast<double>(number.value);
    return true;
  case DType::i32:
    return store_integer(array.data<int32_t>() + i, number.value);
  case DType::i64:
    return store_integer(array.data<int64_t>() + i, number.value);
  case DType::boolean:
    array.data<bool>()[i] = number.value == 1;
    return number.value == 0 || number.value == 1;
  }
  return false;
}

std::string to_string(Number number) {
  return number.is_float ? fmt::format("{}", static_cast<double>(number.value))
                         : fmt::format("{:.0f}", number.value);
}

Array to_array(const Literal& literal, DType type, const Shape& shape, std::string_view what,
               Place at) {
  if (!literal.regular())
    throw Error(ErrorCode::graph, fmt::format("{}: rows of the braces differ in length", what),
                location_of(at), {{"give each as many numbers: {{1, 2}, {3, 4}}", {}}});
  Array array(TensorType{type, shape});
  GDJIT_CHECK(array.elements() == static_cast<int64_t>(literal.values().size()));
  for (int64_t i = 0; i < array.elements(); ++i)
    if (!store(array, i, literal.values()[i]))
      throw Error(ErrorCode::graph,
                  fmt::format("{}: {} is no {}", what, to_string(literal.values()[i]), name(type)),
                  location_of(at));
  return array;
}

Shape to_shape(const Extents& extents, std::string_view what, Place at) {
  if (std::string problem = shape_problem(extents.values.data(), extents.values.size());
      !problem.empty())
    throw Error(ErrorCode::graph, fmt::format("{}: {}", what, problem), location_of(at));
  return to_shape(extents.values);
}

} // namespace gdjit
