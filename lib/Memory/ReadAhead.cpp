// Finds the rows; two loops for one.
#include "ReadAhead.h"

#include "gdjit/Loop/Rewrite.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace gdjit::memory {

namespace {

using loop::BufferId;
using loop::BufferRole;
using loop::Kernel;
using loop::Program;
using loop::Statement;
using loop::StatementKind;
using loop::ValueId;

constexpr int64_t most_rows = 64; ///< that wait in a tile
/// Registers that a block of rows leaves for what is loaded beside them.
constexpr int64_t registers_beside = 4;

/// The stores of a nest that are to wait, each with the tile it waits in.
using Waiting = std::vector<std::pair<const Statement*, Statement>>;

class Reader {
public:
  Reader(const Program& program, Kernel& kernel, PassContext& context)
      : program_(program), kernel_(kernel), context_(context) {}

  void rewrite(std::vector<Statement>& body) {
    for (size_t at = 0; at < body.size(); ++at) {
      if (body[at].kind != StatementKind::For)
        continue;
      if (cut_into_blocks(body, at)) {
        rewrite(body[at].body);
        continue; // the rows that are left come next
      }
      Waiting waiting = find(body[at]);
      if (waiting.empty()) {
        rewrite(body[at].body);
        continue;
      }
      for (auto& [store, tile] : waiting)
        tile.tile = kernel_.tiles++;
      std::vector<Statement> parts;
      for (const auto& [store, tile] : waiting) {
        parts.push_back(tile);
        const loop::Buffer& state = program_.buffers[program_.buffers[store->buffer].same_as];
        context_.remarks.push_back(
            fmt::format("{}: {} rows of {} are all read before the first is written, since a load "
                        "would wait for the masked store of the row before",
                        kernel_.name, rows_of(tile), state.name));
      }
      Statement writes = writing(body[at], waiting);
      parts.push_back(reading(body[at], waiting));
      parts.push_back(std::move(loop::copy_fresh(kernel_, {writes}).front()));
      body.erase(body.begin() + static_cast<std::ptrdiff_t>(at));
      body.insert(body.begin() + static_cast<std::ptrdiff_t>(at), parts.begin(), parts.end());
      at += parts.size() - 1;
    }
  }

private:
  bool is_update(const Statement& s) const {
    return s.kind == StatementKind::Store && s.mask != loop::none && s.type.lanes > 1 &&
           program_.buffers[s.buffer].role == BufferRole::update &&
           program_.buffers[s.buffer].same_as != loop::none;
  }

  /// Where `nest` is rows alone, and a store follows a load of the same place: all such stores.
  Waiting find(const Statement& nest) {
    Waiting waiting;
    bool possible = true;
    std::vector<const Statement*> loops;
    std::set<BufferId> loaded;
    find(nest, loops, loaded, waiting, possible);
    const bool any = std::any_of(waiting.begin(), waiting.end(), [&](const auto& w) {
      return loaded.contains(loop::storage(program_, w.first->buffer));
    });
    return possible && any && masks_are_numbers(nest, waiting) ? waiting : Waiting();
  }

  /// True where masks follow from lanes and loops, so that they are the same once more.
  static bool masks_are_numbers(const Statement& nest, const Waiting& waiting) {
    std::set<ValueId> needed;
    for (const auto& [store, tile] : waiting)
      needed.insert(store->mask);
    std::vector<const Statement*> all;
    loop::for_each(nest.body, [&](const Statement& s) { all.push_back(&s); });
    bool numbers = true;
    for (auto s = all.rbegin(); s != all.rend(); ++s)
      if (needed.contains((*s)->result)) {
        numbers =
            numbers && ((*s)->kind == StatementKind::Compute || (*s)->kind == StatementKind::Index);
        loop::for_each_use(**s, [&](ValueId v) { needed.insert(v); });
      }
    return numbers;
  }

  /// More rows than wait at once: as many at a time as registers hold, and those that are left.
  bool cut_into_blocks(std::vector<Statement>& body, size_t at) {
    const Statement& nest = body[at];
    if (nest.step != 1 || nest.loop_kind != loop::LoopKind::sequential ||
        loop::turns(nest) <= most_rows)
      return false;
    Statement rows = nest;
    rows.end = rows.begin + 2;
    const Waiting waiting = find(rows);
    int64_t of_row = 0;
    for (const auto& [store, tile] : waiting)
      of_row += rows_of(tile) / 2;
    const int64_t at_once =
        (context_.machine.vector_registers - registers_beside) / std::max<int64_t>(of_row, 1);
    if (of_row == 0 || at_once < 2)
      return false;
    const int64_t whole = loop::turns(nest) / at_once * at_once;
    Statement blocks = nest, left = nest;
    blocks.end = left.begin = nest.begin + whole;
    blocks.step = at_once;
    rows = nest;
    rows.loop = loop::fresh_loop(kernel_, nest.loop);
    rows.begin = 0;
    rows.end = at_once;
    rows.loop_kind = left.loop_kind = loop::LoopKind::unrolled;
    loop::Affine row = loop::variable(nest.loop);
    loop::add_scaled(row, loop::variable(rows.loop), 1);
    loop::substitute(rows.body, nest.loop, row);
    blocks.body = {std::move(rows)};
    body[at] = std::move(blocks);
    if (loop::turns(left) > 0)
      body.insert(body.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                  std::move(loop::copy_fresh(kernel_, {left}).front()));
    return true;
  }

