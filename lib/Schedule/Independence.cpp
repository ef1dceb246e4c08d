// The test of slices: all accesses to what a loop writes agree on one axis along which turns keep
// apart.
#include "Independence.h"

#include <algorithm>
#include <set>

namespace gdjit::scheduling {

namespace {

using Loops = std::map<LoopId, const Statement*>;

/// A coordinate: what is the same for all of a turn, and what lanes and the loops inside add to it.
struct Coordinate {
  Affine of_turn;
  int64_t low = 0, high = 0;

  Coordinate(const Statement& s, const Index& index, const Loops& inner) {
    auto add = [&](int64_t a, int64_t b) {
      low += std::min(a, b);
      high += std::max(a, b);
    };
    add(index.affine.constant, index.affine.constant);
    add(0, index.lane * (s.type.lanes - 1));
    for (const loop::Term& t : index.affine.terms)
      if (auto at = inner.find(t.loop); at != inner.end())
        add(t.factor * at->second->begin, t.factor * last_value(*at->second));
      else
        of_turn.terms.push_back(t);
  }
};

/// True where some axis keeps every access of a turn within a slice, no wider than what the loop
/// steps over, which no other turn touches.
bool sliced(const std::vector<const Statement*>& accesses, const Statement& loop,
            const Loops& inner) {
  const Statement& first = *accesses.front();
  for (size_t axis = 0; axis < first.index.size(); ++axis) {
    Coordinate all(first, first.index[axis], inner);
    bool agree = factor(all.of_turn, loop.loop) != 0;
    for (const Statement* s : accesses) {
      agree = agree && s->buffer == first.buffer && s->tile == first.tile &&
              s->index.size() == first.index.size() && s->index[axis].dynamic == loop::none;
      if (!agree)
        break;
      const Coordinate one(*s, s->index[axis], inner);
      agree = one.of_turn == all.of_turn;
      all.low = std::min(all.low, one.low);
      all.high = std::max(all.high, one.high);
    }
    // Of a loop by ones that is one element: blocks, as in 8*i + r, are left to the loop inside.
    const int64_t width = loop.step == 1 ? 1 : std::abs(factor(all.of_turn, loop.loop)) * loop.step;
    if (agree && all.high - all.low < width)
      return true;
  }
  return false;
}

Loops inner_loops(const Statement& loop) {
  Loops inner;
  for_each(loop.body, [&](const Statement& s) {
    if (s.kind == StatementKind::For)
      inner[s.loop] = &s;
  });
  return inner;
}

} // namespace

bool keeps_apart(const Statement& loop, const std::vector<const Statement*>& accesses) {
  return sliced(accesses, loop, inner_loops(loop));
}

loop::BufferId shared_buffer(const Program& program, const Statement& loop) {
  const Loops inner = inner_loops(loop);
  std::map<loop::BufferId, std::vector<const Statement*>> accesses;
  std::set<loop::BufferId> written;
  for_each(loop.body, [&](const Statement& s) {
    if (s.kind == StatementKind::Store)
      written.insert(storage(program, s.buffer));
    if (s.kind == StatementKind::Store || s.kind == StatementKind::Load)
      accesses[storage(program, s.buffer)].push_back(&s);
  });
  loop::BufferId shared = loop::none;
  for (loop::BufferId b : written)
    if (!sliced(accesses[b], loop, inner))
      shared = b;
  return shared;
}

std::string dependence(const Program& program, const Statement& loop) {
  const Loops inner = inner_loops(loop);
  std::set<TileId> own;
  std::map<TileId, std::vector<const Statement*>> tiles;
  std::set<TileId> set;
  std::string reason;
  for_each(loop.body, [&](const Statement& s) {
    switch (s.kind) {
    case StatementKind::Tile:
      own.insert(s.tile);
      break;
    case StatementKind::Check:
      reason = "an index is checked, in order";
      break;
    case StatementKind::Set:
    case StatementKind::Transpose:
      set.insert(s.tile);
      [[fallthrough]];
    case StatementKind::Get:
    case StatementKind::Join:
      tiles[s.tile].push_back(&s);
      break;
    case StatementKind::For:
    case StatementKind::Load:
    case StatementKind::Store:
    case StatementKind::Compute:
    case StatementKind::Index:
    case StatementKind::Prefetch:
      break;
    }
  });
  if (const loop::BufferId shared = shared_buffer(program, loop); shared != loop::none)
    reason = "iterations share elements of " + program.buffers[shared].name;
  for (TileId t : set)
    if (!own.count(t) && !sliced(tiles[t], loop, inner))
      reason = "it accumulates";
  return reason;
}

std::string lane_dependence(const Program& program, const Statement& loop) {
  const auto is_check = [](const Statement& s) { return s.kind == StatementKind::Check; };
  int64_t checks = 0;
  bool dynamic = false;
  for_each(loop.body, [&](const Statement& s) {
    checks += is_check(s) ? 1 : 0;
    dynamic = dynamic ||
              std::ranges::any_of(s.index, [](const Index& i) { return i.dynamic != loop::none; });
  });
  if (checks != 1 || dynamic || std::ranges::none_of(loop.body, is_check))
    return dependence(program, loop);
  Statement unchecked = loop;
  std::erase_if(unchecked.body, is_check);
  return dependence(program, unchecked);
}

std::set<TileId> own_tiles(const Statement& loop) {
  std::set<TileId> own;
  for_each(loop.body, [&](const Statement& s) {
    if (s.kind == StatementKind::Tile)
      own.insert(s.tile);
  });
  return own;
}

bool joins(const Statement& loop) {
  bool found = false;
  for_each(loop.body, [&](const Statement& s) {
    found |= s.kind == StatementKind::Join || s.kind == StatementKind::Transpose;
  });
  return found;
}

bool keeps_to_its_tiles(const Statement& loop) {
  const std::set<TileId> own = own_tiles(loop);
  bool keeps = true;
  for_each(loop.body, [&](const Statement& s) {
    const bool of_tile = s.kind == StatementKind::Get || s.kind == StatementKind::Set;
    for (const Index& i : s.index) // each lane its own element: no vector's
      keeps = keeps && !(of_tile && factor(i.affine, loop.loop) != 0);
    keeps = keeps && !(s.kind == StatementKind::Set && !own.count(s.tile));
  });
  return keeps && !joins(loop);
}

} // namespace gdjit::scheduling
