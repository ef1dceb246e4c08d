// unroll: loops of a few iterations are written out, so that their tiles are registers.
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

/// Statements to which a loop that nothing in its kernel repeats is written out: more where the
/// kernel, with those that are the same, is a large part of the step's `kernels`.
int64_t most_once(int64_t same, size_t kernels);

/// Leaves the loops that are `settled`.
void unroll(const Program& program, Kernel& kernel, PassContext& context, const Settled& settled,
            const Varying& varying, int64_t most_once);

} // namespace gdjit::scheduling
