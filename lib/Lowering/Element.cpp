// One element of a value: Movement nodes become index arithmetic, guards become masks.
//
//   pad(transpose(x))[i, j]   =>   load x[j, i - 1] where i - 1 >= 0, else fill
#include "Lowering.h"

#include "gdjit/Support/Error.h"

#include <algorithm>

namespace gdjit::lowering {

std::vector<Index> operand_index(const IndexMap& map, const std::vector<Index>& iteration) {
  std::vector<Index> index(map.axes.size());
  for (size_t axis = 0; axis < index.size(); ++axis) {
    index[axis].affine.constant = map.axes[axis].offset;
    for (size_t i = 0; i < map.axes[axis].factors.size(); ++i)
      add_scaled(index[axis].affine, iteration[i].affine, map.axes[axis].factors[i]);
  }
  return index;
}

Affine position(const Shape& shape, const std::vector<Index>& index) {
  Affine sum;
  int64_t stride = 1;
  for (int axis = shape.rank(); axis-- > 0;) {
    add_scaled(sum, index[static_cast<size_t>(axis)].affine, stride);
    stride *= shape[axis];
  }
  return sum;
}

bool reshape_index(const Shape& operand, const Shape& result, const std::vector<Index>& index,
                   std::vector<Index>& out) {
  out.assign(static_cast<size_t>(operand.rank()), at_constant(0));
  if (operand.elements() == 0)
    return true;
  // Axes are cut into the shortest groups of equal products; within a group the result's
  // coordinates make one position, which is a coordinate of the operand where the group has one
  // axis there.
  int r = 0, o = 0;
  while (r < result.rank() || o < operand.rank()) {
    Affine sum;
    int64_t merged = 1, wanted = 1;
    int axes = 0, axis = 0;
    do {
      if (r < result.rank() && (merged <= wanted || o == operand.rank())) {
        Affine scaled;
        add_scaled(scaled, sum, result[r]);
        add_scaled(scaled, index[static_cast<size_t>(r)].affine, 1);
        sum = std::move(scaled);
        merged *= result[r++];
      } else {
        if (operand[o] != 1) {
          ++axes;
          axis = o;
        }
        wanted *= operand[o++];
      }
    } while (merged != wanted);
    if (axes > 1)
      return false;
    if (axes == 1)
      out[static_cast<size_t>(axis)].affine = std::move(sum);
  }
  return true;
}

ValueId Lowering::within(Body& body, const IndexMap& map, const std::vector<Index>& index,
                         const Shape& operand) {
  ValueId all = loop::none;
  for (size_t axis = 0; axis < map.axes.size(); ++axis) {
    if (!map.axes[axis].guarded)
      continue;
    const Affine& affine = index[axis].affine;
    int64_t extent = operand[static_cast<int>(axis)];
    auto [low, high] = body.range(affine);
    auto compare = [&](ScalarOp op, int64_t bound) {
      ValueId limit = body.constant(DType::i64, static_cast<Bits>(bound));
      all = body.both(all, body.compute(op, DType::boolean, {body.index(affine), limit}));
    };
    if (low < 0)
      compare(ScalarOp::ge, 0);
    if (high >= extent)
      compare(ScalarOp::lt, extent);
  }
  return all;
}

bool Lowering::uniform_constant(Value v, Bits& bits) {
  while (kind(graph_.op(v.node)) == OpKind::Movement && movement_depth_[v.node] > 0 &&
         graph_.operands(v.node).size() == 1 && buffers_.find(v) == loop::none) {
    const Accesses map = accesses(graph_, v.node);
    if (std::any_of(map.operands[0].axes.begin(), map.operands[0].axes.end(),
                    [](const AxisMap& a) { return a.guarded; }))
      return false;
    v = graph_.operand(v.node, 0);
  }
  if (!is_literal(graph_, v.node))
    return false;
  auto [known, fresh] = uniform_.try_emplace(v.node);
  if (fresh)
    known->second.first =
        uniform_element(graph_.attributes(v.node).array(Attr::value), known->second.second);
  bits = known->second.second;
  return known->second.first;
}

ValueId Lowering::element(Body& body, Value v, std::vector<Index> index, Guard guard) {
  DType type = graph_.type(v).dtype;
  for (;;) {
    Bits bits = 0;
    if (uniform_constant(v, bits)) {
      ValueId value = body.constant(type, bits);
      if (guard.mask == loop::none || guard.fill == bits)
        return value;
      return body.compute(ScalarOp::select, type,
                          {guard.mask, value, body.constant(type, guard.fill)});
    }
    NodeId n = v.node;
    if (kind(graph_.op(n)) != OpKind::Movement || buffers_.find(v) != loop::none ||
        movement_depth_[n] == 0)
      break;
    Accesses map = accesses(graph_, n);
    if (map.operands.size() > 1)
      return concatenated(body, n, map, index, guard);
    Value operand = graph_.operand(n, 0);
    const Shape& shape = graph_.type(operand).shape;
    std::vector<Index> inner;
    if (map.operands[0].linear) {
      if (!reshape_index(shape, graph_.type(v).shape, index, inner))
        break;
    } else {
      inner = operand_index(map.operands[0], index);
      ValueId mask = within(body, map.operands[0], inner, shape);
      Bits fill = loop::to_bits(type, map.fill);
      if (mask != loop::none && guard.mask != loop::none && fill != guard.fill) {
        ValueId value =
            element(body, operand, std::move(inner), {body.both(guard.mask, mask), fill});
        return body.compute(ScalarOp::select, type,
                            {guard.mask, value, body.constant(type, guard.fill)});
      }
      if (mask != loop::none)
        guard = {body.both(guard.mask, mask), fill};
    }
    v = operand;
    index = std::move(inner);
  }
  BufferId buffer = materialize(body.draft(), v);
  if (guard.mask == loop::none)
    return body.load(buffer, type, std::move(index));
  return body.load(buffer, type, std::move(index), guard.mask, body.constant(type, guard.fill));
}

ValueId Lowering::concatenated(Body& body, NodeId n, const Accesses& map,
                               const std::vector<Index>& index, Guard guard) {
  // Exactly one operand is in bounds; each is loaded where it is, the last one found wins.
  DType type = graph_.type(n).dtype;
  ValueId value = loop::none;
  for (size_t i = 0; i < map.operands.size(); ++i) {
    Value operand = graph_.operand(n, static_cast<int>(i));
    if (graph_.type(operand).elements() == 0)
      continue;
    std::vector<Index> inner = operand_index(map.operands[i], index);
    ValueId mask =
        body.both(guard.mask, within(body, map.operands[i], inner, graph_.type(operand).shape));
    ValueId part = element(body, operand, std::move(inner), {mask, guard.fill});
    value = value == loop::none || mask == loop::none
                ? part
                : body.compute(ScalarOp::select, type, {mask, part, value});
  }
  return value == loop::none ? body.constant(type, guard.fill) : value; // empty: never in bounds
}

BufferId Lowering::materialize(KernelDraft& draft, Value v) {
  if (BufferId known = buffers_.find(v); known != loop::none)
    return known;
  if (kind(graph_.op(v.node)) != OpKind::Movement)
    return buffers_.of(v);
  const TensorType& type = graph_.type(v);
  Accesses map = accesses(graph_, v.node);
  BufferId viewed = loop::none;
  if (map.operands.size() == 1 && map.operands[0].linear) {
    viewed = buffers_.view(materialize(draft, graph_.operand(v.node, 0)), type.shape);
    if (!buffers_.claimed(v))
      return buffers_.set(v, viewed);
  }
  movement_depth_[v.node] = 1; // until the copy is written, element() goes through the map
  Body body(draft, v.node);
  std::vector<Index> index = open_loops(body, type.shape);
  ValueId value =
      viewed != loop::none ? body.load(viewed, type.dtype, index) : element(body, v, index);
  BufferId buffer = buffers_.of(v);
  body.store(buffer, index, value);
  close_loops(body, type.shape);
  body.finish();
  return buffer;
}

} // namespace gdjit::lowering
