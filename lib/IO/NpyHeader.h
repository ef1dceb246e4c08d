// The header of a .npy file: a Python dictionary of three keys.
#pragma once

#include "gdjit/IR/TensorType.h"

#include <string>
#include <string_view>

namespace gdjit {

struct NpyHeader {
  std::string element; ///< NumPy's name: "<f4", "|u1"
  Shape shape;
  size_t data = 0; ///< offset of the first element
};

/// Error(data) naming `file` for what is no header, or one of arrays that we do not read.
NpyHeader read_npy_header(std::string_view bytes, const std::string& file);
/// The header for a type, padded so that elements begin at a multiple of 64.
std::string npy_header(const TensorType& type);

} // namespace gdjit