  void find(const Statement& nest, std::vector<const Statement*>& loops, std::set<BufferId>& loaded,
            Waiting& waiting, bool& possible) const {
    loops.push_back(&nest);
    possible = possible && (nest.step == 1 || loop::turns(nest) == 1);
    for (const Statement& s : nest.body) {
      if (s.kind == StatementKind::For)
        find(s, loops, loaded, waiting, possible);
      else if (s.kind == StatementKind::Load &&
               program_.buffers[s.buffer].role == BufferRole::state)
        loaded.insert(s.buffer);
      else if (is_update(s))
        waiting.emplace_back(&s, tile_of(s, loops, possible));
      else
        possible =
            possible && (s.kind == StatementKind::Compute || s.kind == StatementKind::Index ||
                         s.kind == StatementKind::Get || s.kind == StatementKind::Tile ||
                         s.kind == StatementKind::Set || is_plain_load(s));
    }
    loops.pop_back();
  }

  /// Of what no row writes, views of states included.
  bool is_plain_load(const Statement& s) const {
    return s.kind == StatementKind::Load && program_.buffers[s.buffer].role != BufferRole::update &&
           program_.buffers[s.buffer].same_as == loop::none;
  }

  static Statement tile_of(const Statement& store, const std::vector<const Statement*>& loops,
                           bool& possible) {
    Statement tile;
    tile.kind = StatementKind::Tile;
    tile.type = store.type;
    tile.node = store.node;
    int64_t rows = 1;
    for (const Statement* l : loops) {
      tile.extents.push_back(loop::turns(*l));
      rows *= loop::turns(*l);
    }
    possible = possible && rows > 1 && rows <= most_rows;
    return tile;
  }

  static int64_t rows_of(const Statement& tile) {
    int64_t rows = 1;
    for (int64_t extent : tile.extents)
      rows *= extent;
    return rows;
  }

  /// An access to the row's place in its tile.
  static Statement access(StatementKind kind, const Statement& tile,
                          const std::vector<const Statement*>& loops) {
    Statement s;
    s.kind = kind;
    s.type = tile.type;
    s.tile = tile.tile;
    s.node = tile.node;
    for (const Statement* l : loops)
      s.index.push_back(
          {loop::turns(*l) == 1 ? loop::Affine() : loop::variable(l->loop, 1, -l->begin),
           loop::none, 0});
    return s;
  }

  static const Statement* tile_for(const Statement& store, const Waiting& waiting) {
    for (const auto& [waits, tile] : waiting)
      if (waits == &store)
        return &tile;
    return nullptr;
  }

  static Statement reading(const Statement& nest, const Waiting& waiting) {
    std::vector<const Statement*> loops;
    return reading(nest, waiting, loops);
  }

  /// `nest` with its updates put into tiles.
  static Statement reading(const Statement& nest, const Waiting& waiting,
                           std::vector<const Statement*>& loops) {
    Statement result = nest;
    result.body.clear();
    loops.push_back(&nest);
    for (const Statement& s : nest.body) {
      if (s.kind == StatementKind::For) {
        result.body.push_back(reading(s, waiting, loops));
      } else if (const Statement* tile = tile_for(s, waiting)) {
        Statement set = access(StatementKind::Set, *tile, loops);
        set.operands = s.operands;
        result.body.push_back(std::move(set));
      } else {
        result.body.push_back(s);
      }
    }
    loops.pop_back();
    return result;
  }

  Statement writing(const Statement& nest, const Waiting& waiting) {
    std::set<ValueId> masks;
    for (const auto& [store, tile] : waiting)
      masks.insert(store->mask);
    std::vector<const Statement*> loops;
    return writing(nest, waiting, masks, loops);
  }

  /// `nest` with its updates and what their masks are made of alone.
  Statement writing(const Statement& nest, const Waiting& waiting, std::set<ValueId>& needed,
                    std::vector<const Statement*>& loops) {
    Statement result = nest;
    result.body.clear();
    loops.push_back(&nest);
    for (auto s = nest.body.rbegin(); s != nest.body.rend(); ++s) {
      if (s->kind == StatementKind::For) {
        if (Statement inside = writing(*s, waiting, needed, loops); !inside.body.empty())
          result.body.push_back(std::move(inside));
      } else if (const Statement* tile = tile_for(*s, waiting)) {
        Statement get = access(StatementKind::Get, *tile, loops);
        get.result = loop::fresh_value(kernel_);
        Statement store = *s;
        store.operands = {get.result};
        result.body.push_back(std::move(store));
        result.body.push_back(std::move(get));
      } else if (needed.contains(s->result)) {
        loop::for_each_use(*s, [&](ValueId v) { needed.insert(v); });
        result.body.push_back(*s);
      }
    }
    std::reverse(result.body.begin(), result.body.end());
    loops.pop_back();
    return result;
  }

  const Program& program_;
  Kernel& kernel_;
  PassContext& context_;
};

} // namespace

void read_ahead(const Program& program, Kernel& kernel, PassContext& context) {
  Reader(program, kernel, context).rewrite(kernel.body);
}

} // namespace gdjit::memory
