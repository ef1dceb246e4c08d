// NumPy's .npy files: one array each.
//
// Written is format 1.0, row-major, little-endian; NaNs as the one NaN of the numeric contract.
// Read are formats 1.0 to 3.0 of
//   f4 f8 i4 i8 b1          as f32 f64 i32 i64 bool
//   f2                      as f32
//   i1 i2 u1 u2             as i32
//   u4 u8                   as i64, where every u8 is below 2^63
// Refused, each with its remedy: objects, text, records, dates, complex numbers, long doubles,
// big-endian numbers, column-major (Fortran) order of two axes or more, and headers that do not fit
// their file.
#pragma once

#include "gdjit/IO/SharedArray.h"

#include <string>
#include <string_view>

namespace gdjit {

std::string to_npy(const TensorView& array);
inline std::string to_npy(const Array& array) { return to_npy(TensorView("", array)); }
/// Atomically, as write_file.
void write_npy(const std::string& path, const TensorView& array);

/// Error(data) naming `file` for what is refused.
Array from_npy(std::string_view bytes, const std::string& file);
/// The same, of that type and shape or Error(data).
Array from_npy(std::string_view bytes, const std::string& file, const TensorType& type);

/// Reads a file: mapped where it is large and its elements need no conversion, so that pages come
/// from the disk as they are used.
SharedArray read_npy(const std::string& path);

} // namespace gdjit
