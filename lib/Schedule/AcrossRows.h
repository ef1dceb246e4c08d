// across_rows: a narrow result (fewer columns than lanes) is computed with rows as lanes, and
// turned in registers before it is stored.
//
// Before:  for i in 0..784 { for j in 0..10 { tile t; for k { t = fma x[k, i], d[k, j], t }
//            w[i, j] = w[i, j] - t } }
// After:   for i step 16 { tile t[10] : f32x16; for k { %0 = x[k, i+lanes]
//              for j in 0..10 unrolled { t[j] = fma %0, d[k, j], t[j] } }
//            tile r[16] : f32x16 = t; transpose r
//            for l in 0..16 { w[i+l, lanes] = w[i+l, lanes] - r[l] if lanes < 10 } }
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

void across_rows(Program& program, Kernel& kernel, PassContext& context, Settled& settled);

} // namespace gdjit::scheduling
