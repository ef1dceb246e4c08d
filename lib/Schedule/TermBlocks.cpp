// Finds such products, takes their blocks apart, and cuts each block's terms.
#include "TermBlocks.h"

#include "BlockSums.h"

#include "gdjit/Loop/Alone.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace gdjit::scheduling {

namespace {

constexpr int64_t least_terms = 64;          ///< for which sums are worth going to memory and back
constexpr int64_t least_terms_of_column = 4; ///< else its sums are as much to move as its rows
constexpr int64_t least_vectors = 3; ///< of columns: two are one tile, which reads rows once
constexpr int64_t parts_of_second_cache = 4; ///< of which what some terms read takes one
constexpr int64_t terms_of_some_rows = 128;  ///< where of all rows the cache holds too few
constexpr int64_t least_rows = 16;           ///< a tile of them

/// for rows { for columns { tile; for terms { … }; get; store } }
struct Product {
  const Statement* rows = nullptr;
  const Statement* columns = nullptr;
  const Statement* terms = nullptr;

  const Statement& tile() const { return columns->body[0]; }
  const Statement& store() const { return columns->body[3]; }
};

/// True for what only adds to the tile.
bool is_chain(const Statement& terms, TileId tile) {
  return std::ranges::all_of(terms.body, [&](const Statement& s) {
    return s.kind != StatementKind::For && s.kind != StatementKind::Store &&
           s.kind != StatementKind::Check && (s.tile == loop::none || s.tile == tile);
  });
}

/// True where an index counts `loop` and not `other`, and none waits for what is computed.
bool counts(const Statement& store, const Statement& loop, const Statement& other) {
  return std::ranges::any_of(store.index,
                             [&](const Index& i) {
                               return factor(i.affine, loop.loop) == 1 &&
                                      factor(i.affine, other.loop) == 0;
                             }) &&
         std::ranges::all_of(store.index, [](const Index& i) { return i.dynamic == loop::none; });
}

/// The product that `nest` stores, each result where no other is; without terms where it does
/// anything else.
Product product_of(const Statement& nest) {
  if (!is_plain(nest) || nest.body.size() != 1 || !is_plain(nest.body[0]))
    return {};
  const Statement& columns = nest.body[0];
  const std::vector<Statement>& body = columns.body;
  const bool stores = body.size() == 4 && body[0].kind == StatementKind::Tile &&
                      body[0].extents.empty() && body[0].type.lanes == 1 && is_plain(body[1]) &&
                      is_chain(body[1], body[0].tile) && body[2].kind == StatementKind::Get &&
                      body[2].tile == body[0].tile && body[3].kind == StatementKind::Store &&
                      body[3].operands[0] == body[2].result && body[3].mask == loop::none &&
                      counts(body[3], nest, columns) && counts(body[3], columns, nest);
  return stores ? Product{&nest, &columns, &body[1]} : Product{};
}

class TermBlocker {
public:
  TermBlocker(Program& program, Kernel& kernel, PassContext& context)
      : program_(program), kernel_(kernel), context_(context) {}

  std::vector<Statement> rewrite(std::vector<Statement> body) {
    std::vector<Statement> out;
    for (Statement& s : body) {
      const Product product = product_of(s);
      if (s.kind != StatementKind::For) {
        out.push_back(std::move(s));
      } else if (const int64_t count = terms_at_once(product); count != 0) {
        cut(out, product, count);
      } else if (const int64_t rows = rows_at_once(product); rows != 0) {
        cut_rows(out, product, rows);
      } else if (std::optional<Statement> whole = taken_apart(s)) {
        s.body = rewrite(std::move(s.body));
        out.push_back(std::move(s));
        append(out, *whole);
      } else {
        s.body = rewrite(std::move(s.body));
        out.push_back(std::move(s));
      }
    }
    return out;
  }

private:
  /// Where the sums of a nest's blocks are such a product: leaves them there and gives what adds
  /// them.
  std::optional<Statement> taken_apart(Statement& nest) {
    if (block_loop(program_, nest) == nullptr)
      return std::nullopt;
    const size_t buffers = program_.buffers.size();
    Statement sums = nest;
    Statement whole = take_blocks_apart(program_, sums, loop::own_name(program_, "", "sums"));
    const Product product = product_of(sums.body[0]);
    if (terms_at_once(product) == 0 && rows_at_once(product) == 0) {
      program_.buffers.resize(buffers);
      return std::nullopt;
    }
    nest = std::move(sums);
    return whole;
  }

  /// How many terms of all rows the second cache holds beside the sums; 0 where they stay together.
  int64_t terms_at_once(const Product& p) const {
    if (!is_worth_cutting(p))
      return 0;
    const int64_t most = cached() / bytes_of_a_term(p);
    return most < least_terms ? 0 : equal_part(turns(*p.terms), most);
  }

  /// Of how many rows the second cache holds enough terms, where it holds too few of all rows; 0
  /// where rows stay together, too: so few that all their terms fit would gain nothing.
  int64_t rows_at_once(const Product& p) const {
    if (!is_worth_cutting(p))
      return 0;
    const int64_t bytes = bytes_of_a_term(p), rows = turns(*p.rows);
    const int64_t most = cached() * rows / bytes / terms_of_some_rows;
    const bool fits = bytes * most / rows * turns(*p.terms) <= context_.machine.l2_bytes;
    return most >= rows || most < least_rows || fits ? 0 : equal_part(rows, most);
  }

