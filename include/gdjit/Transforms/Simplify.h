// simplify: the exact local rewrites that the ops' blocks list ("x * 1 => x"), to a fixed point in
// one walk.
//
// Operands are simplified before their users, and what a rule builds is simplified at once, so no
// second walk is needed. Shares common subexpressions by the way. Needs Differentiated; no bit
// changes.
//   %y = mul(%x, constant 1); %z = neg(neg(%y))   =>   %z is %x
#pragma once

#include "gdjit/IR/PassContext.h"
#include "gdjit/IR/Step.h"

namespace gdjit {

Step simplify(Step step, PassContext& context);

} // namespace gdjit
