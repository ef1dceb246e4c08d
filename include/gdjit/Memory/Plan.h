// plan: gives every buffer its place: updates in place where every read of the old value is done,
// temporaries and outputs in one arena, shared by live range.
//
// Needs Scheduled; leaves Planned.
#pragma once

#include "gdjit/IR/PassContext.h"
#include "gdjit/Loop/Program.h"

namespace gdjit {

loop::Program plan(loop::Program program, PassContext& context);

} // namespace gdjit
