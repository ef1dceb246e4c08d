// What a plan of the arena needs at least: the bytes that are live at once.
#pragma once

#include "gdjit/Loop/Program.h"

namespace gdjit {

/// Of the buffers that lie in the arena of a planned program, each in whole lines as it lies there.
struct LivePeak {
  int64_t bytes = 0;  ///< the most that is live at once: no arena is smaller
  size_t kernel = 0;  ///< where it is first
  int64_t all = 0;    ///< all of them, each in a place of its own
  size_t buffers = 0; ///< how many
};

LivePeak live_peak(const loop::Program& planned);

} // namespace gdjit
