// Affine arithmetic and copies of statements.
#include "Rewrite.h"

#include <algorithm>

namespace gdjit::scheduling {

int64_t trips(const Statement& loop) {
  return loop.end > loop.begin ? (loop.end - loop.begin + loop.step - 1) / loop.step : 0;
}

void settle(const std::vector<Statement>& statements, Settled& settled) {
  for_each(statements, [&](const Statement& s) {
    if (s.kind == StatementKind::For)
      settled.insert(s.loop);
  });
}

int64_t factor(const Affine& affine, LoopId loop) {
  for (const loop::Term& t : affine.terms)
    if (t.loop == loop)
      return t.factor;
  return 0;
}

Affine variable(LoopId loop, int64_t factor, int64_t constant) {
  Affine a;
  a.constant = constant;
  if (factor != 0)
    a.terms.push_back({loop, factor});
  return a;
}

Affine substitute(const Affine& affine, LoopId loop, const Affine& value) {
  int64_t f = factor(affine, loop);
  if (f == 0)
    return affine;
  std::map<LoopId, int64_t> terms;
  for (const loop::Term& t : affine.terms)
    if (t.loop != loop)
      terms[t.loop] += t.factor;
  for (const loop::Term& t : value.terms)
    terms[t.loop] += f * t.factor;
  Affine result;
  result.constant = affine.constant + f * value.constant;
  for (auto [id, times] : terms)
    if (times != 0)
      result.terms.push_back({id, times});
  return result;
}

LoopId fresh_loop(Kernel& kernel, LoopId like) {
  kernel.loop_names.resize(kernel.loops);
  kernel.loop_names.push_back(like == loop::none ? "i" : std::string(kernel.loop_names[like]));
  return kernel.loops++;
}

ValueId fresh_value(Kernel& kernel) { return kernel.values++; }

namespace {

struct Renaming {
  std::map<ValueId, ValueId> values;
  std::map<LoopId, LoopId> loops;
  std::map<TileId, TileId> tiles;
};

template <class Id> Id renamed(const std::map<Id, Id>& map, Id id) {
  auto at = map.find(id);
  return at == map.end() ? id : at->second;
}

void rename(Statement& s, const Renaming& names) {
  for_each_use(s, [&](ValueId& v) { v = renamed(names.values, v); });
  s.result = renamed(names.values, s.result);
  s.loop = renamed(names.loops, s.loop);
  s.tile = renamed(names.tiles, s.tile);
  for (Index& i : s.index) {
    for (loop::Term& t : i.affine.terms)
      t.loop = renamed(names.loops, t.loop);
    std::sort(i.affine.terms.begin(), i.affine.terms.end(),
              [](const loop::Term& a, const loop::Term& b) { return a.loop < b.loop; });
  }
}

} // namespace

std::vector<Statement> copy_fresh(Kernel& kernel, const std::vector<Statement>& statements) {
  std::vector<Statement> copy = statements;
  Renaming names;
  for_each(copy, [&](Statement& s) {
    if (s.result != loop::none)
      names.values[s.result] = fresh_value(kernel);
    if (s.kind == StatementKind::For)
      names.loops[s.loop] = fresh_loop(kernel, s.loop);
    if (s.kind == StatementKind::Tile)
      names.tiles[s.tile] = kernel.tiles++;
  });
  for_each(copy, [&](Statement& s) { rename(s, names); });
  return copy;
}

void substitute_in(std::vector<Statement>& statements, LoopId loop, const Affine& value) {
  for_each(statements, [&](Statement& s) {
    for (Index& i : s.index)
      i.affine = substitute(i.affine, loop, value);
  });
}

int64_t code_size(const std::vector<Statement>& statements) {
  int64_t size = 0;
  for (const Statement& s : statements) {
    if (s.kind != StatementKind::For)
      ++size;
    else
      size += 2 + code_size(s.body) * (s.loop_kind == loop::LoopKind::unrolled ? trips(s) : 1);
  }
  return size;
}

} // namespace gdjit::scheduling
