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

  /// Bytes a second, in order.
  struct Rates {
    double memory = 0, far_cache = 0, cache = 0; ///< from memory, the last cache, the second

    /// Of so many cores, which share the memory and have the rest each.
    Rates of(int cores) const { return {memory, cores * far_cache, cores * cache}; }
  };

  double flops = 0;        ///< f32 operations a second in fused multiply-adds between registers
  Rates reads;             ///< of what is only read
  Rates updates;           ///< read and written where it stands, both counted
  int64_t cache_bytes = 0; ///< what the second cache holds

  /// Seconds that reading and writing take at least. Caches write back beside reading, so that
  /// bytes of both kinds may come and go faster than those that are only read.
  double seconds_of_bytes(double read, double written) const {
    const Rates both = {std::max(reads.memory, updates.memory),
                        std::max(reads.far_cache, updates.far_cache),
                        std::max(reads.cache, updates.cache)};
    return std::max(seconds(read, reads), seconds(read + written, both));
  }

  Limits of(int cores) const {
    return {cores * flops, reads.of(cores), updates.of(cores), cores * cache_bytes};
  }

  /// As much as near caches hold from them, the rest from behind them.
  double seconds(double count, const Rates& rates) const {
    const double near = std::min(count, static_cast<double>(cache_bytes)),
                 far = std::min(count, std::max(static_cast<double>(far_bytes), near)) - near;
    return near / rates.cache + far / rates.far_cache + (count - near - far) / rates.memory;
  }
};

/// For the target and level of `options`; takes a fifth of a second.
Limits measure_limits(const CompileOptions& options);

} // namespace gdjit::tool
