// fold_constants: computes at compile time what depends on constants alone, by the graph
// interpreter.
//
// A result of at most 64 elements becomes a literal; a pointwise op over uniform operands (a
// broadcast scalar) becomes a broadcast scalar of any size. Ops that check an index stay, so that
// the call reports them. Needs Differentiated.
//   %c = mul(constant 2, constant 3)                          =>   %c = constant 6
//   %c = sqrt(broadcast(constant 4, [64,10]))                 =>   %c = broadcast(constant 2,
//   [64,10])
#pragma once

#include "gdjit/IR/PassContext.h"
#include "gdjit/IR/Step.h"

namespace gdjit {

Step fold_constants(Step step, PassContext& context);

} // namespace gdjit
