// TensorType: what is known of a value before it exists, element type and shape.
#pragma once

#include "gdjit/IR/DType.h"
#include "gdjit/IR/Shape.h"

namespace gdjit {

struct TensorType {
  DType dtype = DType::f32;
  Shape shape;

  constexpr int64_t elements() const { return shape.elements(); }
  constexpr int64_t bytes() const { return elements() * byte_size(dtype); }
  constexpr bool operator==(const TensorType&) const = default;
};

/// "f32[64,784]"; "f32[]" for a scalar.
std::string to_string(const TensorType& type);

} // namespace gdjit
