// lower: a fused graph becomes loops as one would write them by hand.
//
// Needs Fused; leaves Loops.
#pragma once

#include "gdjit/IR/PassContext.h"
#include "gdjit/Loop/Program.h"

namespace gdjit {

loop::Program lower(Step step, PassContext& context);

} // namespace gdjit
