// roll_epilogues: what follows a register tile's terms stays a loop over its rows where written out
// it would be much code.
//
// Before:  unrolled for r in 0..14 { unrolled for v in 0..2 { %1 = tanh(t[r, v]) …; store … } }
// After:   tile s[14, 2]; unrolled for r, v { set s[r, v] = t[r, v] }
//          for r in 0..14 { unrolled for v in 0..2 { %1 = tanh(s[r, v]) …; store … } }
//
// The tile that terms are added to stays in registers, since nothing with a variable index reads
// it; its copy is on the stack. That costs a store and a load a vector. Written out, 28 tanh took
// 45 ms to compile, most of it for registers, of which the sums that wait leave none.
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

/// The loops that it leaves.
Settled roll_epilogues(const Program& program, Kernel& kernel, PassContext& context);

} // namespace gdjit::scheduling
