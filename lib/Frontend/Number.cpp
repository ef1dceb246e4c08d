// Literals, and numbers in the type of the tensor they meet.
#include "Declaration.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <utility>

namespace gdjit {

Literal::Literal(std::initializer_list<Literal> rows) {
  extents_ = {static_cast<int64_t>(rows.size())};
  std::vector<Number> values;
  const Literal* first = rows.begin();
  for (const Literal& row : rows) {
    if (&row == first)
      extents_.insert(extents_.end(), row.extents_.begin(), row.extents_.end());
    regular_ = regular_ && row.regular_ && row.extents_ == first->extents_;
    for (int64_t i = 0; i < row.elements(); ++i)
      values.push_back(row.at(i));
  }
  auto held = std::make_shared<const std::vector<Number>>(std::move(values));
  hold(std::shared_ptr<const Number>(held, held->data()), static_cast<int64_t>(held->size()));
}

Literal::Literal(Array values) {
  array_ = std::make_shared<const Array>(std::move(values));
  const TensorType& type = array_->type();
  extents_.assign(type.shape.begin(), type.shape.end());
  const auto as = [&]<class T>(T) {
    hold(std::shared_ptr<const T>(array_, array_->data<T>()), array_->elements());
  };
  switch (type.dtype) {
  case DType::f32:
    as(float{});
    break;
  case DType::f64:
    as(double{});
    break;
  case DType::i32:
    as(int32_t{});
    break;
  case DType::i64:
    as(int64_t{});
    break;
  case DType::boolean:
    as(uint8_t{}); // a bool's byte: 0 or 1
    break;
  }
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
  GDJIT_CHECK(array.elements() == literal.elements());
  if (type == DType::f32)
    literal.copy_to(array.data<float>());
  else if (type == DType::f64)
    literal.copy_to(array.data<double>());
  else
    for (int64_t i = 0; i < array.elements(); ++i)
      if (!store(array, i, literal.at(i)))
        throw Error(ErrorCode::graph,
                    fmt::format("{}: {} is no {}", what, to_string(literal.at(i)), name(type)),
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
