// Shapes and tensor types as text.
#include "gdjit/IR/Shape.h"

namespace gdjit {

std::string shape_problem(const int64_t* extents, size_t count) {
  if (count > static_cast<size_t>(Shape::max_rank))
    return "rank " + std::to_string(count) + " is above " + std::to_string(Shape::max_rank) +
           ", the most there is";
  int64_t product = 1;
  for (size_t i = 0; i < count; ++i) {
    if (extents[i] < 0)
      return "extent " + std::to_string(extents[i]) + " is negative; extents are 0 or more";
    if (extents[i] > 0 &&
        (__builtin_mul_overflow(product, extents[i], &product) || product > max_elements))
      return "the extents multiply to more than 2^40 elements";
  }
  return "";
}

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (int i = 0; i < shape.rank(); ++i)
    text += (i ? "," : "") + std::to_string(shape[i]);
  return text + "]";
}

} // namespace gdjit
