// random_step: a step over all ops, types and shapes, drawn by a seed.
#pragma once

#include "gdjit/IR/Step.h"

namespace gdjit::testing {

struct RandomStepOptions {
  int nodes = 18;        ///< about as many ops are appended, gradients and results apart
  bool gradients = true; ///< some steps differentiate a loss
  bool smooth = false;   ///< f64 alone, ops with a derivative everywhere alone
};

/// The same seed gives the same step. Ranks 0 to 6, extents 0 and 1 among them; it compiles.
Step random_step(uint64_t seed, const RandomStepOptions& options = {});

} // namespace gdjit::testing
