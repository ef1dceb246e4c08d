// Finds loops over tiles with long work behind their terms, and spreads that work over the next
// tile's terms.
#include "SoftwarePipeline.h"

#include "Timetable.h"

#include "gdjit/Loop/Alone.h"

#include <fmt/format.h>
#include <numeric>
#include <set>

namespace gdjit::scheduling {

namespace {

constexpr int64_t least_tiles = 4; ///< of a loop: the first tile and the last one's work are apart

bool is_straight(const Statement& s) {
  return s.kind == StatementKind::Compute || s.kind == StatementKind::Index ||
         s.kind == StatementKind::Load;
}

bool is_terms(const Statement& s) {
  return s.kind == StatementKind::For && s.loop_kind == loop::LoopKind::sequential && s.step == 1;
}

/// True where `work` for each of so many vectors is worth standing between as many terms.
bool is_worth_it(const std::vector<Statement>& work, int64_t terms, int64_t vectors) {
  const bool waits = std::ranges::any_of(
      work, [](const Statement& s) { return s.type.lanes > 1 && latency(s) > 1; });
  return waits && terms / vectors * 2 >= Timetable(work).length;
}

/// A loop over tiles, taken apart.
struct TileLoop {
  std::vector<Statement> head; ///< numbers and masks in front, the same for all tiles
  const Statement* tile = nullptr;
  const Statement* terms = nullptr;
  std::vector<Statement> before_rows; ///< of the work: for all of a tile
  const Statement* rows = nullptr;
  std::vector<Statement> before_vectors; ///< for a row of it
  const Statement* vectors = nullptr;

  /// True where it has that form.
  bool read(const Statement& loop) {
    if (loop.kind != StatementKind::For || loop.loop_kind != loop::LoopKind::sequential ||
        turns(loop) < least_tiles)
      return false;
    for (const Statement& s : loop.body) {
      if (rows != nullptr)
        return false;
      if (s.kind == StatementKind::Tile && tile == nullptr)
        tile = &s;
      else if (is_straight(s))
        (terms == nullptr ? head : before_rows).push_back(s);
      else if (tile != nullptr && terms == nullptr && is_terms(s))
        terms = &s;
      else if (terms != nullptr && s.loop_kind == loop::LoopKind::unrolled)
        rows = &s;
      else
        return false;
    }
    return rows != nullptr && read_rows() && only_accumulates() && reads_tile_by_place() &&
           std::ranges::none_of(head, [&](const Statement& s) { return moves(s, loop.loop); });
  }

  int64_t count() const { return tile->extents[0] * tile->extents[1]; }

private:
  static bool moves(const Statement& s, LoopId l) {
    return std::ranges::any_of(s.index, [&](const Index& i) { return factor(i.affine, l) != 0; });
  }

  bool read_rows() {
    for (const Statement& s : rows->body) {
      if (vectors != nullptr)
        return false;
      if (is_straight(s))
        before_vectors.push_back(s);
      else if (s.kind == StatementKind::For && s.loop_kind == loop::LoopKind::unrolled)
        vectors = &s;
      else
        return false;
    }
    return vectors != nullptr && tile->extents.size() == 2 && tile->type.lanes > 1 &&
           covers(*rows, tile->extents[0]) && covers(*vectors, tile->extents[1]);
  }
  static bool covers(const Statement& loop, int64_t extent) {
    return loop.begin == 0 && loop.step == 1 && loop.end == extent;
  }

  /// The terms change nothing but the tile.
  bool only_accumulates() const {
    bool only = true;
    for_each(terms->body, [&](const Statement& s) {
      only = only && (is_straight(s) || s.kind == StatementKind::For ||
                      ((s.kind == StatementKind::Get || s.kind == StatementKind::Set) &&
                       s.tile == tile->tile));
    });
    return only;
  }

  /// The work is straight code for the vector in its place of the tile.
  bool reads_tile_by_place() const {
    return std::ranges::all_of(vectors->body, [&](const Statement& s) {
      const bool in_place = s.kind == StatementKind::Get && s.tile == tile->tile &&
                            s.index[0].affine == variable(rows->loop) &&
                            s.index[1].affine == variable(vectors->loop);
      return is_straight(s) || s.kind == StatementKind::Store || in_place;
    });
  }
};

class SoftwarePipeliner {
public:
  SoftwarePipeliner(Program& program, Kernel& kernel, PassContext& context)
      : program_(program), kernel_(kernel), context_(context) {}

