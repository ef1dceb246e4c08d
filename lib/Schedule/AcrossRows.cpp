// Finds narrow contractions whose left operand has its rows side by side.
#include "AcrossRows.h"

#include "Independence.h"
#include "Jam.h"
#include "VectorCost.h"
#include "Widen.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <set>
#include <span>

namespace gdjit::scheduling {

namespace {

constexpr int64_t least_terms = 4;  ///< a shorter accumulation is not worth it
constexpr int64_t least_rows = 8;   ///< fewer do not fill the lanes
constexpr int64_t most_vectors = 4; ///< of rows side by side: the code grows

/// The parts of `for j { tile; loops and blocks of terms; %v = get tile; straight statements }`.
struct Accumulation {
  const Statement* tile = nullptr;
  std::vector<Statement> chain;
  const Statement* get = nullptr;
  std::vector<Statement> behind;
};

/// How many terms the loops run over.
int64_t terms_in(const std::vector<Statement>& body) {
  int64_t terms = 0;
  for (const Statement& s : body)
    if (s.kind == StatementKind::For)
      terms += turns(s) * std::max<int64_t>(1, terms_in(s.body));
  return terms;
}

/// True where the statements hold nothing but loads, arithmetic, and chains in single numbers, of
/// blocks too.
bool accumulates(const std::vector<Statement>& chain, TileId result) {
  std::set<TileId> tiles = {result};
  bool plain = true;
  for_each(chain, [&](const Statement& s) {
    if (s.kind == StatementKind::Tile) {
      tiles.insert(s.tile);
      plain = plain && s.extents.empty() && s.type.lanes == 1;
    }
    plain = plain && s.kind != StatementKind::Store && s.kind != StatementKind::Check &&
            s.kind != StatementKind::Join && (s.tile == loop::none || tiles.contains(s.tile));
  });
  return plain;
}

bool take_apart(const Statement& loop, Accumulation& parts) {
  const std::vector<Statement>& body = loop.body;
  const auto tile = std::ranges::find(body, StatementKind::Tile, &Statement::kind);
  if (tile != body.begin() || tile == body.end() || !tile->extents.empty() || tile->type.lanes != 1)
    return false;
  const auto sets = [&](const Statement& s) {
    const std::span alone(&s, 1);
    bool found = false;
    for_each(alone, [&](const Statement& inside) {
      found = found || (inside.kind == StatementKind::Set && inside.tile == tile->tile);
    });
    return found;
  };
  const auto get = std::find_if(body.rbegin(), body.rend(), sets).base();
  if (get == body.begin() || get == body.end() || get->kind != StatementKind::Get ||
      get->tile != tile->tile)
    return false;
  parts = {&*tile, {tile + 1, get}, &*get, {get + 1, body.end()}};
  for (const Statement& s : parts.behind)
    if (s.kind == StatementKind::For || s.kind == StatementKind::Tile ||
        s.kind == StatementKind::Check || s.tile != loop::none)
      return false;
  return accumulates(parts.chain, tile->tile) && terms_in(parts.chain) >= least_terms;
}

/// True where every load that the loop moves reads elements side by side. A copy that made them so
/// would take as long as the columns as lanes of which some idle: for a term of as many rows as
/// lanes, 4 shuffles, one a cycle, against at most 8 of 16 fma saved, two a cycle.
bool loads_contiguous(const Statement& nest, const std::vector<Statement>& chain) {
  bool all = true;
  for_each(chain, [&](const Statement& s) {
    if (s.kind != StatementKind::Load)
      return;
    for (size_t axis = 0; axis < s.index.size(); ++axis) {
      const int64_t step = factor(s.index[axis].affine, nest.loop);
      const bool last = axis + 1 == s.index.size();
      all = all && s.index[axis].dynamic == loop::none && (step == 0 || (step == 1 && last));
    }
  });
  return all;
}

class Turner {
public:
  Turner(Program& program, Kernel& kernel, PassContext& context, Settled& settled)
      : program_(program), kernel_(kernel), context_(context), settled_(settled) {}

  std::vector<Statement> rewrite(std::vector<Statement> body) {
    std::vector<Statement> out;
    for (Statement& s : body) {
      Accumulation parts;
      if (s.kind != StatementKind::For) {
        out.push_back(std::move(s));
      } else if (int lanes = lanes_across(s, parts)) {
        turn(out, s, parts, lanes);
      } else {
        s.body = rewrite(std::move(s.body));
        out.push_back(std::move(s));
      }
    }
    return out;
  }

private:
  /// Lanes for the rows that `rows` runs over; 0 where it is not a narrow contraction.
  int lanes_across(const Statement& rows, Accumulation& parts) const {
    if (rows.body.size() != 1 || rows.body[0].kind != StatementKind::For || rows.begin != 0 ||
        rows.step != 1 || turns(rows) < least_rows)
      return 0;
    const Statement& columns = rows.body[0];
    if (columns.begin != 0 || columns.step != 1 || turns(columns) < 2 ||
        !take_apart(columns, parts))
      return 0;
    const auto lanes =
        static_cast<int>(context_.machine.vector_bytes / byte_size(parts.tile->type.dtype));
    bool possible = lanes > 1 && turns(columns) < lanes && loads_contiguous(rows, parts.chain) &&
                    stores_contiguous(program_, parts.behind, columns.loop) &&
                    variation(columns.body, rows.loop, {}).tiles.contains(parts.tile->tile) &&
                    dependence(program_, rows).empty() && dependence(program_, columns).empty();
    return possible ? lanes : 0;
  }

