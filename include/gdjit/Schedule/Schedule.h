// schedule: threads, vectors, register tiles, packing and unrolling. No bit changes.
//
// Needs Loops, expanded; leaves Scheduled.
#pragma once

#include "gdjit/IR/PassContext.h"
#include "gdjit/Loop/Program.h"

namespace gdjit {

loop::Program schedule(loop::Program program, PassContext& context);

} // namespace gdjit
