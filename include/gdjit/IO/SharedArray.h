// SharedArray: typed data together with whatever keeps it alive, an Array or a mapped file.
#pragma once

#include "gdjit/Runtime/TensorView.h"

#include <memory>
#include <string_view>
#include <utility>

namespace gdjit {

class MappedFile;

/// Copying shares the elements.
struct SharedArray {
  TensorType type;
  const void* data = nullptr; ///< row-major, aligned to its elements
  std::shared_ptr<const void> owner;
  const MappedFile* file = nullptr; ///< the owner, where the elements lie in a mapped file

  SharedArray() = default;
  SharedArray(TensorType type, const void* data, std::shared_ptr<const void> owner)
      : type(type), data(data), owner(std::move(owner)) {}
  SharedArray(std::shared_ptr<const Array> array)
      : type(array->type()), data(array->bytes()), owner(std::move(array)) {}
  SharedArray(Array array) : SharedArray(std::make_shared<const Array>(std::move(array))) {}

  /// Error(data) where the elements lie in a file that was written since it was opened.
  void require_unchanged() const;

  TensorView view(std::string_view name) const { return {name, type, data}; }
};

} // namespace gdjit
