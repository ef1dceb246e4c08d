// TensorView: typed data that someone else owns, by name: inputs of a call, its outputs, arrays of
// a State.
#pragma once

#include "gdjit/IR/Array.h"

#include <string_view>

namespace gdjit {

/// Does not own: name and data must outlive it.
struct TensorView {
  std::string_view name;
  TensorType type;
  const void* data = nullptr; ///< row-major

  TensorView() = default;
  TensorView(std::string_view name, const TensorType& type, const void* data)
      : name(name), type(type), data(data) {}
  TensorView(std::string_view name, const Array& array)
      : name(name), type(array.type()), data(array.bytes()) {}

  int64_t elements() const { return type.elements(); }
  /// Elements as T; InternalError where T is not the element type.
  template <class T> const T* as() const {
    require(DTypeOf<T>::value);
    return static_cast<const T*>(data);
  }
  /// Element i (row-major) as double; i64 beyond 2^53 rounds.
  double at(int64_t i) const;
  /// The elements copied.
  Array copy() const;

private:
  void require(DType dtype) const;
};

} // namespace gdjit
