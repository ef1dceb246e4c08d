// Finds nests written out behind a tile's terms, and gives them copies of the tile.
#include "Epilogue.h"

#include <fmt/format.h>

namespace gdjit::scheduling {

namespace {

constexpr int64_t most_statements = 320; ///< of one epilogue that is written out
constexpr int64_t least_for_copy = 8;    ///< statements of the nest for each element copied

class EpilogueRoller {
public:
  EpilogueRoller(const Program& program, Kernel& kernel, PassContext& context)
      : program_(program), kernel_(kernel), context_(context) {
    for_each(kernel.body, [&](const Statement& s) {
      if (s.kind == StatementKind::Tile)
        declared_[s.tile] = s;
    });
  }

  Settled run() {
    visit(kernel_.body);
    return rolled_;
  }

private:
  void visit(std::vector<Statement>& body) {
    std::vector<Statement> out;
    for (Statement& s : body) {
      if (s.kind == StatementKind::For) {
        if (const std::set<TileId> tiles = tiles_along(s); !tiles.empty() && pays(s, tiles))
          roll(out, s, tiles);
        else
          visit(s.body);
      }
      out.push_back(std::move(s));
    }
    body = std::move(out);
  }

  /// The tiles of which each turn of a nest that only reads tiles reads elements of its own; none
  /// where it is no such nest.
  static std::set<TileId> tiles_along(const Statement& nest) {
    std::set<TileId> tiles;
    bool reads_only = nest.loop_kind == loop::LoopKind::unrolled && turns(nest) > 1;
    for_each(nest.body, [&](const Statement& s) {
      switch (s.kind) {
      case StatementKind::For:
        reads_only = reads_only && s.loop_kind == loop::LoopKind::unrolled;
        break;
      case StatementKind::Get:
        if (std::ranges::any_of(
                s.index, [&](const Index& index) { return factor(index.affine, nest.loop) != 0; }))
          tiles.insert(s.tile);
        break;
      case StatementKind::Load:
      case StatementKind::Store:
      case StatementKind::Compute:
      case StatementKind::Index:
      case StatementKind::Prefetch:
        break;
      default:
        reads_only = false;
      }
    });
    return reads_only ? tiles : std::set<TileId>{};
  }

  int64_t written_out(const Statement& nest) const {
    return code_size(std::span(&nest, 1), &program_);
  }

  bool pays(const Statement& nest, const std::set<TileId>& tiles) const {
    int64_t copied = 0;
    for (TileId tile : tiles)
      copied += tile_elements(declared_.at(tile));
    const int64_t all = written_out(nest);
    return all > most_statements && all >= least_for_copy * copied;
  }

  void roll(std::vector<Statement>& out, Statement& nest, const std::set<TileId>& tiles) {
    context_.remarks.push_back(fmt::format(
        "{}: what follows the terms stays a loop over {} rows, whose sums lie on the stack: "
        "written out it would be {} statements",
        kernel_.name, turns(nest), written_out(nest)));
    std::map<TileId, TileId> copies;
    for (TileId tile : tiles)
      copies[tile] = copy(out, declared_.at(tile), nest.loop);
    for_each(nest.body, [&](Statement& s) {
      if (auto copied = copies.find(s.tile); s.kind == StatementKind::Get && copied != copies.end())
        s.tile = copied->second;
    });
    nest.loop_kind = loop::LoopKind::sequential;
    rolled_.insert(nest.loop);
  }

  /// Appends a tile that holds what `tile` does.
  TileId copy(std::vector<Statement>& out, Statement tile, LoopId like) {
    Statement get;
    get.kind = StatementKind::Get;
    get.type = tile.type;
    get.tile = tile.tile;
    get.result = fresh_value(kernel_);
    Statement set;
    set.kind = StatementKind::Set;
    set.type = tile.type;
    set.tile = tile.tile = kernel_.tiles++;
    set.operands = {get.result};
    std::vector<LoopId> loops;
    for (size_t axis = 0; axis < tile.extents.size(); ++axis)
      loops.push_back(fresh_loop(kernel_, like));
    for (LoopId loop : loops)
      get.index.push_back(Index{variable(loop), loop::none, 0});
    set.index = get.index;
    std::vector<Statement> nest = {std::move(get), std::move(set)};
    for (size_t axis = loops.size(); axis-- > 0;) {
      Statement loop;
      loop.kind = StatementKind::For;
      loop.loop_kind = loop::LoopKind::unrolled;
      loop.loop = loops[axis];
      loop.end = tile.extents[axis];
      loop.body = std::move(nest);
      nest.clear();
      nest.push_back(std::move(loop));
    }
    const TileId id = tile.tile;
    out.push_back(std::move(tile));
    out.push_back(std::move(nest.front()));
    return id;
  }

  const Program& program_;
  Kernel& kernel_;
  PassContext& context_;
  Settled rolled_;
  std::map<TileId, Statement> declared_;
};

} // namespace

Settled roll_epilogues(const Program& program, Kernel& kernel, PassContext& context) {
  return EpilogueRoller(program, kernel, context).run();
}

} // namespace gdjit::scheduling
