// copy_in_first_tile: what a panel holds is copied while the first tile of rows uses it.
//
// Before:  for k { panel[k] = w[k, j] }
//          for i in 0..252 step 14 { tile t; for k { … panel[k] … } … }
// After:   tile t; for k { prefetch w[k+8, j]; panel[k] = w[k, j]; … panel[k] … } …
//          for i in 14..252 step 14 { tile t; for k { … panel[k] … } … }
//
// A copy by itself waits for caches while nothing is computed.
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

void copy_in_first_tile(const Program& program, Kernel& kernel, PassContext& context);

} // namespace gdjit::scheduling
