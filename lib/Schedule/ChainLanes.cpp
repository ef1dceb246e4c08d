// Which tiles of partial sums become lanes: all their loops must allow it, and agree on one width.
#include "ChainLanes.h"

#include "Independence.h"
#include "VectorCost.h"

#include <algorithm>
#include <cmath>

namespace gdjit::scheduling {

namespace {

constexpr double gain_with_stores_apart = 1.5; ///< by estimate, of lanes that store apart
/// What is stored lane by lane costs code: with fewer operations for each, more than it gains.
constexpr double work_of_store_apart = 16;

/// A loop that walks over chains.
struct Walk {
  const Statement* loop;
  double times; ///< that it is run through
};

/// A tile declared outside the loops that walk over it.
struct Chains {
  std::vector<Walk> walks;
  int64_t extent = 0;
  size_t depth = 0; ///< loops around its declaration
  bool possible = true;
};

bool holds_chains_of_outside(const Statement& loop, const std::map<TileId, int>& lanes,
                             const std::map<LoopId, std::set<TileId>>& tiles_of_loop) {
  const std::set<TileId> own = own_tiles(loop);
  bool found = false;
  for_each(loop.body, [&](const Statement& s) {
    auto inside = tiles_of_loop.find(s.loop);
    if (s.kind == StatementKind::For && inside != tiles_of_loop.end())
      found = found || std::ranges::any_of(inside->second, [&](TileId t) {
                return lanes.contains(t) && !own.contains(t);
              });
  });
  return found;
}

class Finder {
public:
  Finder(const Program& program, const MachineTable& machine, const Varying& varying,
         const std::set<TileId>& joined, std::map<TileId, int>& lanes,
         std::map<LoopId, std::set<TileId>>& tiles_of_loop)
      : program_(program), machine_(machine), varying_(varying), joined_(joined), lanes_(lanes),
        tiles_of_loop_(tiles_of_loop) {}

  void find(const std::vector<Statement>& body) {
    std::vector<const Statement*> around;
    visit(body, around);
    for (const auto& [tile, chains] : chains_)
      if (const int lanes = lanes_of(tile, chains))
        lanes_[tile] = lanes;
    agree();
  }

private:
  /// Lanes of a tile whose every access is tile[.., l] within a loop over l from 0; 0 where it
  /// stays scalars.
  int lanes_of(TileId tile, const Chains& chains) const {
    if (!chains.possible || chains.walks.empty() || chains.extent < least_iterations)
      return 0;
    int lanes = 1 << 30;
    bool contiguous = true;
    for (const Walk& walk : chains.walks) {
      const Statement& loop = *walk.loop;
      if (holds_vectors(loop) || !lane_dependence(program_, loop).empty() || joins(loop) ||
          moves_other_tiles(loop))
        return 0;
      contiguous = contiguous && stores_contiguous(program_, loop.body, loop.loop);
      lanes = std::min(lanes, lanes_for(loop, chains.extent, machine_));
    }
    const bool whole = chains.extent % lanes == 0 && !varying_.tiles.count(tile);
    const bool pays = contiguous || pays_with_stores_apart(chains, lanes);
    return pays && (whole || !joined_.count(tile)) ? lanes : 0;
  }

  /// A loop over several such tiles needs one width for all of them, and all of them possible; one
  /// that holds a loop over chains of outside, which would be its lanes, has none itself.
  void agree() {
    bool changed = true;
    while (changed) {
      changed = false;
      for (const auto& [tile, chains] : chains_)
        if (lanes_.count(tile) && std::ranges::any_of(chains.walks, [&](const Walk& walk) {
              return holds_chains_of_outside(*walk.loop, lanes_, tiles_of_loop_);
            })) {
          lanes_.erase(tile);
          changed = true;
        }
      for (auto& [loop, tiles] : tiles_of_loop_) {
        int least = 1 << 30;
        for (TileId t : tiles)
          least = std::min(least, lanes_.count(t) ? lanes_[t] : 0);
        for (TileId t : tiles) {
          auto at = lanes_.find(t);
          if (at == lanes_.end() || at->second == least)
            continue;
          if (least == 0)
            lanes_.erase(at);
          else
            at->second = least;
          changed = true;
        }
      }
    }
  }

