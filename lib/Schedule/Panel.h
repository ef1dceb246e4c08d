// panel: what all rows of a tiled product read of one operand is copied once into a few rows that
// lie one after another, so that it comes from near caches without conflicts or new pages.
//
// Before:  for j step 32 { for i step 14 { … for k { … %b = load w[k, j+16*v+lanes] … } } }
// After:   for j step 32 { for k { w.panel[k, 16*v+lanes] = w[k, j+16*v+lanes] }
//            for i step 14 { … for k { … %b = load w.panel[k, 16*v+lanes] … } } }
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

/// Copies in front of the loops inside `columns` what they read along it; k may be the `k + l` of
/// partial chains. False where they read nothing of that kind.
bool panel(Program& program, Kernel& kernel, Statement& columns);

/// Copies of what rows of a tile read side by side (`x[k, i+r]`), term by term one after another,
/// so that every loop over columns reads them in order; the copies go in front of `nests`.
std::vector<Statement> rows_panel(Program& program, Kernel& kernel, std::vector<Statement>& nests,
                                  const PassContext& context);

} // namespace gdjit::scheduling
