// SharedArray: typed data together with whatever keeps it alive, an Array or a mapped file.
#pragma once

#include "gdjit/Runtime/TensorView.h"

#include <memory>
#include <string_view>
#include <utility>

namespace gdjit {

/// Copying shares the elements.
struct SharedArray {
  TensorType type;
  const void* data = nullptr; ///< row-major, aligned to its elements
  std::shared_ptr<const void> owner;

  SharedArray() = default;
  SharedArray(TensorType type, const void* data, std::shared_ptr<const void> owner)
      : type(type), data(data), owner(std::move(owner)) {}
  SharedArray(std::shared_ptr<const Array> array)
      : type(array->type()), data(array->bytes()), owner(std::move(array)) {}
  SharedArray(Array array) : SharedArray(std::make_shared<const Array>(std::move(array))) {}

  TensorView view(std::string_view name) const { return {name, type, data}; }
};

} // namespace gdjit
