// Loops over results that are joined from partial chains, and the sums over rows that their results
// go into.
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

#include <map>
#include <set>

namespace gdjit::scheduling {

/// for j { tile t : f32x16; for k { … t … }; %0 = join add t; … }, of which several turns can be
/// done side by side.
class JoinedLoops {
public:
  JoinedLoops(const Program& program, const std::vector<Statement>& body,
              const MachineTable& machine);

  /// Vectors of the tile that each turn of the loop joins; 0 where the loop is none of these.
  int64_t vectors(const Statement& loop) const;

  /// Vectors of accumulators that fit the registers, beside their operands.
  int64_t accumulators() const { return accumulators_; }

  /// Results whose chains the registers hold side by side.
  int64_t results(const Statement& loop) const;

  /// Tiles of outside to whose elements the loop's results are added, turn l to element l, and
  /// which nothing else touches but such loops and a join of all elements.
  std::set<TileId> sums(const Statement& loop) const;

  /// Of those the lanes of one vector, the same in all loops of the kernel.
  int64_t lanes_of_sums() const { return lanes_; }

private:
  struct Found {
    int64_t vectors = 0;
    std::set<TileId> sums;
  };

  void find(const Program& program, const std::vector<Statement>& body);
  void keep_possible(const std::vector<Statement>& body);

  std::map<LoopId, Found> found_;
  int64_t accumulators_;
  int64_t lanes_ = 1;
};

} // namespace gdjit::scheduling
