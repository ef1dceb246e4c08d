// The binary interface between a compiled kernel and whoever calls it. Generated code holds no
// address: all it reads and writes comes through these arguments.
#pragma once

#include <cstdint>

namespace gdjit {

/// Where a kernel reports its first index out of range; written at most once a call.
struct KernelStatus {
  int64_t check = -1;   ///< number of the Check statement within the kernel, in order of appearance
  int64_t position = 0; ///< row-major position in the operand that holds the indices
};

/// A kernel: addresses of its buffers in order of first use, and the status.
using KernelFunction = void (*)(void* const* buffers, KernelStatus* status);

} // namespace gdjit
