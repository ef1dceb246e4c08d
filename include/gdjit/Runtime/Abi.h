// The binary interface between a compiled kernel and whoever calls it. Generated code holds no
// address: all it reads and writes comes through these arguments.
#pragma once

#include <cstdint>
#include <xmmintrin.h>

namespace gdjit {

/// Where a kernel reports its first index out of range; written at most once a call.
struct KernelStatus {
  int64_t check = -1;   ///< number of the Check statement within the kernel, in order of appearance
  int64_t position = 0; ///< row-major position in the operand that holds the indices
};

/// A kernel: addresses of its buffers in order of first use, and the status.
using KernelFunction = void (*)(void* const* buffers, KernelStatus* status);

/// Sets the default floating-point environment (round to nearest, subnormals kept, no traps) where
/// the host changed it, and gives the host's back: kernels promise bits only there, and linking one
/// object built with -ffast-math sets flush-to-zero for a whole process. Inline, since reading
/// MXCSR costs about a nanosecond.
class FloatEnvironment {
public:
  FloatEnvironment() : saved_(_mm_getcsr()), changed_((saved_ & ~status_flags) != default_mxcsr) {
    if (changed_) [[unlikely]]
      _mm_setcsr(default_mxcsr);
  }
  ~FloatEnvironment() {
    if (changed_) [[unlikely]]
      _mm_setcsr(saved_);
  }
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;

private:
  static constexpr uint32_t default_mxcsr = 0x1f80; ///< all exceptions masked, to nearest, no flush
  static constexpr uint32_t status_flags = 0x3f;    ///< sticky flags, no matter
  uint32_t saved_;
  bool changed_;
};

} // namespace gdjit
