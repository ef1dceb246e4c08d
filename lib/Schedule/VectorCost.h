// The estimate by which a loop is chosen for vectors.
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

#include <set>
#include <string>

namespace gdjit::scheduling {

constexpr int64_t least_iterations = 4; ///< of a loop: below, a vector gains nothing

/// Lanes that fit a loop: those of the widest element it loads or stores, no more than its
/// iterations need.
int lanes_for(const Statement& loop, int64_t iterations, const MachineTable& machine);

/// Estimated operations of one pass over a body whose loop variable is `loop`, done for `lanes`
/// iterations at once.
double vector_cost(const Program& program, const std::vector<Statement>& body, LoopId loop,
                   int lanes);

/// "side by side along it w, y, apart x": the arrays that the loop moves.
std::string lie_along(const Program& program, const Statement& loop);

/// Of what the best choice inside takes, how much lanes along the loop may take: less than all
/// where they store apart, and where they go on with sums apart in memory, since such accesses are
/// slower than they are many.
double cost_that_pays(const Program& program, const std::vector<Statement>& body, LoopId loop);

/// True where every store that the loop moves has its elements side by side.
bool stores_contiguous(const Program& program, const std::vector<Statement>& body, LoopId loop);

} // namespace gdjit::scheduling
