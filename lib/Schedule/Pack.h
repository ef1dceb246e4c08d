// pack: a buffer that a vector loop reads across its rows is copied once with that axis last, so
// that lanes lie side by side.
//
// Before:  … %b = load w[j + lanes, k] …
// After:   for j { for k { w.packed[k, j] = w[j, k] } } … %b = load w.packed[k, j + lanes] …
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

void pack(Program& program, Kernel& kernel, PassContext& context);

} // namespace gdjit::scheduling
