// Tensor types as text.
#include "gdjit/IR/TensorType.h"

namespace gdjit {

std::string to_string(const TensorType& type) {
  return std::string(name(type.dtype)) + to_string(type.shape);
}

} // namespace gdjit
