// What this machine can do, measured in the same run: the limits that figures are shares of.
#pragma once

#include <cstdint>
#include <span>

namespace gdjit::benchmarks {

/// f32 operations a second of one core that does nothing but fused multiply-adds in registers.
double fma_peak();
/// The same, measured once in about 0.1 ms: take the best of many.
double fma_peak_once();
/// Bytes a second that one core reads from memory, sequentially.
double read_bandwidth();

/// How many arrays a loop reads and writes.
struct Streams {
  int reads = 1, writes = 0;
  bool in_place = false; ///< what is written are the first of the arrays read
};
/// Goes once through all arrays: first those read, then those written.
void move(Streams streams, std::span<float* const> arrays, int64_t elements);

} // namespace gdjit::benchmarks
