// stream_stores: what a step writes, never reads, and caches would not keep goes past them.
//
// Before:  store y[i, j+lane] = %2
// After:   streaming store y[i, j+lane] = %2
//
// A store fetches the line it writes to first, which one of a whole line need not: a third of all
// that a chain over arrays in memory moves.
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

/// The outputs of at least `MachineTable::streamed_bytes`, in rows of whole lines, that no kernel
/// reads, and none that another one is the same as writes.
std::set<loop::BufferId> streamed_outputs(const Program& program, const PassContext& context);

/// Stores of whole vectors side by side to `outputs`, numbers in the kernel's own program, stream.
void stream_stores(const Program& program, Kernel& kernel, PassContext& context,
                   const std::set<loop::BufferId>& outputs);

} // namespace gdjit::scheduling
