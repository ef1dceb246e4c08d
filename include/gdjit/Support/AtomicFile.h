// The only door to file writes: a file appears whole under its name or not at all.
#pragma once

#include <string>
#include <string_view>

namespace gdjit {

/// Writes `bytes` to a temporary file beside `path`, syncs it, renames it, syncs the directory.
/// Throws Error(ErrorCode::data) naming path and reason; the temporary file is then gone and an
/// earlier file of that name untouched. Devices and pipes (/dev/stdout, /dev/full) are written
/// directly.
void write_file(const std::string& path, std::string_view bytes);

/// Reads a whole file; throws Error(ErrorCode::data) naming path and reason.
std::string read_file(const std::string& path);

} // namespace gdjit
