// join_rows: where results are joined from partial chains, several results are computed side by
// side and joined at once, each into its lane.
//
// Before:  for j in 0..10 { tile t : f32x16; for k { t = fma x[i, k+lanes], w[j, k+lanes], t }
//            %1 = join add t; y[i, j] = %1 + b[j] }
// After:   tile t[10] : f32x16; for k { %0 = x[i, k+lanes]
//              for j in 0..10 unrolled { t[j] = fma %0, w[j, k+lanes], t[j] } }
//          %1 = join add t : f32x16; y[i, lanes] = %1 + b[lanes] if lanes < 10
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

/// Needs vectors.
void join_rows(const Program& program, Kernel& kernel, PassContext& context, Settled& settled);

} // namespace gdjit::scheduling
