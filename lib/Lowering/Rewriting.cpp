// Substitution and copies.
#include "Rewriting.h"

#include <algorithm>
#include <unordered_map>

namespace gdjit::lowering {

void substitute(Affine& affine, LoopId loop, const Affine& value) {
  auto term = std::find_if(affine.terms.begin(), affine.terms.end(),
                           [&](const loop::Term& t) { return t.loop == loop; });
  if (term == affine.terms.end())
    return;
  int64_t factor = term->factor;
  affine.terms.erase(term);
  add_scaled(affine, value, factor);
}

void substitute(std::vector<Statement>& body, LoopId loop, const Affine& value) {
  for_each(body, [&](Statement& s) {
    for (Index& index : s.index)
      substitute(index.affine, loop, value);
  });
}

namespace {
/// Old ids to new ones; an id that the copied statements do not define stays.
struct Renaming {
  std::unordered_map<uint32_t, uint32_t> values, loops, tiles;

  static void apply(const std::unordered_map<uint32_t, uint32_t>& map, uint32_t& id) {
    if (auto at = map.find(id); at != map.end())
      id = at->second;
  }
  void operator()(Statement& s) const {
    apply(values, s.result);
    apply(values, s.mask);
    apply(values, s.fill);
    for (ValueId& v : s.operands)
      apply(values, v);
    apply(tiles, s.tile);
    apply(loops, s.loop);
    for (Index& index : s.index) {
      apply(values, index.dynamic);
      for (loop::Term& t : index.affine.terms)
        apply(loops, t.loop);
      std::sort(index.affine.terms.begin(), index.affine.terms.end(),
                [](const loop::Term& a, const loop::Term& b) { return a.loop < b.loop; });
    }
  }
};
} // namespace

std::vector<Statement> clone(KernelDraft& draft, const std::vector<Statement>& body) {
  Renaming renaming;
  loop::Kernel& kernel = draft.kernel;
  std::vector<std::pair<TileId, TileId>> tiles;
  for_each(body, [&](const Statement& s) {
    if (s.result != loop::none) {
      renaming.values[s.result] = kernel.values++;
      DType type = draft.value_types[s.result];
      draft.value_types.push_back(type);
    }
    if (s.kind == StatementKind::For) {
      renaming.loops[s.loop] = kernel.loops++;
      kernel.loop_names.push_back(std::string(kernel.loop_names[s.loop]));
      LoopFacts facts = draft.loops[s.loop];
      draft.loops.push_back(facts);
    }
    if (s.kind == StatementKind::Tile) {
      renaming.tiles[s.tile] = kernel.tiles++;
      draft.partials_loop.push_back(draft.partials_loop[s.tile]);
    }
  });
  for (auto& [from, to] : renaming.tiles)
    Renaming::apply(renaming.loops, draft.partials_loop[to]);
  std::vector<Statement> copy = body;
  for_each(copy, [&](Statement& s) { renaming(s); });
  return copy;
}

} // namespace gdjit::lowering
