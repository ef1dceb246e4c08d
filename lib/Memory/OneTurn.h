// Temporaries shrunk to what one turn of the loops around them needs.
#pragma once

#include "gdjit/IR/PassContext.h"
#include "gdjit/Loop/Program.h"

namespace gdjit::memory {

/// Drops from the indices of a temporary the loops in each of whose turns only elements of that
/// turn are touched: all turns use the same memory. Turns of a parallel loop keep elements of their
/// own. Behind the schedule, which looks for iterations that touch nothing in common.
void keep_one_turn(loop::Program& program, PassContext& context);

} // namespace gdjit::memory
