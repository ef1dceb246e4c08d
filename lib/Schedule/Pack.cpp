// Finds strided vector loads that are repeated often enough to pay for a transposed copy.
#include "Pack.h"

#include <fmt/format.h>
#include <set>

namespace gdjit::scheduling {

int strided_axis(const Program& program, const Statement& s) {
  if (s.kind != StatementKind::Load || s.type.lanes == 1)
    return -1;
  int axis = -1;
  for (size_t a = 0; a < s.index.size(); ++a) {
    if (s.index[a].dynamic != loop::none)
      return -1;
    if (s.index[a].lane == 0)
      continue;
    if (axis >= 0 || s.index[a].lane != 1 || a + 1 == s.index.size())
      return -1;
    axis = static_cast<int>(a);
  }
  if (axis < 0)
    return -1;
  const Shape& shape = program.buffers[s.buffer].type.shape;
  bool side_by_side = true; // behind it extents of 1 only: its elements lie side by side already
  for (int a = axis + 1; a < shape.rank(); ++a)
    side_by_side = side_by_side && shape[a] == 1;
  return side_by_side ? -1 : axis;
}

namespace {

constexpr double least_reuse = 4; ///< elements read per element copied

using Place = std::pair<loop::BufferId, int>; ///< a buffer and the axis that goes last

/// Elements read by strided loads, per buffer and axis.
void count_reads(const Program& program, const std::vector<Statement>& body, double times,
                 std::map<Place, double>& reads) {
  for (const Statement& s : body) {
    if (s.kind == StatementKind::For)
      count_reads(program, s.body, times * static_cast<double>(trips(s)), reads);
    else if (int axis = strided_axis(program, s); axis >= 0)
      reads[{s.buffer, axis}] += times * s.type.lanes;
  }
}

/// A permutation of axes: `axis` last.
template <class T> std::vector<T> moved_last(std::vector<T> items, int axis) {
  items.push_back(items[static_cast<size_t>(axis)]);
  items.erase(items.begin() + axis);
  return items;
}

/// The copy packed[…, a] = buffer[…], in blocks of which rows and columns are exchanged in registers.
class Copy {
public:
  Copy(Kernel& kernel, const loop::Buffer& buffer, loop::BufferId from, loop::BufferId to, int axis,
       int lanes, NodeId node)
      : kernel_(kernel), shape_(buffer.type.shape), type_{buffer.type.dtype,
                                                          static_cast<uint16_t>(lanes)},
        from_(from), to_(to), axis_(axis), last_(shape_.rank() - 1), node_(node) {}

  std::vector<Statement> nests() {
    index_.resize(static_cast<size_t>(shape_.rank()));
    return loops(0);
  }

private:
  /// The loops over axes from `axis` on. Those that are exchanged go in blocks of as many as lanes,
  /// then the rest.
  std::vector<Statement> loops(int axis) {
    if (axis > last_)
      return block();
    std::vector<Statement> out;
    const bool exchanged = axis == axis_ || axis == last_;
    const int64_t extent = shape_[axis], lanes = exchanged ? type_.lanes : 1;
    int64_t& count = axis == axis_ ? rows_ : columns_;
    Index& index = index_[static_cast<size_t>(axis)];
    const int64_t whole = extent / lanes * lanes;
    for (auto [begin, end] : {std::pair{int64_t{0}, whole}, std::pair{whole, extent}}) {
      if (begin == end)
        continue;
      Statement loop = statement(StatementKind::For);
      loop.loop = fresh_loop(kernel_, loop::none);
      loop.begin = begin;
      loop.end = end;
      loop.step = lanes;
      if (end - begin <= lanes)
        loop.loop_kind = loop::LoopKind::unrolled;
      index.affine = variable(loop.loop);
      if (exchanged)
        count = std::min(lanes, end - begin);
      loop.body = loops(axis + 1);
      out.push_back(std::move(loop));
    }
    return out;
  }

  std::vector<Statement> block() {
    std::vector<Statement> out;
    Statement tile = statement(StatementKind::Tile);
    tile.extents = {type_.lanes};
    tile.tile = kernel_.tiles++;
    const ValueId full = loop::none;
    ValueId loaded = columns_ < type_.lanes ? below(out, columns_) : full;
    ValueId stored = rows_ < type_.lanes ? below(out, rows_) : full;
    ValueId zero = loaded == full ? full : constant(out, type_.dtype, 0);
    out.push_back(tile);

    Statement rows = turns(rows_);
    Statement load = access(StatementKind::Load, axis_, rows.loop, last_);
    load.buffer = from_;
    load.mask = loaded;
    load.fill = zero;
    Statement set = statement(StatementKind::Set);
    set.tile = tile.tile;
    set.index = {Index{variable(rows.loop), loop::none, 0}};
    set.operands = {load.result};
    rows.body = {load, set};
    out.push_back(rows);

    Statement exchange = statement(StatementKind::Transpose);
    exchange.tile = tile.tile;
    out.push_back(exchange);

    Statement columns = turns(columns_);
    Statement get = statement(StatementKind::Get);
    get.tile = tile.tile;
    get.index = {Index{variable(columns.loop), loop::none, 0}};
    get.result = fresh_value(kernel_);
    Statement store = access(StatementKind::Store, last_, columns.loop, axis_);
    store.buffer = to_;
    store.index = moved_last(store.index, axis_);
    store.operands = {get.result};
    store.mask = stored;
    columns.body = {get, store};
    out.push_back(columns);
    return out;
  }

