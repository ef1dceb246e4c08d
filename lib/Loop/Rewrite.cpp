// Affine arithmetic and copies of statements.
#include "gdjit/Loop/Rewrite.h"

namespace gdjit::loop {

namespace {

auto place_of(auto& terms, LoopId loop) {
  return std::lower_bound(terms.begin(), terms.end(), loop,
                          [](const Term& t, LoopId l) { return t.loop < l; });
}

} // namespace

int64_t factor(const Affine& affine, LoopId loop) {
  auto place = place_of(affine.terms, loop);
  return place == affine.terms.end() || place->loop != loop ? 0 : place->factor;
}

Affine variable(LoopId loop, int64_t factor, int64_t constant) {
  Affine a;
  a.constant = constant;
  if (factor != 0)
    a.terms.push_back({loop, factor});
  return a;
}

void add_scaled(Affine& sum, const Affine& term, int64_t factor) {
  if (factor == 0)
    return;
  sum.constant += factor * term.constant;
  for (const Term& t : term.terms) {
    auto place = place_of(sum.terms, t.loop);
    if (place == sum.terms.end() || place->loop != t.loop) {
      sum.terms.insert(place, {t.loop, factor * t.factor});
      continue;
    }
    place->factor += factor * t.factor;
    if (place->factor == 0)
      sum.terms.erase(place);
  }
}

void substitute(Affine& affine, LoopId loop, const Affine& value) {
  auto place = place_of(affine.terms, loop);
  if (place == affine.terms.end() || place->loop != loop)
    return;
  int64_t factor = place->factor;
  affine.terms.erase(place);
  add_scaled(affine, value, factor);
}

void substitute(std::vector<Statement>& statements, LoopId loop, const Affine& value) {
  for_each(statements, [&](Statement& s) {
    for (Index& i : s.index)
      substitute(i.affine, loop, value);
  });
}

LoopId fresh_loop(Kernel& kernel, LoopId like) {
  kernel.loop_names.resize(kernel.loops);
  kernel.loop_names.push_back(like == none ? "i" : std::string(kernel.loop_names[like]));
  return kernel.loops++;
}

ValueId fresh_value(Kernel& kernel) { return kernel.values++; }

std::vector<Statement> copy_fresh(Kernel& kernel, const std::vector<Statement>& statements,
                                  CopiedIds& ids) {
  for_each(statements, [&](const Statement& s) {
    if (s.result != none)
      ids.values[s.result] = fresh_value(kernel);
    if (s.kind == StatementKind::For)
      ids.loops[s.loop] = fresh_loop(kernel, s.loop);
    if (s.kind == StatementKind::Tile)
      ids.tiles[s.tile] = kernel.tiles++;
  });
  auto by = [](const std::unordered_map<uint32_t, uint32_t>& map) {
    return [&map](uint32_t& id) { // what the statements do not define stays
      if (auto at = map.find(id); at != map.end())
        id = at->second;
    };
  };
  std::vector<Statement> copy = statements;
  for_each(copy, [&](Statement& s) { rename(s, by(ids.values), by(ids.loops), by(ids.tiles)); });
  return copy;
}

std::vector<Statement> copy_fresh(Kernel& kernel, const std::vector<Statement>& statements) {
  CopiedIds ids;
  return copy_fresh(kernel, statements, ids);
}

} // namespace gdjit::loop
