// Places of buffers in one arena, shared where live ranges do not meet.
#pragma once

#include "Liveness.h"

namespace gdjit::memory {

/// Alignment of every buffer in the arena, in bytes: one cache line, one 512-bit vector.
inline constexpr int64_t arena_alignment = 64;

/// What a buffer of so many bytes takes of the arena.
constexpr int64_t in_arena(int64_t bytes) {
  const int64_t lines = (bytes + arena_alignment - 1) / arena_alignment;
  return (lines < 1 ? 1 : lines) * arena_alignment;
}

struct Block {
  int64_t bytes = 0;
  LiveRange range;
  int64_t offset = 0; ///< result
};

/// The most that is live at once: no arena is smaller.
struct Peak {
  int64_t bytes = 0;
  int64_t position = 0; ///< where it is first
};
Peak live_peak(const std::vector<Block>& blocks);

/// Gives every block an offset such that blocks whose ranges meet do not overlap; returns the
/// arena's size in bytes. In the order of first use, near-linear in the number of blocks; a few
/// blocks whose arena is larger than their peak also in the order of size, if that is better.
int64_t place_blocks(std::vector<Block>& blocks);

} // namespace gdjit::memory