  /// Bytes of the second cache for what some terms read.
  int64_t cached() const { return context_.machine.l2_bytes / parts_of_second_cache; }

  /// True where all rows do not fit the second cache, are read by several tiles, and sums are
  /// little beside them.
  bool is_worth_cutting(const Product& p) const {
    if (p.terms == nullptr)
      return false;
    const int64_t lanes = context_.machine.vector_bytes / byte_size(p.tile().type.dtype);
    if (turns(*p.columns) <= (least_vectors - 1) * lanes ||
        turns(*p.columns) * least_terms_of_column > turns(*p.terms))
      return false;
    const bool in_place = std::ranges::any_of(p.terms->body, [&](const Statement& s) {
      return s.buffer != loop::none &&
             storage(program_, s.buffer) == storage(program_, p.store().buffer);
    });
    return !in_place && bytes_of_a_term(p) * turns(*p.terms) > context_.machine.l2_bytes;
  }

  /// What one term of all rows reads of them.
  static int64_t bytes_of_a_term(const Product& p) {
    int64_t bytes = 0;
    for (const Statement& s : p.terms->body)
      if (s.kind == StatementKind::Load && lies_side_by_side(s, p))
        bytes += turns(*p.rows) * byte_size(s.type.dtype);
    return bytes;
  }

  static bool lies_side_by_side(const Statement& load, const Product& p) {
    if (load.index.size() < 2 || factor(load.index.back().affine, p.rows->loop) != 1 ||
        factor(load.index.back().affine, p.terms->loop) != 0)
      return false;
    return std::ranges::none_of(load.index, [&](const Index& i) {
      return i.dynamic != loop::none || factor(i.affine, p.columns->loop) != 0;
    });
  }

  /// At most `most` of `all`, so that little or nothing is left over.
  static int64_t equal_part(int64_t all, int64_t most) {
    const int64_t parts = (all + most - 1) / most;
    for (int64_t n = parts; n < 2 * parts; ++n)
      if (all % n == 0)
        return all / n;
    return all / parts;
  }

  /// Some rows at a time, each time a product of its own.
  void cut_rows(std::vector<Statement>& out, const Product& p, int64_t count) {
    const int64_t all = turns(*p.rows), rest = all % count;
    context_.remarks.push_back(fmt::format(
        "{}: {} of the {} rows of loop {} at a time, since of all of them the second cache holds "
        "too few terms",
        kernel_.name, count, all, kernel_.loop_names[p.rows->loop]));
    Statement each = *p.rows;
    each.loop = fresh_loop(kernel_, p.rows->loop);
    each.end = all / count;
    each.body = rewrite({part_of_rows(p, variable(each.loop, count), count)});
    append(out, each);
    if (rest > 0)
      for (const Statement& last : rewrite({part_of_rows(p, {all - rest, {}}, rest)}))
        append(out, last);
  }

  static Statement part_of_rows(const Product& p, const Affine& first, int64_t count) {
    Statement rows = *p.rows;
    take_part(rows, first, count);
    return rows;
  }

  /// The sums begin in memory, and each part of the terms goes on with them.
  void cut(std::vector<Statement>& out, const Product& p, int64_t count) {
    const int64_t all = turns(*p.terms), parts = all / count, rest = all % count;
    context_.remarks.push_back(fmt::format(
        "{}: {} of the {} terms of loop {} at a time for all of loops {} and {}, with sums in "
        "memory, since all that the terms read does not fit the second cache",
        kernel_.name, count, all, kernel_.loop_names[p.terms->loop],
        kernel_.loop_names[p.rows->loop], kernel_.loop_names[p.columns->loop]));
    append(out, begun(p));
    Statement each = *p.terms;
    each.loop = fresh_loop(kernel_, p.terms->loop);
    each.end = parts;
    each.body = {continued(p, variable(each.loop, count), count)};
    append(out, each);
    if (rest > 0)
      append(out, continued(p, {all - rest, {}}, rest));
  }

  /// With loops and values of its own.
  void append(std::vector<Statement>& out, const Statement& nest) {
    for (Statement& own : copy_fresh(kernel_, {nest}))
      out.push_back(std::move(own));
  }

  static Statement with_results(const Product& p, std::vector<Statement> body) {
    Statement rows = *p.rows;
    rows.body[0].body = std::move(body);
    return rows;
  }

  /// Every sum as its tile begins.
  Statement begun(const Product& p) {
    std::vector<Statement> body;
    Statement store = p.store();
    store.operands = {append_constant(kernel_, body, store.type.dtype, p.tile().bits)};
    body.push_back(std::move(store));
    return with_results(p, std::move(body));
  }

  /// Every sum and `count` more terms from `first` on.
  Statement continued(const Product& p, const Affine& first, int64_t count) {
    std::vector<Statement> body = p.columns->body;
    take_part(body[1], first, count);
    Statement load = p.store();
    load.kind = StatementKind::Load;
    load.operands = {};
    load.result = fresh_value(kernel_);
    Statement set = p.tile();
    set.kind = StatementKind::Set;
    set.bits = 0;
    set.operands = {load.result};
    body.insert(body.begin() + 1, {std::move(load), std::move(set)});
    return with_results(p, std::move(body));
  }

  Program& program_;
  Kernel& kernel_;
  PassContext& context_;
};

} // namespace

void block_terms(Program& program, Kernel& kernel, PassContext& context) {
  TermBlocker blocker(program, kernel, context);
  kernel.body = blocker.rewrite(std::move(kernel.body));
}

} // namespace gdjit::scheduling
