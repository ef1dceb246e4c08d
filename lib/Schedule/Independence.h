// When the iterations of a loop may run in any order, or at once.
#pragma once

#include "Rewrite.h"

#include <string>

namespace gdjit::scheduling {

/// Why the iterations of `loop` depend on each other; empty where they do not. They are independent
/// where whatever an iteration writes is addressed by the loop variable along one axis, and by
/// nothing else that moves inside by more than the loop steps over: every access then stays in its
/// iteration's slice. Tiles declared inside belong to their iteration.
std::string dependence(const Program& program, const Statement& loop);

/// The same for iterations that become lanes, which do each statement together: a single check
/// among the loop's own statements meets them in their order. What it checks must index nothing
/// here.
std::string lane_dependence(const Program& program, const Statement& loop);

/// A buffer of which `loop` writes elements that its iterations share; none where there is none.
loop::BufferId shared_buffer(const Program& program, const Statement& loop);

/// True where no turn of `loop` touches what another one does of a tile or buffer, of which
/// `accesses` are all within it.
bool keeps_apart(const Statement& loop, const std::vector<const Statement*>& accesses);

/// Tiles declared inside: each iteration's own.
std::set<TileId> own_tiles(const Statement& loop);

/// True where chains are joined, or rows exchanged for lanes, within the loop: they have the
/// lanes there.
bool joins(const Statement& loop);

/// True where no tile of outside is moved by the loop, and none is joined: a join takes lanes for
/// chains.
bool keeps_to_its_tiles(const Statement& loop);

} // namespace gdjit::scheduling
