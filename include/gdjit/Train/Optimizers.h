// Rules for minimize, with PyTorch's formulas and names. Each is a plain struct: m.minimize(loss,
// SGD{.lr = 0.1}).
#pragma once

#include "gdjit/Frontend/UpdateRule.h"

namespace gdjit {

/// Stochastic gradient descent, parameter t, gradient g:
///   g += weight_decay t;  b = g at the first update, then momentum b + (1 - dampening) g;
///   t -= lr (b, or g + momentum b where nesterov).
/// lr is the default of the scalar that each call may give.
struct SGD {
  double lr = 0.01;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;

  void apply(Minimization& m) const;
};

} // namespace gdjit
