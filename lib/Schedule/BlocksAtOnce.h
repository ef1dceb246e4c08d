// blocks_at_once: a reduction in blocks (IR/ReductionOrder.h) whose results are few vectors takes
// several blocks side by side: in one chain each multiply-add waits for the one before.
//
// Before:  tile sum; for b in 0..96 {
//            tile t; for k in 0..1024 { t = fma x[1024*b+k], d[1024*b+k], t }
//            set sum = add sum, t }
// After:   tile sum; for b in 0..96 step 8 {
//            tile t[8]; for k in 0..1024 { for r in 0..8 unrolled { t[r] = fma x[1024*(b+r)+k], … }
//            } for r in 0..8 unrolled { set sum = add sum, t[r] } }
//
// No bit changes: each block stays one chain, and the blocks are added in their order. It comes
// behind the register tile, which has taken what chains lie side by side in rows and columns.
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

void blocks_at_once(const Program& program, Kernel& kernel, PassContext& context,
                    const Settled& settled, Varying& varying);

} // namespace gdjit::scheduling
