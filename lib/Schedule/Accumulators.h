// How many registers a chain of an accumulation takes.
#pragma once

#include "Rewrite.h"

namespace gdjit::scheduling {

/// The most vectors that one chain inside `body` accumulates into; 0 where there is none. What a
/// loop over whole chains adds up (the sums of blocks) may lie in memory meanwhile.
int64_t accumulators(const std::vector<Statement>& body, const Varying& varying);

} // namespace gdjit::scheduling
