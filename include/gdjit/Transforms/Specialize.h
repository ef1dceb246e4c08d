// specialize: chooses training or evaluation, before anything is differentiated.
//
// The bool scalar `training` becomes a constant and a select on it takes its branch, so that what
// the other mode alone needs is dead code and has no gradient. Needs Declared, leaves Declared.
//   %t = scalar "training"; %y = select(broadcast(%t), %dropped, %x)   =>   %y is %dropped (or %x)
#pragma once

#include "gdjit/IR/PassContext.h"
#include "gdjit/IR/Step.h"

namespace gdjit {

Step specialize(Step step, PassContext& context);

} // namespace gdjit
