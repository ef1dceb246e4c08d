// When the iterations of a loop may run in any order, or at once.
#pragma once

#include "Rewrite.h"

#include <string>

namespace gdjit::scheduling {

/// Why the iterations of `loop` depend on each other; empty where they do not. They are independent
/// where whatever an iteration writes is addressed by the loop variable along one axis, and by
/// nothing else that moves inside: every access then stays in its iteration's slice. Tiles declared
/// inside belong to their iteration.
std::string dependence(const Program& program, const Statement& loop);

} // namespace gdjit::scheduling
