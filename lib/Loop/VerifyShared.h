// The rule of kernels that threads share.
#pragma once

#include "gdjit/Loop/Program.h"

#include <string>

namespace gdjit::loop {

/// Why threads may not share the parallel loop that is all of `kernel`; empty where they may, or
/// where the kernel is no such loop. They may where turns keep apart: along one axis of each buffer
/// that is stored to, what a turn reads and writes lies in a range of its own. Ids and ranks must
/// have been verified.
std::string sharing_problem(const Program& program, const Kernel& kernel);

} // namespace gdjit::loop
