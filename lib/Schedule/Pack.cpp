// Finds strided vector loads that are repeated often enough to pay for a transposed copy.
#include "Pack.h"

#include <fmt/format.h>
#include <set>

namespace gdjit::scheduling {

namespace {

constexpr double least_reuse = 4; ///< elements read per element copied

/// The axis along which the lanes of a load go, where it is one axis, step 1 and not the last; -1
/// otherwise.
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

/// for each element: packed[…, a] = buffer[…]
Statement copy_nest(Kernel& kernel, const loop::Buffer& buffer, loop::BufferId from,
                    loop::BufferId to, int axis, NodeId node) {
  int rank = buffer.type.shape.rank();
  std::vector<Index> index(static_cast<size_t>(rank));
  for (Index& i : index)
    i.affine = variable(fresh_loop(kernel, loop::none));
  Statement load;
  load.kind = StatementKind::Load;
  load.type = {buffer.type.dtype, 1};
  load.buffer = from;
  load.index = index;
  load.result = fresh_value(kernel);
  load.node = node;
  Statement store;
  store.kind = StatementKind::Store;
  store.type = load.type;
  store.buffer = to;
  store.index = moved_last(index, axis);
  store.operands = {load.result};
  store.node = node;
  std::vector<Statement> body = {load, store};
  for (int a = rank; a-- > 0;) {
    Statement loop;
    loop.kind = StatementKind::For;
    loop.loop = index[static_cast<size_t>(a)].affine.terms[0].loop;
    loop.end = buffer.type.shape[a];
    loop.node = node;
    loop.body = std::move(body);
    body.clear();
    body.push_back(std::move(loop));
  }
  return std::move(body.front());
}

} // namespace

void pack(Program& program, Kernel& kernel, PassContext& context) {
  std::vector<Statement> out;
  for (Statement& top : kernel.body) {
    std::map<Place, double> reads;
    count_reads(program, {top}, 1, reads);
    std::set<loop::BufferId> written;
    for_each(top.body, [&](const Statement& s) {
      if (s.kind == StatementKind::Store)
        written.insert(s.buffer);
    });
    for (auto [place, elements] : reads) {
      auto [from, axis] = place;
      const loop::Buffer buffer = program.buffers[from];
      auto copied = static_cast<double>(buffer.type.elements());
      if (buffer.same_as != loop::none || written.count(from) || elements < least_reuse * copied)
        continue;
      loop::Buffer packed;
      packed.name = buffer.name + ".packed" + std::to_string(program.buffers.size());
      std::vector<int64_t> extents(buffer.type.shape.begin(), buffer.type.shape.end());
      packed.type = {buffer.type.dtype, to_shape(moved_last(extents, axis))};
      auto to = static_cast<loop::BufferId>(program.buffers.size());
      program.buffers.push_back(packed);
      NodeId node = no_node;
      for_each(top.body, [&, from = from, axis = axis](Statement& s) {
        if (s.buffer != from || strided_axis(program, s) != axis)
          return;
        s.buffer = to;
        s.index = moved_last(s.index, axis);
        node = s.node;
      });
      out.push_back(copy_nest(kernel, buffer, from, to, axis, node));
      context.remarks.push_back(
          fmt::format("{}: {} is packed: its lanes lie {} rows apart and each element is read "
                      "{:.0f} times",
                      kernel.name, buffer.name, axis, elements / copied));
    }
    out.push_back(std::move(top));
  }
  kernel.body = std::move(out);
}

} // namespace gdjit::scheduling
