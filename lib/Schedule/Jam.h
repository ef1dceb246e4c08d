// jam: several iterations of a loop side by side, down to the innermost statements (unroll and
// jam).
//
// Before:  for i in 0..64 { tile acc; for k { acc = fma x[i, k], w[k], acc }; y[i] = acc }
// After:   for i in 0..64 step 8 {
//            tile acc[8]; for k { for r in 0..8 unrolled { acc[r] = fma x[i + r, k], w[k], acc[r] }
//            } for r in 0..8 unrolled { y[i + r] = acc[r] } }
//
// Needs independent iterations, or such as keep their order so. What the loop does not move is
// computed once; values that cross a loop inside are kept in tiles.
#pragma once

#include "Rewrite.h"

namespace gdjit::scheduling {

/// True where jam can take the loop: no tile declared inside is joined.
bool can_jam(const Statement& loop);

/// True where jam leaves whatever iterations share in its order: no element of a buffer, and of
/// tiles of outside what is used between two loops inside, for one iteration after another (a sum
/// over all of them).
bool keeps_order(const Program& program, const Statement& loop);

/// Appends to `out` the loop with `times` iterations side by side, and what remains with fewer.
/// What varies within goes on to vary in copies.
void jam(Kernel& kernel, Statement loop, int64_t times, std::vector<Statement>& out,
         Varying& varying);
void jam(Kernel& kernel, Statement loop, int64_t times, std::vector<Statement>& out);

/// The same for a loop of any extent: what remains are loops over half as many, a quarter …, one,
/// some without turns. All of them vary, too.
void jam_varying(Kernel& kernel, Statement loop, int64_t times, std::vector<Statement>& out,
                 Varying& varying);

} // namespace gdjit::scheduling
