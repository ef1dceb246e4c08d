// random_loop_text: a valid program of loops drawn by a seed, at stage loops.
#pragma once

#include <cstdint>
#include <string>

namespace gdjit::testing {

/// Kernels that fill buffers of 1 to 3 axes and then read and store them anywhere: nests up to four
/// deep with steps and unrolled loops, values, tiles, chains and joins, masks and indices from
/// data, a state and its update. What is read has been stored.
std::string random_loop_text(uint64_t seed);

} // namespace gdjit::testing
