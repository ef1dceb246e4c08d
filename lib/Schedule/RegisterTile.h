// register tiles: where a vector loop holds an accumulation, several rows and several vectors of
// the result are computed side by side, so that what is loaded once is used for all of them and the
// chains of fma hide each other's latency.
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

void register_tile(Program& program, Kernel& kernel, PassContext& context, const Settled& settled,
                   Varying& varying);

} // namespace gdjit::scheduling
