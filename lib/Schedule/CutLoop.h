// cut_loop: one loop becomes two, with what crosses from the first to the second in memory.
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

#include <optional>
#include <vector>

namespace gdjit::scheduling {

enum class Cut {
  accumulations, ///< the second loop accumulates in order
  joins,         ///< the first loop joins partial sums of one iteration, whose lanes they are
};

/// The loops that a loop becomes, over the same iterations; none where it cannot, or has too little
/// that gains. The new buffers are the program's last.
std::optional<std::vector<Statement>> cut_loop(Program& program, Kernel& kernel,
                                               const Statement& loop, Cut cut,
                                               const MachineTable& machine);

} // namespace gdjit::scheduling
