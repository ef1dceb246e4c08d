// Places of buffers in one arena, shared where live ranges do not meet.
#pragma once

#include "Liveness.h"

namespace gdjit::memory {

/// Alignment of every buffer in the arena, in bytes: one cache line, one 512-bit vector.
inline constexpr int64_t arena_alignment = 64;

struct Block {
  int64_t bytes = 0;
  LiveRange range;
  int64_t offset = 0; ///< result
};

/// Gives every block an offset such that blocks whose ranges meet do not overlap; returns the
/// arena's size in bytes. Best fit over a list of holes, in the order of first use: near-linear in
/// the number of blocks.
int64_t place_blocks(std::vector<Block>& blocks);

} // namespace gdjit::memory
