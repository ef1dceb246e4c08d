// software_pipeline: the work behind a tile's terms (an optimizer's update) is done between the
// terms of the next tile.
//
// Before:  for i in 0..48 step 12 { tile t; for k in 0..256 { terms k }; for r { for v { work } } }
// After:   { tile t; terms 0..256; done = t }                           of tile 0
//          for i in 12..48 step 12 {
//            tile t
//            for r { for v { terms 20*r+10*v .. +10, between them the work of done[r, v], row i-12
//                            of memory; prefetch what row r of tile i is going to need } }
//            terms 240..256; done = t
//          }
//          for r { for v { work } }                                      of tile 36
//
// Square roots and divisions keep a unit busy that the terms do not need, for as long as many fma
// take: side by side they cost what the longer of both does. No operation changes.
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

/// Vector registers that a tile must leave to such work.
inline constexpr int64_t registers_for_work = 4;

/// True where `body`, of a loop over vectors that are not yet side by side, has work that is worth
/// it for a loop over `tiles` of so many.
bool has_work_for_terms(const std::vector<Statement>& body, int64_t tiles, int64_t vectors);

void software_pipeline(Program& program, Kernel& kernel, PassContext& context);

} // namespace gdjit::scheduling
