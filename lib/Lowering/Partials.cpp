// A loop whose accumulators have P interleaved chains, K turns:
//
//   for i in 0..K { t[i mod P] = … }
//
//   =>   for k in 0..K-K%P step P { for l in 0..P { t[l] = … } }    where i was k + l
//        for l in 0..K%P { t[l] = … }                               where i was K-K%P + l
//
// Until here such a tile is addressed by i itself; KernelDraft::partials_loop says that it is meant
// modulo P. Where all of a loop's chains are maxima or minima, whose order is free, there are more
// of them: each waits for its own last step.
#include "Passes.h"

#include <unordered_map>

namespace gdjit::lowering {

namespace {

LoopId new_loop(KernelDraft& draft, const std::string& name, int64_t extent) {
  draft.kernel.loop_names.push_back(name);
  draft.loops.push_back({.extent = extent, .partials = 0, .sealed = false});
  return draft.kernel.loops++;
}

Statement loop_over(LoopId loop, int64_t end, int64_t step, NodeId node,
                    std::vector<Statement> body) {
  Statement s;
  s.kind = StatementKind::For;
  s.loop = loop;
  s.end = end;
  s.step = step;
  s.node = node;
  s.body = std::move(body);
  return s;
}

/// The body of `loop` at iteration base + l.
std::vector<Statement> turn(const KernelDraft& draft, std::vector<Statement> body, LoopId loop,
                            Affine base, LoopId l) {
  Affine chain{0, {{l, 1}}};
  add_scaled(base, chain, 1);
  for_each(body, [&](Statement& s) {
    bool partial = (s.kind == StatementKind::Get || s.kind == StatementKind::Set) &&
                   draft.partials_loop[s.tile] == loop;
    if (partial)
      s.index.back().affine = chain;
    for (Index& index : s.index)
      substitute(index.affine, loop, base);
  });
  return body;
}

void split(KernelDraft& draft, std::vector<Statement>& body) {
  std::vector<Statement> out;
  for (Statement& s : body) {
    if (s.kind == StatementKind::For)
      split(draft, s.body);
    if (s.kind != StatementKind::For || draft.loops[s.loop].partials < 2) {
      out.push_back(std::move(s));
      continue;
    }
    const int64_t partials = draft.loops[s.loop].partials, rest = s.end % partials,
                  whole = s.end - rest;
    std::vector<Statement> tail;
    if (rest > 0)
      tail = whole > 0 ? clone(draft, s.body) : s.body;
    if (whole > 0) {
      Affine base;
      LoopId k = loop::none;
      if (whole > partials) {
        k = new_loop(draft, draft.kernel.loop_names[s.loop], whole);
        base.terms = {{k, 1}};
      }
      LoopId l = new_loop(draft, "l", partials);
      Statement chains =
          loop_over(l, partials, 1, s.node, turn(draft, std::move(s.body), s.loop, base, l));
      if (k == loop::none)
        out.push_back(std::move(chains));
      else
        out.push_back(loop_over(k, whole, partials, s.node, {chains}));
    }
    if (rest > 0) {
      LoopId l = new_loop(draft, "l", rest);
      out.push_back(
          loop_over(l, rest, 1, s.node, turn(draft, std::move(tail), s.loop, {whole, {}}, l)));
    }
  }
  body = std::move(out);
}

/// Of a tile that holds chains: its declaration, and whether their order is free.
struct ChainTile {
  Statement* declaration = nullptr;
  bool free = false;
};

/// Four times the chains for loops of many turns over maxima and minima alone, each of one result.
void add_free_chains(KernelDraft& draft) {
  constexpr int64_t more = 4, least_steps = 4;
  std::unordered_map<TileId, ChainTile> tiles;
  for_each(draft.kernel.body, [&](Statement& s) {
    if (s.kind == StatementKind::Tile && draft.partials_loop[s.tile] != loop::none)
      tiles[s.tile].declaration = &s;
    else if (s.kind == StatementKind::Join && s.index.empty() && s.type.lanes == 1)
      tiles[s.tile].free = s.op == ScalarOp::max || s.op == ScalarOp::min;
  });
  std::unordered_map<LoopId, std::vector<ChainTile>> loops;
  for (auto& [tile, chains] : tiles)
    if (chains.declaration != nullptr)
      loops[draft.partials_loop[tile]].push_back(chains);
  for (auto& [id, chains] : loops) {
    LoopFacts& facts = draft.loops[id];
    const bool all_free = std::all_of(chains.begin(), chains.end(), [&](const ChainTile& c) {
      return c.free && c.declaration->extents == std::vector<int64_t>{facts.partials};
    });
    if (facts.partials < 2 || !all_free || facts.extent < least_steps * more * facts.partials)
      continue;
    facts.partials *= more;
    for (const ChainTile& c : chains)
      c.declaration->extents[0] = facts.partials;
  }
}

} // namespace

void split_partials(KernelDraft& draft) {
  add_free_chains(draft);
  split(draft, draft.kernel.body);
}

} // namespace gdjit::lowering
