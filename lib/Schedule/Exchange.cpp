// Blocks in a tile: rows are loaded, exchanged with lanes, stored.
#include "Exchange.h"

#include <algorithm>

namespace gdjit::scheduling {

namespace {

constexpr int64_t rows_side_by_side = 2; ///< blocks of them, of a panel
constexpr int64_t many = 8;              ///< blocks, beside which a masked one is little
constexpr int64_t least_halved = 8;      ///< lanes: a half is a register then

Affine plus(Affine a, LoopId loop) {
  add_scaled(a, variable(loop), 1);
  return a;
}
Affine plus(Affine a, int64_t constant) {
  a.constant += constant;
  return a;
}

class Exchanger {
public:
  Exchanger(Kernel& kernel, const Exchange& what)
      : kernel_(kernel), what_(what),
        rows_inside_(what.varying == nullptr && what.rows <= rows_side_by_side * what.type.lanes) {}

  /// Over blocks of rows, then of columns; the other way round where few blocks of rows, side by
  /// side, fill whole rows of what is written. `at` holds the variables so far.
  std::vector<Statement> loops(std::vector<Affine> at, std::vector<int64_t> counts) {
    if (at.size() == 2)
      return rows_inside_ ? block(at[1], at[0], counts[1], counts[0])
                          : block(at[0], at[1], counts[0], counts[1]);
    std::vector<Statement> out;
    const bool is_rows = at.empty() != rows_inside_;
    const int64_t extent = is_rows ? what_.rows : what_.columns;
    const int64_t step = is_rows ? what_.type.lanes : columns_at_once();
    const int64_t all = (extent + step - 1) / step * step,
                  whole = what_.varying != nullptr ? all : extent / step * step;
    for (auto [begin, end] : {std::pair{int64_t{0}, whole}, std::pair{whole, extent}}) {
      if (begin >= end)
        continue;
      Statement loop = statement(StatementKind::For);
      loop.loop = fresh_loop(kernel_, loop::none);
      loop.begin = begin;
      loop.end = end;
      loop.step = step;
      if (what_.varying != nullptr)
        what_.varying->loops.insert(loop.loop);
      else if (end - begin <= step)
        loop.loop_kind = loop::LoopKind::unrolled;
      std::vector<Affine> further = at;
      std::vector<int64_t> further_counts = counts;
      further.push_back(variable(loop.loop));
      further_counts.push_back(std::min(step, end - begin));
      loop.body = loops(further, further_counts);
      out.push_back(std::move(loop));
    }
    return out;
  }

private:
  /// Half as many as lanes where all blocks are of that kind, or all but one of many.
  int64_t columns_at_once() const {
    const int64_t lanes = what_.type.lanes, half = lanes / 2;
    const bool halved = halves_rows() && what_.rows % lanes == 0;
    return halved && (what_.columns % half == 0 || what_.columns >= many * half) ? half : lanes;
  }

  bool halves_rows() const { return what_.varying == nullptr && what_.type.lanes >= least_halved; }

  std::vector<Statement> block(const Affine& row, const Affine& column, int64_t rows,
                               int64_t columns) {
    std::vector<Statement> out;
    const uint16_t lanes = what_.type.lanes;
    const bool any_extent = what_.varying != nullptr;
    if (halves_rows() && rows == lanes && columns % (lanes / 2) == 0) {
      for (int64_t half = 0; half < columns; half += lanes / 2)
        halves(out, row, plus(column, half));
      return out;
    }
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

  /// As many rows as lanes of half as many columns, those of rows i and i + lanes / 2 loaded into
  /// one vector: that is the first round of the exchange, by loads in the place of shuffles, which
  /// only one unit of a processor does.
  void halves(std::vector<Statement>& out, const Affine& row, const Affine& column) {
    const int64_t half = what_.type.lanes / 2;
    const ValueId low = append_below(kernel_, out, what_.type.lanes, half);
    const ValueId zero = append_constant(kernel_, out, what_.type.dtype, 0);
    Statement high = statement(StatementKind::Compute);
    high.op = loop::ScalarOp::bit_xor;
    high.type.dtype = DType::boolean;
    high.operands = {low, append_constant(kernel_, out, DType::boolean, 1)};
    high.result = fresh_value(kernel_);
    out.push_back(high);
    Statement tile = statement(StatementKind::Tile);
    tile.extents = {half};
    tile.tile = kernel_.tiles++;
    out.push_back(tile);

    Statement each = unrolled(half);
    Statement set = element(StatementKind::Set, tile.tile, each.loop);
    Statement load = statement(StatementKind::Load);
    load.buffer = what_.from;
    load.fill = zero;
    for (int64_t of_lanes : {int64_t{0}, half}) {
      load.index = what_.source;
      add_scaled(load.index[what_.row_axis].affine, plus(row, each.loop), 1);
      load.index[what_.row_axis].affine.constant += of_lanes;
      add_scaled(load.index.back().affine, column, 1);
      load.index.back().affine.constant -= of_lanes;
      load.index.back().lane = 1;
      load.mask = of_lanes == 0 ? low : high.result;
      load.result = fresh_value(kernel_);
      each.body.push_back(load);
      load.fill = load.result;
    }
    set.operands = {load.result};
    each.body.push_back(set);
    out.push_back(each);

    Statement turn = statement(StatementKind::Transpose);
    turn.tile = tile.tile;
    out.push_back(turn);

    each = unrolled(half);
    Statement get = element(StatementKind::Get, tile.tile, each.loop);
    get.result = fresh_value(kernel_);
    Statement store = statement(StatementKind::Store);
    store.buffer = what_.to;
    store.index = what_.target(row, plus(column, each.loop));
    store.operands = {get.result};
    each.body = {get, store};
    out.push_back(each);
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
  template <class... Loops> Statement element(StatementKind kind, TileId tile, Loops... at) const {
    Statement s = statement(kind);
    s.tile = tile;
    s.index = {Index{variable(at), loop::none, 0}...};
    return s;
  }

  Kernel& kernel_;
  const Exchange& what_;
  bool rows_inside_;
};

} // namespace

std::vector<Statement> exchange(Kernel& kernel, const Exchange& what) {
  return Exchanger(kernel, what).loops({}, {});
}

} // namespace gdjit::scheduling
