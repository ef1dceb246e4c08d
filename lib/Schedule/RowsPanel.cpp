// Copies of rows that lie side by side, term by term, for all loops over columns.
#include "Panel.h"

#include "Pack.h"

#include "gdjit/Loop/Alone.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace gdjit::scheduling {

namespace {

/// That are copied of one tile after another: the rows of so many terms are then read in order,
/// which the hardware's prefetchers follow, and what is written stays in the first cache.
constexpr int64_t terms_at_once = 8;

/// Copies the rows that tiles read, tile by tile for some terms at once: `x[k, i + r]` becomes
/// `copy[terms*i + step*k + r]`.
class RowCopier {
public:
  RowCopier(Program& program, Kernel& kernel, const std::vector<Statement>& nests,
            const PassContext& context)
      : program_(program), kernel_(kernel), nests_(nests), context_(context) {}

  /// `rows` is a loop over tiles of as many rows as its step.
  void rewrite(Statement& rows) {
    loops_ = {&rows};
    for_each_load(rows.body, loops_, [&](Statement& s) {
      if (s.type.lanes == 1 && s.index.size() == 2)
        read(s);
    });
  }

  std::vector<Statement> copies() { return std::move(copies_); }

private:
  void read(Statement& load) {
    const Statement& rows = *loops_.front();
    const Affine &k = load.index[0].affine, &i = load.index[1].affine;
    std::vector<const Statement*> moving;
    for (const Statement* l : loops_)
      if (l != &rows && factor(k, l->loop) != 0)
        moving.push_back(l);
    const Terms terms = terms_of(k, moving);
    bool plain = terms.loop && terms.from.terms.empty() &&
                 std::ranges::all_of(moving, [](const Statement* l) { return l->step == 1; });
    plain = plain && load.mask == loop::none && factor(i, rows.loop) == 1 && i.constant == 0 &&
            load.index[0].dynamic == loop::none && load.index[1].dynamic == loop::none;
    for (const loop::Term& t : i.terms) { // the row itself, and its number within the tile
      bool within = false;
      for (const Statement* l : loops_)
        within |= l->loop == t.loop && l->loop_kind == loop::LoopKind::unrolled && t.factor == 1;
      plain &= within || t.loop == rows.loop;
    }
    for (const Statement& nest : nests_)
      plain = plain && can_pack(program_, nest, load.buffer);
    if (!plain)
      return;
    const loop::BufferId to = copy(load, rows, terms);
    Affine at = i;
    substitute(at, rows.loop, variable(rows.loop, terms.count));
    add_scaled(at, k, rows.step);
    load.index = {Index{at, loop::none, 0}};
    load.buffer = to;
  }

  loop::BufferId copy(const Statement& load, const Statement& rows, const Terms& terms) {
    auto [at, added] = buffers_.try_emplace({load.buffer, terms.count}, loop::none);
    if (added) {
      loop::Buffer buffer;
      const loop::Buffer& from = program_.buffers[load.buffer];
      buffer.name = loop::own_name(program_, from.name, ".rows");
      buffer.type = {load.type.dtype, Shape{from.type.shape[1] * terms.count}};
      at->second = static_cast<loop::BufferId>(program_.buffers.size());
      program_.buffers.push_back(buffer);
    }
    if (copied_.insert({at->second, rows.begin, rows.step}).second) {
      const int64_t whole = terms.count / terms_at_once * terms_at_once;
      if (whole > 0)
        copies_.push_back(nest(load, rows, terms, at->second, 0, whole));
      if (whole < terms.count)
        copies_.push_back(nest(load, rows, terms, at->second, whole, terms.count));
    }
    return at->second;
  }

  /// Fills the copy with the terms begin .. end of all tiles.
  Statement nest(const Statement& load, const Statement& rows, const Terms& terms,
                 loop::BufferId to, int64_t begin, int64_t end) {
    Statement tiles = rows;
    tiles.loop = fresh_loop(kernel_, rows.loop);
    tiles.node = load.node;
    Statement blocks;
    blocks.kind = StatementKind::For;
    blocks.loop = fresh_loop(kernel_, terms.loop->loop);
    blocks.begin = begin;
    blocks.end = end;
    blocks.step = std::min(terms_at_once, end - begin);
    blocks.node = load.node;
    if (turns(blocks) == 1)
      blocks.loop_kind = loop::LoopKind::unrolled;
    Statement each;
    each.kind = StatementKind::For;
    each.loop = fresh_loop(kernel_, terms.loop->loop);
    each.end = blocks.step;
    each.node = load.node;
    Affine term = variable(blocks.loop);
    add_scaled(term, variable(each.loop), 1);
    const int64_t lanes = context_.machine.vector_bytes / byte_size(load.type.dtype);
    for (int64_t row = 0; row < rows.step; row += lanes) {
      Statement from = load;
      from.type.lanes = static_cast<uint16_t>(lanes);
      from.result = fresh_value(kernel_);
      from.index = {Index{term, loop::none, 0}, Index{variable(tiles.loop, 1, row), loop::none, 1}};
      Statement store = from;
      store.kind = StatementKind::Store;
      store.buffer = to;
      store.operands = {from.result};
      store.result = loop::none;
      Affine place = variable(tiles.loop, terms.count, row);
      add_scaled(place, term, rows.step);
      store.index = {Index{place, loop::none, 1}};
      if (rows.step - row < lanes) {
        from.mask = store.mask =
            append_below(kernel_, each.body, static_cast<uint16_t>(lanes), rows.step - row);
        from.fill = append_constant(kernel_, each.body, load.type.dtype, 0);
      }
      each.body.push_back(from);
      each.body.push_back(store);
    }
    tiles.body = {each};
    blocks.body = {tiles};
    return blocks;
  }

  Program& program_;
  Kernel& kernel_;
  const std::vector<Statement>& nests_;
  const PassContext& context_;
  std::vector<const Statement*> loops_;
  std::map<std::pair<loop::BufferId, int64_t>, loop::BufferId> buffers_; ///< by number of terms
  std::set<std::tuple<loop::BufferId, int64_t, int64_t>> copied_; ///< from which row on, how many
  std::vector<Statement> copies_;
};

} // namespace

std::vector<Statement> rows_panel(Program& program, Kernel& kernel, std::vector<Statement>& nests,
                                  const PassContext& context) {
  RowCopier copier(program, kernel, nests, context);
  for (Statement& columns : nests)
    for (Statement& rows : columns.body)
      if (rows.kind == StatementKind::For)
        copier.rewrite(rows);
  return copier.copies();
}

} // namespace gdjit::scheduling
