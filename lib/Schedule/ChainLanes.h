// Tiles of partial sums that become vectors: a loop that walks over the chains of a tile declared
// outside of it becomes vectors together with all others over that tile, or none of them does.
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

#include <map>
#include <set>

namespace gdjit::scheduling {

/// True where an earlier step, or whoever wrote the loop, made vectors inside.
bool holds_vectors(const Statement& loop);

class ChainLanes {
public:
  ChainLanes() = default;
  ChainLanes(const Program& program, const std::vector<Statement>& body,
             const MachineTable& machine, const Varying& varying);

  /// Lanes of a loop over chains; 0 where it is none, -1 where its tiles cannot become vectors.
  int of_loop(const Statement& loop) const;

  /// Lanes of the elements of a tile of chains; 0 where they stay scalars.
  int of_tile(TileId tile) const;

  /// True where the loop's chains are partial sums that are joined, not sums of different results.
  bool joined(LoopId loop) const;

  /// True where a loop inside walks over chains of outside that are lanes.
  bool holds_chains_of_outside(const Statement& loop) const;

  /// The tiles over whose chains a loop walks.
  const std::set<TileId>& tiles_of(LoopId loop) const { return tiles_of_loop_.at(loop); }

private:
  std::map<TileId, int> lanes_;
  std::set<TileId> joined_;
  std::map<LoopId, std::set<TileId>> tiles_of_loop_;
};

} // namespace gdjit::scheduling