  void rewrite(std::vector<Statement>& body) {
    std::vector<Statement> out;
    for (Statement& s : body) {
      TileLoop parts;
      if (parts.read(s) && may_be_late(parts) &&
          is_worth_it(parts.vectors->body, turns(*parts.terms), parts.count())) {
        pipeline(out, s, parts);
      } else {
        rewrite(s.body);
        out.push_back(std::move(s));
      }
    }
    body = std::move(out);
  }

private:
  /// True where nobody reads what the work stores: neither the next tile, whose terms it is going
  /// to stand among, nor itself, whose statements change their order; something is stored, and
  /// nothing twice.
  bool may_be_late(const TileLoop& parts) const {
    std::set<loop::BufferId> stored;
    for (const Statement& s : parts.vectors->body)
      if (s.kind == StatementKind::Store && !stored.insert(storage(program_, s.buffer)).second)
        return false;
    bool none_reads = true;
    for (const std::vector<Statement>* body :
         {&parts.head, &parts.terms->body, &parts.vectors->body})
      for_each(*body, [&](const Statement& s) {
        none_reads = none_reads && (s.kind != StatementKind::Load ||
                                    stored.count(storage(program_, s.buffer)) == 0);
      });
    return none_reads && !stored.empty();
  }

  void pipeline(std::vector<Statement>& out, const Statement& loop, const TileLoop& parts) {
    context_.remarks.push_back(fmt::format(
        "{}: between terms of a tile over loop {} the work behind the one before, a vector "
        "every {} terms, since its square roots and divisions take as long",
        kernel_.name, kernel_.loop_names[loop.loop], turns(*parts.terms) / parts.count()));
    add_done(parts);
    std::vector<Statement> first = parts.head;
    first.push_back(*parts.tile);
    first.push_back(*parts.terms);
    first.push_back(keep(parts));
    Statement rows = *parts.rows;
    rows.body = {ask_for_row(parts)};
    first.push_back(std::move(rows));
    place(out, first, loop.loop, loop.begin);

    Statement tiles = loop;
    tiles.begin += tiles.step;
    tiles.body = terms_and_work(loop, parts);
    out.push_back(std::move(tiles));

    std::vector<Statement> last = parts.head;
    std::ranges::copy(parts.before_rows, std::back_inserter(last));
    last.push_back(*parts.rows);
    for_each(last, [](Statement& s) { s.loop_kind = loop::LoopKind::sequential; });
    read_done(last, *parts.tile);
    place(out, last, loop.loop, last_value(loop));
  }

  /// Appends statements of a turn outside of its loop.
  void place(std::vector<Statement>& out, const std::vector<Statement>& statements, LoopId loop,
             int64_t turn) {
    std::vector<Statement> own = copy_fresh(kernel_, statements);
    substitute(own, loop, Affine{turn, {}});
    std::ranges::move(own, std::back_inserter(out));
  }

  /// A turn: the terms of a tile and the work behind the one before.
  std::vector<Statement> terms_and_work(const Statement& loop, const TileLoop& parts) {
    const int64_t each = turns(*parts.terms) / parts.count();
    std::vector<Statement> work = parts.before_rows;
    Statement row = *parts.rows;
    row.loop_kind = loop::LoopKind::sequential;
    row.body = parts.before_vectors;
    Statement vector = *parts.vectors;
    vector.loop_kind = loop::LoopKind::sequential;
    read_done(vector.body, *parts.tile);
    Affine from = variable(row.loop, each * turns(vector), parts.terms->begin);
    add_scaled(from, variable(vector.loop), each);
    row.body.push_back(vector);
    work.push_back(std::move(row));
    substitute(work, loop.loop, variable(loop.loop, 1, -loop.step)); // of the tile before
    std::vector<Statement>& in_row = work.back().body;
    in_row.back().body = among_terms(in_row.back().body, *parts.terms, from, each);
    in_row.push_back(ask_for_row(parts));

    std::vector<Statement> body = parts.head;
    body.push_back(*parts.tile);
    std::ranges::move(work, std::back_inserter(body));
    Statement rest = *parts.terms;
    rest.begin += each * parts.count();
    rest.body = copy_fresh(kernel_, rest.body);
    if (turns(rest) > 0)
      body.push_back(std::move(rest));
    body.push_back(keep(parts));
    return body;
  }

  /// `count` terms from `from` on, with the statements of `work` in between.
  std::vector<Statement> among_terms(const std::vector<Statement>& work, const Statement& terms,
                                     const Affine& from, int64_t count) {
    const Timetable times(work);
    std::vector<size_t> order(work.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, {}, [&](size_t i) { return times.start[i]; });
    std::vector<Statement> out;
    int64_t done = 0; // terms
    for (size_t i : order) {
      const int64_t term = std::min(times.start[i] * count / times.length, count - 1);
      append_terms(out, terms, from, done, term + 1);
      done = term + 1;
      out.push_back(work[i]);
    }
    append_terms(out, terms, from, done, count);
    return out;
  }

