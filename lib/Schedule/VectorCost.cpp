// Counts operations: one per statement, one per lane for strided accesses.
#include "VectorCost.h"

#include <algorithm>
#include <bit>
#include <fmt/ranges.h>
#include <set>

namespace gdjit::scheduling {

namespace {

/// True where the loop moves only the last axis, one by one, or one behind which all have extent 1.
bool contiguous(const Program& program, const Statement& s, LoopId loop) {
  const Shape& shape = program.buffers[s.buffer].type.shape;
  size_t last = s.index.size();
  while (last > 1 && shape[static_cast<int>(last) - 1] == 1)
    --last;
  for (size_t axis = 0; axis < s.index.size(); ++axis)
    if (factor(s.index[axis].affine, loop) != (axis + 1 == last ? 1 : 0) ||
        s.index[axis].dynamic != loop::none)
      return false;
  return true;
}

bool moved_by(const Statement& s, LoopId loop) {
  for (const Index& i : s.index)
    if (factor(i.affine, loop) != 0 || i.dynamic != loop::none)
      return true;
  return false;
}

} // namespace

int lanes_for(const Statement& loop, int64_t iterations, const MachineTable& machine) {
  int64_t widest = 1;
  for_each(loop.body, [&](const Statement& s) {
    if (s.kind == StatementKind::Load || s.kind == StatementKind::Store ||
        s.kind == StatementKind::Set)
      widest = std::max(widest, byte_size(s.type.dtype));
  });
  if (widest == 1) // bools alone: as many as their comparisons would have been
    widest = 4;
  auto needed =
      static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(std::max<int64_t>(iterations, 1))));
  return static_cast<int>(std::min<int64_t>(machine.vector_bytes / widest, needed));
}

double vector_cost(const Program& program, const std::vector<Statement>& body, LoopId loop,
                   int lanes) {
  double cost = 0;
  for (const Statement& s : body) {
    switch (s.kind) {
    case StatementKind::For:
      cost += static_cast<double>(turns(s)) * vector_cost(program, s.body, loop, lanes);
      break;
    case StatementKind::Load:
    case StatementKind::Store:
      cost += moved_by(s, loop) && !contiguous(program, s, loop) ? lanes : 1;
      break;
    case StatementKind::Compute:
      cost += s.op == loop::ScalarOp::constant ? 0 : 1;
      break;
    case StatementKind::Index:
    case StatementKind::Join:
    case StatementKind::Transpose:
    case StatementKind::Check:
    case StatementKind::Prefetch:
      cost += 1;
      break;
    case StatementKind::Tile:
    case StatementKind::Get:
    case StatementKind::Set:
      break;
    }
  }
  return cost;
}

std::string lie_along(const Program& program, const Statement& loop) {
  constexpr size_t most_named = 3;
  std::vector<std::string> side_by_side, apart;
  for_each(loop.body, [&](const Statement& s) {
    if ((s.kind != StatementKind::Load && s.kind != StatementKind::Store) ||
        !moved_by(s, loop.loop))
      return;
    auto& names = contiguous(program, s, loop.loop) ? side_by_side : apart;
    if (const std::string& name = program.buffers[s.buffer].name;
        names.size() <= most_named && std::ranges::find(names, name) == names.end())
      names.push_back(name);
  });
  auto list = [](std::vector<std::string>& names) {
    if (names.size() > most_named)
      names.back() = "…";
    return fmt::format("{}", fmt::join(names, ", "));
  };
  if (side_by_side.empty() && apart.empty())
    return "it moves no array";
  if (apart.empty())
    return "side by side along it " + list(side_by_side);
  if (side_by_side.empty())
    return "apart along it " + list(apart);
  return fmt::format("side by side along it {}, apart {}", list(side_by_side), list(apart));
}

namespace {

/// True where what is stored was loaded from there, a lane's element apart from the next one's.
bool goes_on_apart(const Program& program, const std::vector<Statement>& body, LoopId loop) {
  std::set<loop::BufferId> loaded;
  bool found = false;
  for_each(body, [&](const Statement& s) {
    if (s.kind == StatementKind::Load && moved_by(s, loop) && !contiguous(program, s, loop))
      loaded.insert(storage(program, s.buffer));
    found =
        found || (s.kind == StatementKind::Store && loaded.contains(storage(program, s.buffer)));
  });
  return found;
}

} // namespace

double cost_that_pays(const Program& program, const std::vector<Statement>& body, LoopId loop) {
  if (stores_contiguous(program, body, loop))
    return 1;
  return goes_on_apart(program, body, loop) ? 0.9 : 0.95;
}

bool stores_contiguous(const Program& program, const std::vector<Statement>& body, LoopId loop) {
  bool all = true;
  for_each(body, [&](const Statement& s) {
    if (s.kind == StatementKind::Store)
      all = all && contiguous(program, s, loop);
  });
  return all;
}

} // namespace gdjit::scheduling
