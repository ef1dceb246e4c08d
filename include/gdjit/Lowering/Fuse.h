// fuse: partitions the nodes into kernels by kind and index maps, and says why each kernel ends
// where it ends.
//
// Needs Simplified; leaves Fused: the same nodes, Step::partition filled.
#pragma once

#include "gdjit/IR/PassContext.h"
#include "gdjit/IR/Step.h"

namespace gdjit {

Step fuse(Step step, PassContext& context);

/// For each kernel that fuse makes of a simplified step, why its nodes are in it: a line for each
/// reason, which names nodes as the fused graph does.
std::vector<std::vector<std::string>> why_fused(const Step& simplified);

} // namespace gdjit