  Statement statement(StatementKind kind) const {
    Statement s;
    s.kind = kind;
    s.type = type_;
    s.node = node_;
    return s;
  }
  Statement turns(int64_t count) {
    Statement loop = statement(StatementKind::For);
    loop.loop = fresh_loop(kernel_, loop::none);
    loop.end = count;
    loop.loop_kind = loop::LoopKind::unrolled;
    return loop;
  }
  /// A vector along axis `along`, of the row that the loop `turn` names on axis `across`.
  Statement access(StatementKind kind, int across, LoopId turn, int along) {
    Statement s = statement(kind);
    s.index = index_;
    s.index[static_cast<size_t>(across)].affine.terms.push_back({turn, 1});
    s.index[static_cast<size_t>(along)].lane = 1;
    if (kind == StatementKind::Load)
      s.result = fresh_value(kernel_);
    return s;
  }
  ValueId constant(std::vector<Statement>& out, DType type, int64_t value) {
    Statement s = statement(StatementKind::Compute);
    s.type = {type, 1};
    s.bits = static_cast<loop::Bits>(value);
    s.result = fresh_value(kernel_);
    out.push_back(s);
    return s.result;
  }
  /// The mask of the first `count` lanes.
  ValueId below(std::vector<Statement>& out, int64_t count) {
    Statement lane = statement(StatementKind::Index);
    lane.type.dtype = DType::i64;
    lane.index = {Index{{}, loop::none, 1}};
    lane.result = fresh_value(kernel_);
    ValueId limit = constant(out, DType::i64, count);
    Statement compare = statement(StatementKind::Compute);
    compare.op = loop::ScalarOp::lt;
    compare.type.dtype = DType::boolean;
    compare.operands = {lane.result, limit};
    compare.result = fresh_value(kernel_);
    out.insert(out.end(), {lane, compare});
    return compare.result;
  }

  Kernel& kernel_;
  Shape shape_;
  loop::ValueType type_;
  loop::BufferId from_, to_;
  int axis_, last_;
  NodeId node_;
  std::vector<Index> index_;
  int64_t rows_ = 0, columns_ = 0; ///< of the block in the making
};

} // namespace

std::vector<Statement> pack_loads(Program& program, Kernel& kernel, Statement& nest,
                                  loop::BufferId from, int axis, const PassContext& context) {
  const loop::Buffer buffer = program.buffers[from];
  loop::Buffer packed;
  packed.name = buffer.name + ".packed" + std::to_string(program.buffers.size());
  std::vector<int64_t> extents(buffer.type.shape.begin(), buffer.type.shape.end());
  packed.type = {buffer.type.dtype, to_shape(moved_last(extents, axis))};
  auto to = static_cast<loop::BufferId>(program.buffers.size());
  program.buffers.push_back(packed);
  NodeId node = no_node;
  for_each(nest.body, [&](Statement& s) {
    if (s.buffer != from || strided_axis(program, s) != axis)
      return;
    s.buffer = to;
    s.index = moved_last(s.index, axis);
    node = s.node;
  });
  auto lanes = static_cast<int>(context.machine.vector_bytes / byte_size(buffer.type.dtype));
  return Copy(kernel, buffer, from, to, axis, lanes, node).nests();
}

bool can_pack(const Program& program, const Statement& nest, loop::BufferId buffer) {
  bool written = false;
  for_each(nest.body, [&](const Statement& s) {
    written |= s.kind == StatementKind::Store && s.buffer == buffer;
  });
  return !written && program.buffers[buffer].same_as == loop::none;
}

void pack(Program& program, Kernel& kernel, PassContext& context) {
  std::vector<Statement> out;
  for (Statement& top : kernel.body) {
    std::map<Place, double> reads;
    count_reads(program, {top}, 1, reads);
    for (auto [place, elements] : reads) {
      auto [from, axis] = place;
      auto copied = static_cast<double>(program.buffers[from].type.elements());
      if (!can_pack(program, top, from) || elements < least_reuse * copied)
        continue;
      for (Statement& nest : pack_loads(program, kernel, top, from, axis, context))
        out.push_back(std::move(nest));
      context.remarks.push_back(
          fmt::format("{}: {} is packed: its lanes lie {} rows apart and each element is read "
                      "{:.0f} times",
                      kernel.name, program.buffers[from].name, axis, elements / copied));
    }
    out.push_back(std::move(top));
  }
  kernel.body = std::move(out);
}

} // namespace gdjit::scheduling
