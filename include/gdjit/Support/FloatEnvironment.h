// FloatEnvironment: the floating-point environment in which numbers mean what lib/IR/README.md
// says.
#pragma once

#include <cstdint>
#include <xmmintrin.h>

namespace gdjit {

/// Sets the default floating-point environment (round to nearest, subnormals kept, no traps) where
/// the host changed it, and gives the host's back: bits are promised only there, and linking one
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
