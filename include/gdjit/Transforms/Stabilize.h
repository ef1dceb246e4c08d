// stabilize: rewrites forms that lose digits or overflow; the one pass that changes bits, for the
// better.
//
// Runs before differentiation, because the derivative of an unsafe form is unsafe. A value that a
// gradient is taken of is never looked through, so that its gradient keeps its meaning. Needs
// Declared, leaves Declared. The rewrites (constants and sums may be broadcast or reshaped):
//
//   log(1 + x), log(x + 1)             =>  log1p(x)                log(1 - x)  =>  log1p(-x)
//   exp(x) - 1                         =>  expm1(x)                1 - exp(x)  =>  -expm1(x)
//   1 - sigmoid(x)                     =>  sigmoid(-x)
//   1 / (1 + exp(x))                   =>  sigmoid(-x)             also as reciprocal; --x is x
//   exp(x) / (1 + exp(x))              =>  sigmoid(x)
//   log(sigmoid(x))                    =>  -softplus(-x)
//   log(1 + exp(x)), log1p(exp(x))     =>  softplus(x)
//   log(1 - exp(x))                    =>  select(x > -ln 2, log(-expm1(x)), log1p(-exp(x)))
//   log(exp(x))                        =>  x
//   log(exp(x) / s)                    =>  x - log(s)              log(softmax(x)): s is sum(exp(x
//   - max)) log(sum(exp(x)))                   =>  m + log(sum(exp(x - m))), m = max(x), 0 where
//   that is not finite,
//                                          unless x subtracts a maximum already
//   exp(x) / sum(exp(x))               =>  exp(x - m) / sum(exp(x - m)), likewise
#pragma once

#include "gdjit/IR/PassContext.h"
#include "gdjit/IR/Step.h"

namespace gdjit {

Step stabilize(Step step, PassContext& context);

} // namespace gdjit
