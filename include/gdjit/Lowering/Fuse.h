// fuse: partitions the nodes into kernels by kind and index maps, and says why each kernel ends
// where it ends.
//
// Needs Simplified; leaves Fused: the same nodes, Step::partition filled.
#pragma once

#include "gdjit/IR/PassContext.h"
#include "gdjit/IR/Step.h"

namespace gdjit {

Step fuse(Step step, PassContext& context);

} // namespace gdjit
