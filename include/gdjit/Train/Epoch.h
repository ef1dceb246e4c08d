// A pass over batches in one call: order, rows, steps and running means, without a loop of one's
// own.
//
//     Loader loader(rows, {.batch = 64, .shuffle_seed = 0});
//     for (int epoch = 0; epoch < 20; ++epoch)
//       std::printf("%g\n", run_epoch(train, loader, {.lr = 1e-3}).loss);
#pragma once

#include "gdjit/Data/Loader.h"
#include "gdjit/JIT/StepFunction.h"

#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace gdjit {

/// Means over the batches of a pass, weighted by their rows.
struct EpochMeans {
  struct Output {
    std::string name;
    double mean;
  };

  double loss = std::numeric_limits<double>::quiet_NaN(); ///< of the output "loss", NaN without one
  int64_t batches = 0;
  int64_t rows = 0;
  std::vector<Output> outputs; ///< those of the step that are single numbers, in its order

  /// Error(usage) that lists the names where there is none.
  double mean(std::string_view output) const;
};

/// Runs `step` on each batch that `loader` has left in its epoch. The bits of calling step(batch,
/// scalars) in a loop over the loader; errors as there, with the loader behind the batch that
/// failed. Full batches are one call of native code where that repeats the step (one kernel, one
/// thread) and no thread gathers them ahead; the first such epoch compiles it.
EpochMeans run_epoch(StepFunction& step, Loader& loader, const Scalars& scalars = {});

} // namespace gdjit