  /// True where the loops, taken together, compute so much that stores lane by lane do not matter.
  bool pays_with_stores_apart(const Chains& chains, int lanes) const {
    double vectors = 0, scalars = 0, stores = 0;
    for (const Walk& walk : chains.walks) {
      const Statement& loop = *walk.loop;
      const auto n = static_cast<double>(turns(loop));
      vectors +=
          walk.times * std::ceil(n / lanes) * vector_cost(program_, loop.body, loop.loop, lanes);
      scalars += walk.times * n * vector_cost(program_, loop.body, loop.loop, 1);
      stores += walk.times * n * stores_in(loop.body);
    }
    return vectors < scalars / gain_with_stores_apart && scalars > stores * work_of_store_apart;
  }

  static double stores_in(const std::vector<Statement>& body) {
    double stores = 0;
    for (const Statement& s : body)
      stores += s.kind == StatementKind::For     ? static_cast<double>(turns(s)) * stores_in(s.body)
                : s.kind == StatementKind::Store ? 1
                                                 : 0;
    return stores;
  }

  /// True where the loop moves through a tile in any way but along its chains.
  bool moves_other_tiles(const Statement& loop) const {
    const std::set<TileId>& chains = tiles_of_loop_.at(loop.loop);
    bool found = false;
    for_each(loop.body, [&](const Statement& s) {
      if (s.kind != StatementKind::Get && s.kind != StatementKind::Set)
        return;
      for (size_t axis = 0; axis < s.index.size(); ++axis) {
        bool along = axis + 1 == s.index.size() && chains.count(s.tile) &&
                     s.index[axis] == Index{variable(loop.loop), loop::none, 0};
        found |= !along && factor(s.index[axis].affine, loop.loop) != 0;
      }
    });
    return found;
  }

  void visit(const std::vector<Statement>& body, std::vector<const Statement*>& around) {
    for (const Statement& s : body) {
      if (s.kind == StatementKind::For) {
        around.push_back(&s);
        visit(s.body, around);
        around.pop_back();
      } else if (s.kind == StatementKind::Tile) {
        chains_[s.tile].extent = s.extents.empty() ? 0 : s.extents.back();
        chains_[s.tile].possible &= s.type.lanes == 1;
        chains_[s.tile].depth = around.size();
      } else if (s.kind == StatementKind::Get || s.kind == StatementKind::Set) {
        access(s, around);
      }
    }
  }

  void access(const Statement& s, const std::vector<const Statement*>& around) {
    Chains& chains = chains_[s.tile];
    Walk walk = {nullptr, 1};
    double times = 1;
    for (size_t depth = 0; depth < around.size() && !s.index.empty(); ++depth) {
      const Statement& loop = *around[depth];
      if (depth >= chains.depth && s.index.back() == Index{variable(loop.loop), loop::none, 0})
        walk = {&loop, times};
      times *= static_cast<double>(turns(loop));
    }
    if (!walk.loop || walk.loop->begin != 0 || walk.loop->step != 1) {
      chains.possible = false;
      return;
    }
    if (std::ranges::find(chains.walks, walk.loop, &Walk::loop) == chains.walks.end())
      chains.walks.push_back(walk);
    tiles_of_loop_[walk.loop->loop].insert(s.tile);
  }

  const Program& program_;
  const MachineTable& machine_;
  const Varying& varying_;
  const std::set<TileId>& joined_;
  std::map<TileId, int>& lanes_;
  std::map<LoopId, std::set<TileId>>& tiles_of_loop_;
  std::map<TileId, Chains> chains_;
};

} // namespace

bool holds_vectors(const Statement& loop) {
  bool found = false;
  for_each(loop.body, [&](const Statement& s) { found |= s.type.lanes > 1; });
  return found;
}

ChainLanes::ChainLanes(const Program& program, const std::vector<Statement>& body,
                       const MachineTable& machine, const Varying& varying) {
  for_each(body, [&](const Statement& s) {
    if (s.kind == StatementKind::Join)
      joined_.insert(s.tile);
  });
  Finder(program, machine, varying, joined_, lanes_, tiles_of_loop_).find(body);
}

int ChainLanes::of_loop(const Statement& loop) const {
  auto at = tiles_of_loop_.find(loop.loop);
  if (at == tiles_of_loop_.end())
    return 0;
  const int lanes = of_tile(*at->second.begin());
  return lanes == 0 ? -1 : lanes;
}

bool ChainLanes::holds_chains_of_outside(const Statement& loop) const {
  return scheduling::holds_chains_of_outside(loop, lanes_, tiles_of_loop_);
}

bool ChainLanes::joined(LoopId loop) const {
  return std::ranges::any_of(tiles_of(loop), [&](TileId tile) { return joined_.count(tile) != 0; });
}

int ChainLanes::of_tile(TileId tile) const {
  auto at = lanes_.find(tile);
  return at == lanes_.end() ? 0 : at->second;
}

} // namespace gdjit::scheduling
