// share_out: outer loops whose iterations are independent are cut into pieces for threads.
//
// Before:  kernel k0 { for i in 0..256 { for j in 0..512 { tile; for k { … }; y[i, j] = … } } }
// After:   kernel k0 { parallel for p in 0..2 {
//            for i in 0..256 { for j in 0..256 { …; y[i, j+256*p] = … } } } }
//
// Each piece is then scheduled as a kernel of its own. A kernel is cut into several where a loop to
// be shared stands beside others: threads meet between kernels. No chain of a reduction is cut, so
// that no bit depends on the number of threads.
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

/// Needs a program at stage Loops. Does nothing for one thread.
void share_out(Program& program, PassContext& context);

/// Takes the parallel loop off a kernel that is one, so that its body can be scheduled as a
/// kernel's; a Statement without body where it is none.
Statement open_shared(Kernel& kernel);
/// Puts it back. Buffers from `first_own` on, which scheduling added, become one per turn.
void close_shared(Program& program, Kernel& kernel, Statement shared, loop::BufferId first_own);

} // namespace gdjit::scheduling
