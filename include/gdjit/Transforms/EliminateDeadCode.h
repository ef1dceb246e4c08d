// eliminate_dead_code: drops nodes that no output and no update needs. A report of an index out of
// range is a result of the call too: gather, scatter_add and one_hot stay.
//
// The signature stays as it is: which inputs and states a step has depends on no optimization.
// Needs any graph stage before Fused.
//   %a = exp(%x); %b = neg(%x); output %b   =>   %b = neg(%x); output %b
#pragma once

#include "gdjit/IR/PassContext.h"
#include "gdjit/IR/Step.h"

namespace gdjit {

Step eliminate_dead_code(Step step, PassContext& context);

} // namespace gdjit
