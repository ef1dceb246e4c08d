// Blocks of rows: where the rows of a tiled product do not fit the second cache, each panel of
// columns would fetch all of them again. A block of them stays there for all panels, which are made
// once, in front.
//
// Before:  for j step 32 { panel = …; for i in 0..1024 step 13 { … panel[k, …] … } }
// After:   for k { for j { panel[j, k, …] = … } }
//          for b step 256 { for j { for i in 0..256 step 13 { … panel[j, k, …] … } } }
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

/// Rows of a block; 0 where `rows`, a loop over rows around loops over columns, needs none, or
/// where no number of equal blocks has at least `least` rows each.
int64_t rows_of_block(const Statement& rows, int64_t least, const MachineTable& machine);

/// Makes of a loop over all rows one over those of a block, and returns the loop over blocks
/// without a body.
Statement take_block(Kernel& kernel, Statement& rows, int64_t block);

/// Makes the panels of `columns`, a loop over loops over the rows of a block, puts it into `blocks`
/// and appends both.
void row_blocks(Program& program, Kernel& kernel, Statement blocks, Statement columns,
                std::vector<Statement>& out);

} // namespace gdjit::scheduling
