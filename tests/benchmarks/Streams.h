// Loops that only read and write arrays: what kernels that memory bounds are compared with.
#pragma once

#include <cstdint>
#include <span>

namespace gdjit::benchmarks {

/// How many arrays a loop reads and writes.
struct Streams {
  int reads = 1, writes = 0;
  bool in_place = false; ///< what is written are the first of the arrays read
};

/// Which stores a loop uses. Streaming ones go past the caches: they need not read a line first,
/// which pays where the arrays come from memory, and only there.
enum class Stores { plain, streaming };

/// Goes once through all arrays: first those read, then those written, which begin a cache line.
void move(Streams streams, Stores stores, std::span<float* const> arrays, int64_t elements);

} // namespace gdjit::benchmarks
