// Nodes by kind: pointwise nests, sources that are computed, indexing; and copies into outputs.
#include "Lowering.h"

#include "gdjit/Support/Error.h"

#include <algorithm>

namespace gdjit::lowering {

namespace {
/// A chain of more Movement nodes than this is cut by a copy, so that composing maps stays cheap.
constexpr int longest_movement = 8;
constexpr const char* axis_names[Shape::max_rank] = {"i", "j", "m", "n", "o", "p", "q", "r"};
constexpr const char* reduced_names[Shape::max_rank] = {"k", "l", "s", "t", "u", "v", "w", "x"};
} // namespace

Lowering::Lowering(const Step& step, loop::Program& program)
    : step_(step), graph_(step.graph), program_(program), buffers_(step, program),
      expansions_(step.graph), movement_depth_(step.graph.size(), 0) {
  for (NodeId n = 0; n < graph_.size(); ++n) {
    if (kind(graph_.op(n)) != OpKind::Movement)
      continue;
    int depth = 0;
    for (Value v : graph_.operands(n))
      depth = std::max<int>(depth, movement_depth_[v.node]);
    movement_depth_[n] = static_cast<uint8_t>(depth == longest_movement ? 0 : depth + 1);
  }
  last_kernel_.assign(graph_.size(), 0);
  for (NodeId n = graph_.size(); n-- > 0;) {
    uint32_t reader = step.partition.kernel_of[n];
    if (kind(graph_.op(n)) == OpKind::Movement)
      reader = last_kernel_[n];
    if (reader != Partition::no_kernel)
      for (Value v : graph_.operands(n))
        last_kernel_[v.node] = std::max(last_kernel_[v.node], reader);
  }
}

bool Lowering::is_private(BufferId buffer, uint32_t kernel) const {
  NodeId owner = buffers_.owner(buffer);
  return owner != no_node && last_kernel_[owner] <= kernel && !buffers_.viewed(buffer);
}

std::vector<Index> Lowering::open_loops(Body& body, const Shape& shape, bool reduced) {
  const auto& names = reduced ? reduced_names : axis_names;
  std::vector<Index> index;
  for (int axis = 0; axis < shape.rank(); ++axis)
    index.push_back(shape[axis] == 1 ? at_constant(0) : at(body.open(names[axis], shape[axis])));
  return index;
}

void Lowering::close_loops(Body& body, const Shape& shape) {
  for (int64_t extent : shape)
    if (extent != 1)
      body.close();
}

void Lowering::node(KernelDraft& draft, NodeId n) {
  GDJIT_CHECK(graph_.result_count(n) == 1);
  switch (kind(graph_.op(n))) {
  case OpKind::Source:
    if (is_argument(graph_, n) || is_literal(graph_, n))
      return;
    return pointwise(draft, n);
  case OpKind::Pointwise:
    return pointwise(draft, n);
  case OpKind::Reduction:
    return reduction(draft, n);
  case OpKind::Contraction:
    return contraction(draft, n);
  case OpKind::Movement:
    if (movement_depth_[n] == 0)
      materialize(draft, {n, 0});
    return;
  case OpKind::Indexing:
    return indexing(draft, n);
  case OpKind::Derivative:
    throw InternalError("a gradient node reached lowering: run the pass differentiate first");
  }
}

/// The number of a random stream is data: kernels that differ in it alone are one.
BufferId Lowering::stream_buffer(NodeId n) {
  auto number = std::make_shared<Array>(TensorType{DType::i64, {}});
  loop::store_bits(DType::i64, number->bytes(), stream_number(graph_, n));
  return buffers_.table(number, "stream");
}

void Lowering::pointwise(KernelDraft& draft, NodeId n) {
  const TensorType& type = graph_.type(n);
  const bool called = is_elementary(graph_.op(n)); // the pass `expand` writes it out
  std::vector<BufferId> tables;
  if (!called)
    for (const std::shared_ptr<const Array>& table : expansions_.of(n).tables)
      tables.push_back(buffers_.table(table, "table"));
  Body body(draft, n);
  std::vector<Index> index = open_loops(body, type.shape);
  std::vector<ValueId> arguments;
  for (Value v : graph_.operands(n)) {
    bool scalar = graph_.type(v).shape.rank() == 0; // a source's seed and step
    arguments.push_back(element(body, v, scalar ? std::vector<Index>{} : index));
  }
  if (kind(graph_.op(n)) == OpKind::Source)
    arguments.push_back(body.index(position(type.shape, index)));
  if (is_draw(graph_, n))
    arguments.push_back(body.load(stream_buffer(n), DType::i64, {}));
  ValueId value = called ? body.call(graph_.op(n), type.dtype, arguments)
                         : body.expand(expansions_.of(n), arguments, tables);
  body.store(buffers_.of({n, 0}), index, value);
  close_loops(body, type.shape);
  body.finish();
}

void Lowering::result(KernelDraft& draft, Value v, loop::BufferRole role, uint32_t number) {
  if (buffers_.lies_in(v, role, number)) {
    materialize(draft, v);
    return;
  }
  Body body(draft, v.node);
  const Shape& shape = graph_.type(v).shape;
  std::vector<Index> index = open_loops(body, shape);
  body.store(buffers_.copy_of(role, number), index, element(body, v, index));
  close_loops(body, shape);
  body.finish();
}

} // namespace gdjit::lowering
