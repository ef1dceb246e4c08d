// share_common_subexpressions: equal nodes (op, operands, attributes) become one.
//
// A rebuild by the sharing builder. Needs Differentiated: before, a gradient may tell equal values
// apart.
//   %a = exp(%x); %b = exp(%x); %c = add(%a, %b)   =>   %a = exp(%x); %c = add(%a, %a)
#pragma once

#include "gdjit/IR/PassContext.h"
#include "gdjit/IR/Step.h"

namespace gdjit {

Step share_common_subexpressions(Step step, PassContext& context);

} // namespace gdjit
