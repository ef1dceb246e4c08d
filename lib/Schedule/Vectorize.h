// vectorize: chooses the loops whose iterations become lanes, and rewrites them.
//
// Before:  for j in 0..40 { %a = load x[i, j] … store y[i, j] = %b }
// After:   for j in 0..32 step 16 { %a = load x[i, j + lanes] : f32x16 … }  and one masked pass
// for 32..40
//
// A loop may be chosen where its iterations are independent; among the loops of a nest the cheapest
// in estimated operations wins, a strided access costing one operation a lane. A loop that walks
// over the chains of partial sums (a tile declared outside) is chosen by ChainLanes.
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

#include <set>

namespace gdjit::scheduling {

/// `padded` buffers have room for whole vectors along their last axis and are stored to without the
/// mask of a rest: a load of single elements right behind can take over an unmasked store faster.
/// A loop that varies becomes one loop over masked vectors.
void vectorize(const Program& program, Kernel& kernel, PassContext& context,
               const std::set<loop::BufferId>& padded, Varying& varying);

/// Operations of a kernel once vectorize has rewritten it, as it estimates them.
double estimated_cost(const Program& program, const Kernel& kernel, PassContext& context);

} // namespace gdjit::scheduling
