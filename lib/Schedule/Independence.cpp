// The test of slices: all accesses to what a loop writes agree on one axis that only the loop
// variable moves.
#include "Independence.h"

#include <algorithm>
#include <set>

namespace gdjit::scheduling {

namespace {

/// True where coordinate `i` moves with `loop` and with no loop inside it, nor with data.
bool pins(const Index& i, LoopId loop, const std::set<LoopId>& inner) {
  if (i.dynamic != loop::none || i.lane != 0 || factor(i.affine, loop) == 0)
    return false;
  for (const loop::Term& t : i.affine.terms)
    if (inner.count(t.loop))
      return false;
  return true;
}

/// True where some axis pins every access to the same slice.
bool sliced(const std::vector<const Statement*>& accesses, LoopId loop,
            const std::set<LoopId>& inner) {
  const Statement& first = *accesses.front();
  for (size_t axis = 0; axis < first.index.size(); ++axis) {
    bool agree = pins(first.index[axis], loop, inner);
    for (const Statement* s : accesses)
      agree = agree && s->buffer == first.buffer && s->tile == first.tile &&
              s->index.size() == first.index.size() && s->index[axis] == first.index[axis];
    if (agree)
      return true;
  }
  return false;
}

} // namespace

std::string dependence(const Program& program, const Statement& loop) {
  std::set<LoopId> inner;
  std::set<TileId> own;
  std::map<loop::BufferId, std::vector<const Statement*>> buffers;
  std::map<TileId, std::vector<const Statement*>> tiles;
  std::set<loop::BufferId> written;
  std::set<TileId> set;
  std::string reason;
  for_each(loop.body, [&](const Statement& s) {
    switch (s.kind) {
    case StatementKind::For:
      inner.insert(s.loop);
      break;
    case StatementKind::Tile:
      own.insert(s.tile);
      break;
    case StatementKind::Check:
      reason = "an index is checked, in order";
      break;
    case StatementKind::Store:
      written.insert(storage(program, s.buffer));
      [[fallthrough]];
    case StatementKind::Load:
      buffers[storage(program, s.buffer)].push_back(&s);
      break;
    case StatementKind::Set:
    case StatementKind::Transpose:
      set.insert(s.tile);
      [[fallthrough]];
    case StatementKind::Get:
    case StatementKind::Join:
      tiles[s.tile].push_back(&s);
      break;
    case StatementKind::Compute:
    case StatementKind::Index:
    case StatementKind::Prefetch:
      break;
    }
  });
  for (loop::BufferId b : written)
    if (!sliced(buffers[b], loop.loop, inner))
      reason = "iterations share elements of " + program.buffers[b].name;
  for (TileId t : set)
    if (!own.count(t) && !sliced(tiles[t], loop.loop, inner))
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
