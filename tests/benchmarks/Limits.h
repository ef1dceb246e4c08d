// What this machine can do, measured in the same run: the limits that figures are shares of.
#pragma once

namespace gdjit::benchmarks {

/// f32 operations a second of one core that does nothing but fused multiply-adds in registers.
double fma_peak();
/// The same, measured once in about 0.1 ms: take the best of many.
double fma_peak_once();
/// Bytes a second that one core reads from memory, sequentially.
double read_bandwidth();

} // namespace gdjit::benchmarks
