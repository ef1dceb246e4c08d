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
      Waiting waiting = find(body[at]);
      if (waiting.empty()) {
        rewrite(body[at].body);
        continue;
      }
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
    if (!possible || !any)
      return {};
    for (auto& [store, tile] : waiting)
      tile.tile = kernel_.tiles++;
    return waiting;
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
                         s.kind == StatementKind::Get || is_plain_load(s));
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
        result.body.push_back(writing(*s, waiting, needed, loops));
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
