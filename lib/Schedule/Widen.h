// Widening: the body of a loop with independent iterations, rewritten so that one pass of it does
// several of them.
#pragma once

#include "Rewrite.h"

#include <set>

namespace gdjit::scheduling {

/// What differs from iteration to iteration of a loop.
struct Variation {
  std::set<ValueId> values;
  std::set<TileId> tiles;
};

/// `moved_tiles` are tiles of outside whose elements the loop selects: reading them varies too.
Variation variation(const std::vector<Statement>& body, LoopId loop,
                    const std::set<TileId>& moved_tiles);

/// The lanes with first + lane < count.
struct Active {
  int64_t count = 0;
  Affine first;
};

/// Turns every varying statement of `body` into one over `lanes` lanes: lane n does iteration loop
/// + n. Lanes that are not `active` are masked off. The tiles of `moved_tiles` keep their index: it
/// now counts vectors.
void widen(Kernel& kernel, std::vector<Statement>& body, LoopId loop, int lanes,
           const Active& active, const std::set<TileId>& moved_tiles);

} // namespace gdjit::scheduling
