// A step on one thread and on two, in turn.
//
// A host may give both processors of a virtual machine one core at times: each then reaches half
// of the FMA peak while the other one computes. So only steps count that ran between two moments
// in which both were seen to reach at once what one reaches alone, and in which no other process
// took one of them.
#pragma once

#include "Prepared.h"

namespace gdjit::benchmarks {

/// Seconds of single steps.
struct Quick {
  double best = 0;      ///< of all
  double hundredth = 0; ///< that one of a hundred stays below
  size_t steps = 0;     ///< that counted
};

struct Sharing {
  bool shared =
      false; ///< else one thread does it all, by the schedule's rule, and nothing is timed
  Quick one, two;
  size_t windows = 0, counted = 0; ///< of 20 ms each
};

/// For `seconds`; with the model's rows, or the first `batch` of them.
Sharing share(const ModelRow& row, int64_t batch, double seconds);

} // namespace gdjit::benchmarks
