// distribute: a loop that accumulates in order, but computes much that is independent, becomes two:
// the first computes and may become vectors, the second accumulates.
//
// Before:  for i in 0..6 { %1 = … x[i] …; set t0 = add t0, (mul %1, %1); set t1 = add t1, %1 }
// After:   for i in 0..6 { %1 = … x[i] …; store d[i] = %1; store e[i] = mul %1, %1 }
//          for i in 0..6 { set t0 = add t0, e[i]; set t1 = add t1, d[i] }
//
// So does one over chains whose iterations join partial sums of their own: the first joins, and the
// second's iterations may be lanes.
//
// Before:  for l in 0..16 { tile t1 … set t1[l1] = …; %1 = join add t1; set t0[l] = add t0[l], … }
// After:   for l in 0..16 { tile t1 … set t1[l1] = …; store d[l] = join add t1 }
//          for l in 0..16 { %1 = load d[l]; set t0[l] = add t0[l], … }
//
// The new buffers have room behind their elements for the rest of a vector. Done where the estimate
// of vectorize says that the lanes gain more than the way through memory costs.
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

/// The new buffers.
std::set<loop::BufferId> distribute(Program& program, Kernel& kernel, PassContext& context,
                                    const Settled& settled);

} // namespace gdjit::scheduling
