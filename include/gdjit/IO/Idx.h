// IDX files, the format of the handwritten digits: one array each, plain or packed by gzip.
//
// Two zero bytes, a byte for the type, a byte for the rank, the extents and then the elements, all
// big-endian. Read are types 08 (unsigned bytes), 09 (bytes), 0B (16 bits) and 0C (32 bits) as i32,
// 0D as f32, 0E as f64.
// Source: http://yann.lecun.com/exdb/mnist, "the IDX file format".
#pragma once

#include "gdjit/IR/Array.h"

#include <string>
#include <string_view>

namespace gdjit {

/// True where a file begins as an IDX file does, or as one of gzip's.
bool is_idx(std::string_view begin);

/// Error(data) naming `file` where bytes and header disagree; what gzip packs is unpacked up to
/// what its header promises, and refused before that where no gzip file of its size can hold it, or
/// where it is more than 48 MiB and a hundred times as large.
Array from_idx(std::string_view bytes, const std::string& file);
Array read_idx(const std::string& path);

/// The type of what read_idx gives, without its elements: of a file that is not packed the header
/// is read alone, and held against the size. Error(data) as read_idx.
TensorType idx_type(const std::string& path);

/// "unsigned byte[60000,28,28], read as i32": what the header says, for messages. Error(data) as
/// read_idx where that says nothing.
std::string idx_contents(const std::string& path);

} // namespace gdjit
