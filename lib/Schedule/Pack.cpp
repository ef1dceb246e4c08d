// Finds strided vector loads that are repeated often enough to pay for a transposed copy.
#include "Pack.h"

#include "Exchange.h"
#include "Panel.h"
#include "ShortRows.h"

#include "gdjit/Loop/Alone.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <fmt/format.h>
#include <set>

namespace gdjit::scheduling {

double exchange_cost(double lanes) { return lanes * (std::log2(lanes) + 2); }

double fetched(const Statement& load, const std::vector<const Statement*>& around) {
  double times = 1;
  for (const Statement* l : around)
    if (l->loop_kind != loop::LoopKind::unrolled ||
        std::ranges::any_of(load.index,
                            [&](const Index& i) { return factor(i.affine, l->loop) != 0; }))
      times *= static_cast<double>(turns(*l));
  return times;
}

namespace {

using Fetches = std::map<Place, double>; ///< elements that strided loads fetch

void count_fetches(const Program& program, const Statement& s,
                   std::vector<const Statement*>& around, Fetches& fetches) {
  if (s.kind == StatementKind::For) {
    around.push_back(&s);
    for (const Statement& inner : s.body)
      count_fetches(program, inner, around, fetches);
    around.pop_back();
  } else if (int axis = strided_axis(program, s); axis >= 0) {
    fetches[{s.buffer, axis}] += s.type.lanes * fetched(s, around);
  }
}
Fetches fetches_of(const Program& program, std::span<const Statement> nests) {
  Fetches fetches;
  std::vector<const Statement*> around;
  for (const Statement& nest : nests)
    count_fetches(program, nest, around, fetches);
  return fetches;
}

/// A permutation of axes: `axis` last.
template <class T> std::vector<T> moved_last(std::vector<T> items, int axis) {
  items.push_back(items[static_cast<size_t>(axis)]);
  items.erase(items.begin() + axis);
  return items;
}

/// The copy packed[…, a] = buffer[…].
std::vector<Statement> copy_nests(Kernel& kernel, const loop::Buffer& buffer, loop::BufferId from,
                                  loop::BufferId to, int axis, int64_t lanes, NodeId node,
                                  Varying* varying) {
  const Shape& shape = buffer.type.shape;
  const int last = shape.rank() - 1;
  std::vector<LoopId> around; // the axes that are not exchanged
  Exchange copy;
  copy.from = from;
  copy.to = to;
  copy.type = {buffer.type.dtype, static_cast<uint16_t>(lanes)};
  copy.source.resize(static_cast<size_t>(shape.rank()));
  copy.row_axis = static_cast<size_t>(axis);
  copy.rows = shape[axis];
  copy.columns = shape[last];
  copy.node = node;
  copy.varying = varying;
  for (int a = 0; a < last; ++a)
    if (a != axis) {
      around.push_back(fresh_loop(kernel, loop::none));
      copy.source[static_cast<size_t>(a)].affine = variable(around.back());
    }
  copy.target = [&](const Affine& row, const Affine& column) {
    std::vector<Index> index = copy.source;
    index[static_cast<size_t>(axis)] = Index{row, loop::none, 1};
    index.back().affine = column;
    return moved_last(index, axis);
  };
  std::vector<Statement> body = exchange(kernel, copy);
  for (int a = last; a-- > 0;) {
    if (a == axis)
      continue;
    Statement loop;
    loop.kind = StatementKind::For;
    loop.loop = around.back();
    loop.end = shape[a];
    loop.node = node;
    loop.body = std::move(body);
    body.clear();
    body.push_back(std::move(loop));
    around.pop_back();
  }
  return body;
}

} // namespace

std::vector<Statement> pack_loads(Program& program, Kernel& kernel, std::span<Statement> nests,
                                  loop::BufferId from, int axis, const PassContext& context,
                                  Varying* varying) {
  if (varying != nullptr && varying->empty())
    varying = nullptr;
  const loop::Buffer buffer = program.buffers[from];
  const int64_t lanes = context.machine.vector_bytes / byte_size(buffer.type.dtype);
  loop::Buffer packed;
  packed.name = loop::own_name(program, buffer.name, ".packed");
  std::vector<int64_t> extents(buffer.type.shape.begin(), buffer.type.shape.end());
  if (varying != nullptr) // whole blocks are written
    for (int64_t* extent : {&extents[static_cast<size_t>(axis)], &extents.back()})
      *extent = (*extent + lanes - 1) / lanes * lanes;
  packed.type = {buffer.type.dtype, to_shape(moved_last(extents, axis))};
  auto to = static_cast<loop::BufferId>(program.buffers.size());
  program.buffers.push_back(packed);
  NodeId node = no_node;
  for_each(nests, [&](Statement& s) {
    if (s.buffer != from || strided_axis(program, s) != axis)
      return;
    s.buffer = to;
    s.index = moved_last(s.index, axis);
    node = s.node;
  });
  const int64_t longer =
      std::max(buffer.type.shape[axis], buffer.type.shape[buffer.type.shape.rank() - 1]);
  const auto square =
      static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(std::max<int64_t>(longer, 2))));
  return copy_nests(kernel, buffer, from, to, axis, varying ? lanes : std::min(lanes, square), node,
                    varying);
}

