// expand: calls of elementary functions become the scalar operations that define them.
//
//   %5 = sigmoid %4   =>   %5 = abs %4;  %6 = neg %5;  %7 = fma %6, 1.442695, 12583166 …
// Until here loops read as one would write them; from here on they hold nothing but exact
// operations, which vectors, both interpreters and code generation know.
//
// Needs Loops and leaves Loops without calls: equal computations of a kernel are done once.
#pragma once

#include "gdjit/IR/PassContext.h"
#include "gdjit/Loop/Program.h"

namespace gdjit {

loop::Program expand(loop::Program program, PassContext& context);

} // namespace gdjit
