// Elements by their bits.
#include "gdjit/IR/Element.h"

#include "gdjit/IR/Array.h"
#include "gdjit/Support/FloatEnvironment.h"

#include <bit>

namespace gdjit {

Bits to_bits(DType type, double value) {
  FloatEnvironment environment;
  switch (type) {
  case DType::f32:
    return std::bit_cast<uint32_t>(convert_element<float>(value));
  case DType::f64:
    return std::bit_cast<uint64_t>(value);
  case DType::i32:
    return static_cast<uint32_t>(convert_element<int32_t>(value));
  case DType::i64:
    return static_cast<uint64_t>(convert_element<int64_t>(value));
  case DType::boolean:
    break;
  }
  return convert_element<bool>(value) ? 1 : 0;
}

double to_double(DType type, Bits bits) { // exact but for i64, so that no float mode matters here
  switch (type) {
  case DType::f32:
    return std::bit_cast<float>(static_cast<uint32_t>(bits));
  case DType::f64:
    return std::bit_cast<double>(bits);
  case DType::i32:
    return static_cast<int32_t>(bits);
  case DType::i64:
    return static_cast<double>(static_cast<int64_t>(bits));
  case DType::boolean:
    break;
  }
  return (bits & 1) != 0 ? 1 : 0;
}

bool uniform_element(const Array& array, Bits& bits) {
  DType type = array.type().dtype;
  if (array.elements() == 0)
    return false;
  bits = load_bits(type, array.element(0));
  for (int64_t i = 1; i < array.elements(); ++i)
    if (!same_bits(type, load_bits(type, array.element(i)), bits))
      return false;
  return true;
}

} // namespace gdjit
