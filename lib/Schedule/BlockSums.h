// Block sums: a reduction in blocks (IR/ReductionOrder.h) as two nests, so that threads can share
// the blocks.
//
// Before:  for i in 0..64 { for j in 0..128 {
//            tile sum; for b in 0..2 { tile t; for k in 0..392 { … }; set sum = add sum, t }; … } }
// After:   for b in 0..2 { for i in 0..64 { for j in 0..128 {
//            tile t; for k in 0..392 { … }; store sums[b, i, j] = t } } }
//          for i in 0..64 { for j in 0..128 {
//            tile sum; for b in 0..2 { set sum = add sum, sums[b, i, j] }; … } }
//
// The order of additions stays. Each thread then reads its blocks' terms alone: of x·w its rows of
// w, the very ones that it updates.
#pragma once

#include "Rewrite.h"

namespace gdjit::scheduling {

/// The loop over blocks in a nest of plain loops that each hold the next, innermost beside what
/// else is done for a result; null where there is none that could be taken apart: what the blocks
/// read must be neither computed nor stored in the nest.
const Statement* block_loop(const Program& program, const Statement& nest);

/// Bytes of all sums of `blocks`, the loop over blocks of `nest`.
int64_t block_sum_bytes(const Statement& nest, const Statement& blocks);

/// Leaves in `nest` what computes the sums, blocks outermost, and gives back what adds them. Both
/// name the same loops and values, for they are to become kernels of their own. The sums are the
/// last buffer of the program, named `name`.
Statement take_blocks_apart(Program& program, Statement& nest, std::string name);

} // namespace gdjit::scheduling
