// schedule: register tiles, vectors, later packing, blocking and threads. No bit changes.
//
// Needs Loops; leaves Scheduled.
#pragma once

#include "gdjit/IR/PassContext.h"
#include "gdjit/Loop/Program.h"

namespace gdjit {

loop::Program schedule(const loop::Program& program, PassContext& context);

} // namespace gdjit
