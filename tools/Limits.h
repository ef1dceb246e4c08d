// What one core can do, measured by code of our own: the limits that kernels are shares of.
#pragma once

#include "gdjit/Driver/CompileOptions.h"

#include <algorithm>
#include <functional>

namespace gdjit::tool {

/// A kernel that does one thing as fast as a core can. Copies share a frame: each thread takes one
/// of its own.
struct Yardstick {
  std::function<void()> run;
  double amount = 0; ///< operations, or bytes, of a run
};

/// f32 operations of fused multiply-adds between registers, some 50 us of them.
Yardstick multiply_adds(const CompileOptions& options);

struct Limits {
  /// Up to so many bytes the last cache holds what a step works on, as far as others leave it.
  static constexpr int64_t far_bytes = int64_t{1} << 24;

  double flops = 0;        ///< f32 operations a second in fused multiply-adds between registers
  double memory = 0;       ///< bytes a second read from memory, in order
  double far_cache = 0;    ///< the same from the last cache
  double cache = 0;        ///< the same from the second cache
  int64_t cache_bytes = 0; ///< what that holds

  /// Seconds that reading takes at least: as much as near caches hold from them, the rest from
  /// behind them.
  double seconds_of_bytes(double count) const {
    const double near = std::min(count, static_cast<double>(cache_bytes)),
                 far = std::min(count, std::max(static_cast<double>(far_bytes), near)) - near;
    return near / cache + far / far_cache + (count - near - far) / memory;
  }

  /// Of so many cores, which share the memory and have the rest each.
  Limits of(int cores) const {
    return {cores * flops, memory, cores * far_cache, cores * cache, cores * cache_bytes};
  }
};

/// For the target and level of `options`; takes a fifth of a second.
Limits measure_limits(const CompileOptions& options);

} // namespace gdjit::tool
