// TensorView: reading elements of memory that someone else owns.
#include "gdjit/Runtime/TensorView.h"

#include "gdjit/Loop/ScalarOp.h"
#include "gdjit/Support/Error.h"

#include <cstring>

namespace gdjit {

void TensorView::require(DType dtype) const { GDJIT_CHECK(type.dtype == dtype); }

double TensorView::at(int64_t i) const {
  GDJIT_CHECK(i >= 0 && i < elements());
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