  void turn(std::vector<Statement>& out, const Statement& rows, const Accumulation& parts,
            int lanes) {
    const int64_t n = turns(rows), whole = n / lanes * lanes, columns = turns(rows.body[0]);
    const int64_t vectors = std::clamp<int64_t>(
        (context_.machine.vector_registers - 2) / (columns + 1), 1, most_vectors);
    context_.remarks.push_back(fmt::format(
        "{}: {} columns are fewer than {} lanes: lanes across the rows of loop {}, {} vectors at "
        "once, {} sums side by side",
        kernel_.name, columns, lanes, kernel_.loop_names[rows.loop], vectors, vectors * columns));
    for (auto [begin, end] : {std::pair{int64_t{0}, whole}, std::pair{whole, n}}) {
      if (begin == end)
        continue;
      Statement block = rows;
      block.begin = begin;
      block.end = begin + (end - begin + lanes - 1) / lanes * lanes;
      block.step = lanes;
      block.loop = fresh_loop(kernel_, rows.loop);
      block.body = rows_at_once(rows, parts, lanes, std::min<int64_t>(lanes, end - begin));
      substitute(block.body, rows.loop, variable(block.loop));
      const int64_t at_once = std::min(vectors, turns(block));
      std::vector<Statement> done;
      jam(kernel_, std::move(block), at_once, done);
      settle(done, settled_);
      std::move(done.begin(), done.end(), std::back_inserter(out));
    }
  }

  /// Rows i .. i + lanes - 1, of which the first `active` exist, as lanes of an accumulation.
  std::vector<Statement> rows_at_once(const Statement& rows, const Accumulation& parts, int lanes,
                                      int64_t active) {
    const Statement& columns = rows.body[0];
    const int64_t count = turns(columns);
    Statement turned = *parts.tile;
    turned.tile = kernel_.tiles++;
    turned.extents = {lanes};

    Statement chains = columns;
    Statement set = *parts.get;
    set.kind = StatementKind::Set;
    set.operands = {parts.get->result};
    set.result = loop::none;
    set.tile = turned.tile;
    set.index = {Index{variable(columns.loop), loop::none, 0}};
    chains.body = {*parts.tile};
    chains.body.insert(chains.body.end(), parts.chain.begin(), parts.chain.end());
    chains.body.push_back(*parts.get);
    chains.body.push_back(set);
    std::vector<Statement> body = {turned};
    jam(kernel_, std::move(copy_fresh(kernel_, {chains}).front()), count, body);
    widen(kernel_, body, rows.loop, lanes, {active}, {});

    Statement exchange = *parts.get;
    exchange.kind = StatementKind::Transpose;
    exchange.tile = turned.tile;
    exchange.result = loop::none;
    exchange.type.lanes = static_cast<uint16_t>(lanes);
    body.push_back(exchange);

    Statement each = rows;
    each.loop = fresh_loop(kernel_, rows.loop);
    each.begin = 0;
    each.end = active;
    Statement row = columns;
    row.step = lanes;
    row.end = lanes;
    row.loop_kind = loop::LoopKind::unrolled;
    Statement get = *parts.get;
    get.tile = turned.tile;
    get.index = {Index{variable(each.loop), loop::none, 0}};
    row.body = {get};
    row.body.insert(row.body.end(), parts.behind.begin(), parts.behind.end());
    row.body = copy_fresh(kernel_, row.body);
    Affine of_row = variable(rows.loop);
    add_scaled(of_row, variable(each.loop), 1);
    substitute(row.body, rows.loop, of_row);
    LoopId old = row.loop;
    row.loop = fresh_loop(kernel_, old);
    substitute(row.body, old, variable(row.loop));
    widen(kernel_, row.body, row.loop, lanes, {count}, {turned.tile});
    each.body = {row};
    body.push_back(each);
    return body;
  }

  Program& program_;
  Kernel& kernel_;
  PassContext& context_;
  Settled& settled_;
};

} // namespace

void across_rows(Program& program, Kernel& kernel, PassContext& context, Settled& settled) {
  kernel.body = Turner(program, kernel, context, settled).rewrite(std::move(kernel.body));
}

} // namespace gdjit::scheduling
