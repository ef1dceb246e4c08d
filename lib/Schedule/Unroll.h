// unroll: loops of a few iterations are written out, so that their tiles are registers.
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

/// Leaves the loops that are `settled`.
void unroll(const Program& program, Kernel& kernel, PassContext& context, const Settled& settled,
            const Varying& varying);

} // namespace gdjit::scheduling
