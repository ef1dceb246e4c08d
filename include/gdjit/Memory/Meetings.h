// Where the threads that share a step must meet: where the memory asks for it.
#pragma once

#include "gdjit/Loop/Program.h"

#include <vector>

namespace gdjit {

/// Per kernel of a planned program: threads meet behind it. One of them runs what is not shared,
/// each its turns of what is. Any two kernels of which one is shared, and one writes what the other
/// touches, have a meeting between them. It is as early as it may be where the later one is shared,
/// so that the others begin with it while the one thread does what stands between; as late as it
/// may be where the one thread waits for the others. None stands behind the last kernel.
std::vector<bool> meetings(const loop::Program& program);

} // namespace gdjit
