// Blocks in a tile: rows are loaded, exchanged with lanes, stored.
#include "Exchange.h"

#include <algorithm>

namespace gdjit::scheduling {

namespace {

Affine plus(Affine a, LoopId loop) {
  add_scaled(a, variable(loop), 1);
  return a;
}

class Exchanger {
public:
  Exchanger(Kernel& kernel, const Exchange& what) : kernel_(kernel), what_(what) {}

  /// Over blocks of rows, then of columns; `at` holds the variables so far.
  std::vector<Statement> loops(std::vector<Affine> at, std::vector<int64_t> counts) {
    if (at.size() == 2)
      return block(at[0], at[1], counts[0], counts[1]);
    std::vector<Statement> out;
    const int64_t lanes = what_.type.lanes, extent = at.empty() ? what_.rows : what_.columns;
    const int64_t all = (extent + lanes - 1) / lanes * lanes,
                  whole = what_.varying != nullptr ? all : extent / lanes * lanes;
    for (auto [begin, end] : {std::pair{int64_t{0}, whole}, std::pair{whole, extent}}) {
      if (begin >= end)
        continue;
      Statement loop = statement(StatementKind::For);
      loop.loop = fresh_loop(kernel_, loop::none);
      loop.begin = begin;
      loop.end = end;
      loop.step = lanes;
      if (what_.varying != nullptr)
        what_.varying->loops.insert(loop.loop);
      else if (end - begin <= lanes)
        loop.loop_kind = loop::LoopKind::unrolled;
      std::vector<Affine> further = at;
      std::vector<int64_t> further_counts = counts;
      further.push_back(variable(loop.loop));
      further_counts.push_back(std::min(lanes, end - begin));
      loop.body = loops(further, further_counts);
      out.push_back(std::move(loop));
    }
    return out;
  }

private:
  std::vector<Statement> block(const Affine& row, const Affine& column, int64_t rows,
                               int64_t columns) {
    std::vector<Statement> out;
    const uint16_t lanes = what_.type.lanes;
    const bool any_extent = what_.varying != nullptr;
    ValueId loaded = loop::none;
    if (any_extent)
      loaded = append_below(kernel_, out, lanes, what_.columns, column);
    else if (columns < lanes)
      loaded = append_below(kernel_, out, lanes, columns);
    const ValueId stored = rows < lanes ? append_below(kernel_, out, lanes, rows) : loop::none;
    const ValueId zero =
        loaded == loop::none ? loop::none : append_constant(kernel_, out, what_.type.dtype, 0);
    Statement tile = statement(StatementKind::Tile);
    tile.extents = {lanes};
    tile.tile = kernel_.tiles++;
    out.push_back(tile);

    Statement each = unrolled(rows);
    Statement load = statement(StatementKind::Load);
    load.buffer = what_.from;
    load.index = what_.source;
    add_scaled(load.index[what_.row_axis].affine, plus(row, each.loop), 1);
    add_scaled(load.index.back().affine, column, 1);
    load.index.back().lane = 1;
    load.result = fresh_value(kernel_);
    load.mask = any_extent ? both(each.body, loaded, plus(row, each.loop)) : loaded;
    load.fill = zero;
    Statement set = element(StatementKind::Set, tile.tile, each.loop);
    set.operands = {load.result};
    each.body.push_back(load);
    each.body.push_back(set);
    out.push_back(each);

    Statement turn = statement(StatementKind::Transpose);
    turn.tile = tile.tile;
    out.push_back(turn);

    each = unrolled(columns);
    Statement get = element(StatementKind::Get, tile.tile, each.loop);
    get.result = fresh_value(kernel_);
    Statement store = statement(StatementKind::Store);
    store.buffer = what_.to;
    store.index = what_.target(row, plus(column, each.loop));
    store.operands = {get.result};
    store.mask = stored;
    each.body = {get, store};
    out.push_back(each);
    return out;
  }

  /// `columns` where there is such a row, else no lane.
  ValueId both(std::vector<Statement>& out, ValueId columns, const Affine& row) {
    Statement s = statement(StatementKind::Compute);
    s.op = loop::ScalarOp::bit_and;
    s.type.dtype = DType::boolean;
    s.operands = {append_below(kernel_, out, 1, what_.rows, row), columns};
    s.result = fresh_value(kernel_);
    out.push_back(s);
    return s.result;
  }

  Statement statement(StatementKind kind) const {
    Statement s;
    s.kind = kind;
    s.type = what_.type;
    s.node = what_.node;
    return s;
  }
  Statement unrolled(int64_t count) {
    Statement loop = statement(StatementKind::For);
    loop.loop = fresh_loop(kernel_, loop::none);
    loop.end = count;
    loop.loop_kind = loop::LoopKind::unrolled;
    return loop;
  }
  Statement element(StatementKind kind, TileId tile, LoopId at) const {
    Statement s = statement(kind);
    s.tile = tile;
    s.index = {Index{variable(at), loop::none, 0}};
    return s;
  }

  Kernel& kernel_;
  const Exchange& what_;
};

} // namespace

std::vector<Statement> exchange(Kernel& kernel, const Exchange& what) {
  return Exchanger(kernel, what).loops({}, {});
}

} // namespace gdjit::scheduling
