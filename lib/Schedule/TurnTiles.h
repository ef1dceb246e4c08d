// turn_tiles: where the last axis of a tile is too short for lanes, its longest axis comes last.
//
// Before:  tile t0[30, 2] … for i in 0..30 { set t0[i, j] = … }
// After:   tile t0[2, 30] … for i in 0..30 { set t0[j, i] = … }
//
// Chains of partial sums become lanes along the last axis of their tile (ChainLanes); in which
// order axes of a tile lie is nobody else's concern.
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

void turn_tiles(Kernel& kernel, PassContext& context);

/// Tiles of outside that the loop reads along any axis but their last, of at least so many
/// elements: it comes last. Those of which parts are joined or transposed stay.
void turn_tiles_along(Kernel& kernel, const Statement& loop, int64_t least);

} // namespace gdjit::scheduling
