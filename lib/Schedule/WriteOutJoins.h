// write_out_joins: where partial chains read strided and the results lie side by side, the lanes
// are the results': each chain is a vector of its own, and the join is written out.
//
// Before:  for i in 0..784 { tile t[16]; for k in 0..64 step 16 { for l in 0..16 {
//            t[l] = fma x[k+l, i], g[k+l], t[l] } } d[i] = join add t }
// After:   for i in 0..784 { tile t[16]; … ; %0 = t[0]; … ; %15 = t[15]
//            %16 = add %0, %8; …; %30 = add %28, %29; d[i] = %30 }
// which vectorize takes over i. Done where its estimate says so.
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

void write_out_joins(const Program& program, Kernel& kernel, PassContext& context,
                     const Settled& settled);

} // namespace gdjit::scheduling
