// prune_inputs: drops from the signature the inputs that no output and no update needs, for
// `predict`.
//
// The exception to "the signature depends on no optimization": prediction asks only for the data
// that its outputs need. Runs on a declared step, before compile; it specializes and drops dead
// code to see what is needed. States, scalars and outputs stay as they are.
//   inputs x, y; output p = sigmoid(x)   =>   input x; output p = sigmoid(x)
#pragma once

#include "gdjit/IR/PassContext.h"
#include "gdjit/IR/Step.h"

namespace gdjit {

Step prune_inputs(Step step, PassContext& context);

} // namespace gdjit
