// A seam for tests: makes a system call of the file writer fail, so that it can be shown what a
// full disk or a failing sync leaves behind.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gdjit {

/// The system calls of one write, in their order.
enum class FileCall : uint8_t { open, write, set_mode, sync, close, rename, sync_folder };

/// Asked before each call; returns 0, or the errno that it shall fail with. For `write` it may
/// lower `bytes`, the number of bytes to go out at once.
using FileFault = int (*)(FileCall call, size_t& bytes);

/// For the whole process; null, as at first, lets every call pass.
void set_file_fault(FileFault fault);

} // namespace gdjit
