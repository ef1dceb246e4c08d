// first_terms: short chains of fma side by side begin with a product instead of a tile of -0.0.
//
// Before:  tile t[14, 2] : f32x16 = -0.0; for k in 0..10 { … set t[r, v] = fma %a, %b, t[r, v] }
// After:   tile t[14, 2] : f32x16 = -0.0; … set t[r, v] = mul %a, %b
//          for k in 1..10 { … set t[r, v] = fma %a, %b, t[r, v] }
//
// fma a, b, -0.0 is mul a, b to the bit; but putting -0.0 into 28 registers, for which a processor
// has no idiom as it has for 0, takes as long as two terms.
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

void first_terms(Kernel& kernel, PassContext& context, const Varying& varying);

} // namespace gdjit::scheduling
