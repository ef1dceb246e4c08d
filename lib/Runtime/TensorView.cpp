// TensorView: reading elements of memory that someone else owns.
#include "gdjit/Runtime/TensorView.h"

#include "gdjit/Loop/ScalarOp.h"
#include "gdjit/Support/Error.h"

#include <cstring>
#include <fmt/format.h>

namespace gdjit {

void TensorView::require(DType dtype) const {
  if (type.dtype != dtype)
    throw Error(ErrorCode::usage, fmt::format("'{}' is {}, its elements are read as {}", name,
                                              to_string(type), gdjit::name(dtype)));
}

double TensorView::at(int64_t i) const {
  if (i < 0 || i >= elements())
    throw Error(ErrorCode::usage, fmt::format("'{}' is {}, it has {} elements and none at {}", name,
                                              to_string(type), elements(), i));
  const char* element = static_cast<const char*>(data) + i * byte_size(type.dtype);
  return loop::to_double(type.dtype, loop::load_bits(type.dtype, element));
}

Array TensorView::copy() const {
  Array result(type);
  if (type.bytes() > 0)
    std::memcpy(result.bytes(), data, static_cast<size_t>(type.bytes()));
  return result;
}

} // namespace gdjit