  /// Terms `begin` to `end` of those from `from` on.
  void append_terms(std::vector<Statement>& out, const Statement& terms, const Affine& from,
                    int64_t begin, int64_t end) {
    if (begin >= end)
      return;
    Statement loop = terms;
    loop.loop = fresh_loop(kernel_, terms.loop);
    loop.begin = begin;
    loop.end = end;
    loop.body = copy_fresh(kernel_, terms.body);
    Affine at = from;
    add_scaled(at, variable(loop.loop), 1);
    substitute(loop.body, terms.loop, at);
    out.push_back(std::move(loop));
  }

  void add_done(const TileLoop& parts) {
    const auto store =
        std::ranges::find(parts.vectors->body, StatementKind::Store, &Statement::kind);
    loop::Buffer buffer;
    buffer.name = loop::own_name(program_, program_.buffers[store->buffer].name, ".tile");
    lanes_ = parts.tile->type.lanes;
    buffer.type = {parts.tile->type.dtype,
                   Shape{parts.tile->extents[0], parts.tile->extents[1] * lanes_}};
    done_ = static_cast<loop::BufferId>(program_.buffers.size());
    program_.buffers.push_back(std::move(buffer));
  }

  /// Puts a finished tile where the next turn finds it.
  Statement keep(const TileLoop& parts) {
    Statement rows = unrolled(*parts.rows), vectors = unrolled(*parts.vectors);
    Statement get;
    get.kind = StatementKind::Get;
    get.type = parts.tile->type;
    get.tile = parts.tile->tile;
    get.node = parts.terms->node;
    get.index = {Index{variable(rows.loop), loop::none, 0},
                 Index{variable(vectors.loop), loop::none, 0}};
    get.result = fresh_value(kernel_);
    Statement store = get;
    store.kind = StatementKind::Store;
    store.buffer = done_;
    store.tile = loop::none;
    store.operands = {get.result};
    store.result = loop::none;
    to_done(store);
    vectors.body = {get, store};
    rows.body = {vectors};
    return rows;
  }

  /// From the coordinates of a tile to those of its elements.
  void to_done(Statement& s) const {
    Affine column;
    add_scaled(column, s.index[1].affine, lanes_);
    s.index[1] = Index{column, loop::none, 1};
  }

  void read_done(std::vector<Statement>& work, const Statement& tile) const {
    for (Statement& s : work) {
      read_done(s.body, tile);
      if (s.kind != StatementKind::Get || s.tile != tile.tile)
        continue;
      s.kind = StatementKind::Load;
      s.buffer = done_;
      s.tile = loop::none;
      to_done(s);
    }
  }

  /// Asks for what the work is going to read of a row.
  Statement ask_for_row(const TileLoop& parts) {
    Statement vectors = unrolled(*parts.vectors);
    for (const Statement& s : parts.vectors->body) {
      const bool follows =
          s.kind == StatementKind::Load && std::ranges::any_of(s.index, [&](const Index& i) {
            return factor(i.affine, parts.rows->loop) != 0;
          });
      if (std::optional<Statement> prefetch = follows ? prefetch_of(s) : std::nullopt)
        vectors.body.push_back(std::move(*prefetch));
    }
    substitute(vectors.body, parts.vectors->loop, variable(vectors.loop));
    return vectors;
  }

  /// Such a loop without what it does.
  Statement unrolled(const Statement& like) {
    Statement loop;
    loop.kind = StatementKind::For;
    loop.loop_kind = loop::LoopKind::unrolled;
    loop.loop = fresh_loop(kernel_, like.loop);
    loop.end = like.end;
    loop.node = like.node;
    return loop;
  }

  Program& program_;
  Kernel& kernel_;
  PassContext& context_;
  loop::BufferId done_ = loop::none; ///< results of a tile, until the work behind them is done
  int64_t lanes_ = 1;
};

} // namespace

bool has_work_for_terms(const std::vector<Statement>& body, int64_t tiles, int64_t vectors) {
  if (tiles < least_tiles)
    return false;
  std::vector<Statement> work;
  const Statement* terms = nullptr;
  for (const Statement& s : body) {
    if (s.kind == StatementKind::For && (terms != nullptr || !is_terms(s)))
      return false;
    if (s.kind == StatementKind::For)
      terms = &s;
    else if (terms != nullptr)
      work.push_back(s);
  }
  return terms != nullptr && is_worth_it(work, turns(*terms), vectors);
}

void software_pipeline(Program& program, Kernel& kernel, PassContext& context) {
  SoftwarePipeliner(program, kernel, context).rewrite(kernel.body);
}

} // namespace gdjit::scheduling