bool can_pack(const Program& program, const Statement& nest, loop::BufferId buffer) {
  bool written = false;
  for_each(nest.body, [&](const Statement& s) {
    written |= s.kind == StatementKind::Store && storage(program, s.buffer) == buffer;
  });
  return !written && program.buffers[buffer].same_as == loop::none &&
         program.buffers[buffer].type.shape.rank() <= most_axes;
}

namespace {

/// A strided load costs an operation a lane, a copy a square of lanes however few it copies.
bool pays(const TensorType& type, int axis, double elements, const MachineTable& machine) {
  const auto copied = static_cast<double>(type.elements());
  const int64_t whole = machine.vector_bytes / byte_size(type.dtype);
  const auto lanes = static_cast<double>(whole);
  const auto rows = static_cast<double>(type.shape[axis]),
             columns = static_cast<double>(type.shape[type.shape.rank() - 1]);
  const double squares =
      copied / std::max(1.0, rows * columns) * std::ceil(rows / lanes) * std::ceil(columns / lanes);
  return elements >= copied && elements >= squares * exchange_cost(lanes);
}

std::string times(double count) {
  return count < 1.5 ? "once" : fmt::format("{:.0f} times", count);
}

/// A place of a buffer, read by nests between which nothing writes it.
struct Readers {
  size_t first = 0, end = 0; ///< nests
  double elements = 0;
};

std::vector<Readers> readers(const Program& program, std::span<const Statement> nests,
                             const Place& place) {
  std::vector<Readers> all;
  for (size_t at = 0; at < nests.size(); ++at) {
    const Fetches reads = fetches_of(program, nests.subspan(at, 1));
    if (!can_pack(program, nests[at], place.first))
      all.emplace_back(); // what follows reads something else
    else if (auto found = reads.find(place); found != reads.end()) {
      if (all.empty() || all.back().elements == 0)
        all.push_back({at, at, 0});
      all.back().end = at + 1;
      all.back().elements += found->second;
    }
  }
  return all;
}

/// Copies of what each turn of a loop fetches alone go through the first cache. Where all rows
/// are one tile, the loop inside theirs is such a loop.
void pack_turn_by_turn(Program& program, Kernel& kernel, std::vector<Statement>& body,
                       const std::set<Place>& left, PassContext& context) {
  for (Statement& nest : body) {
    if (nest.kind != StatementKind::For)
      continue;
    Fetches fetches = fetches_of(program, {&nest, 1});
    std::erase_if(fetches, [&](const auto& fetched) { return left.contains(fetched.first); });
    const bool far = std::ranges::all_of(fetches, [&](const auto& fetched) {
      const TensorType& type = program.buffers[fetched.first.first].type;
      return type.bytes() > context.machine.l1_bytes;
    });
    if (fetches.empty() || !far)
      continue;
    if (!panel(program, kernel, nest, PanelFor::strided_lanes, left)) {
      if (turns(nest) == 1)
        pack_turn_by_turn(program, kernel, nest.body, left, context);
    } else {
      context.remarks.push_back(fmt::format(
          "{}: what loop {} reads across rows is transposed block by block: each turn reads "
          "rows of its own, of what does not fit the first cache",
          kernel.name, kernel.loop_names[nest.loop]));
    }
  }
}

} // namespace

void pack(Program& program, Kernel& kernel, PassContext& context, Varying& varying) {
  std::set<Place> left;
  if (varying.empty()) {
    left = leave_short_rows(program, kernel, context);
    pack_turn_by_turn(program, kernel, kernel.body, left, context);
  }
  Fetches reads = fetches_of(program, kernel.body);
  std::erase_if(reads, [&](const auto& read) { return left.contains(read.first); });
  std::map<size_t, std::vector<Statement>> copies; ///< in front of which nest
  for (const auto& [place, all] : reads)
    for (const Readers& r : readers(program, kernel.body, place)) {
      auto [from, axis] = place;
      const TensorType type = program.buffers[from].type;
      if (r.elements == 0 || (varying.empty() && !pays(type, axis, r.elements, context.machine)))
        continue;
      const std::span<Statement> nests = std::span(kernel.body).subspan(r.first, r.end - r.first);
      for (Statement& copy : pack_loads(program, kernel, nests, from, axis, context, &varying))
        copies[r.first].push_back(std::move(copy));
      context.remarks.push_back(
          fmt::format("{}: {} is packed: lanes go along its axis {}, whose elements lie apart, and "
                      "each is loaded {}; a copy transposed in registers takes fewer operations",
                      kernel.name, program.buffers[from].name, axis,
                      times(r.elements / static_cast<double>(type.elements()))));
    }
  std::vector<Statement> out;
  for (size_t at = 0; at < kernel.body.size(); ++at) {
    std::move(copies[at].begin(), copies[at].end(), std::back_inserter(out));
    out.push_back(std::move(kernel.body[at]));
  }
  kernel.body = std::move(out);
}

} // namespace gdjit::scheduling
