// differentiate: expands every gradient node into ordinary nodes by reverse mode.
//
// Needs a graph with the scalar `training` resolved and made safe by stabilize. Leaves no
// Derivative node.
//   %g = gradient(%loss, %w)   =>   the adjoint of %w, built from the ops' vjp rules, innermost
//   gradient first
//
// The order of accumulation is fixed: contributions to a node are added in the order of their users
// from the loss backward. All reads of one input, state or scalar are one variable; any other value
// is a variable of its own, even where another node computes the same. A loss that does not depend
// on the value is an Error; one that depends on it with a derivative of zero (a linear function
// twice, a stop_gradient) gives a constant zero.
#pragma once

#include "gdjit/IR/PassContext.h"
#include "gdjit/IR/Step.h"

namespace gdjit {

Step differentiate(Step step, PassContext& context);

} // namespace gdjit
