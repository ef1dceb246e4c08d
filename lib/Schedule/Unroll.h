// unroll: loops of a few iterations are written out, so that their tiles are registers.
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

void unroll(Kernel& kernel, PassContext& context, const Varying& varying);

} // namespace gdjit::scheduling
