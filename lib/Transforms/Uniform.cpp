// Folding of uniform operands: the op's own expansion, run on one element.
#include "Uniform.h"

#include "gdjit/Ops/Op.h"

namespace gdjit {

Value uniform_root(const Graph& graph, Value v) {
  while (graph.op(v.node) == Opcode::Broadcast || graph.op(v.node) == Opcode::Reshape)
    v = graph.operand(v.node, 0);
  bool scalar = graph.op(v.node) == Opcode::Constant && graph.type(v).shape.elements() == 1;
  return scalar ? v : Value{};
}

Value repeat(GraphBuilder& builder, Array scalar, const Shape& shape) {
  Value v = builder.constant(std::move(scalar));
  return shape.rank() == 0
             ? v
             : builder.append(Opcode::Broadcast, {v}, Attributes().shape(Attr::shape, shape));
}

Value fold_uniform(Rebuild& rebuild, NodeId n, std::span<const Value> operands) {
  const Graph& old = rebuild.old();
  if (kind(old.op(n)) != OpKind::Pointwise)
    return {};
  std::vector<loop::Bits> bits;
  for (Value v : operands) {
    Value root = uniform_root(rebuild.graph(), v);
    if (!root.valid())
      return {};
    const Array& element = rebuild.graph().attributes(root.node).array(Attr::value);
    bits.push_back(loop::load_bits(element.type().dtype, element.bytes()));
  }
  std::vector<const loop::Bits*> arguments;
  for (const loop::Bits& b : bits)
    arguments.push_back(&b);
  loop::Bits result = 0;
  loop::Bits* results[] = {&result};
  loop::run(expansion(old, n), arguments, results, 1);

  Array scalar(TensorType{old.type(n).dtype, {}});
  loop::store_bits(scalar.type().dtype, scalar.bytes(), result);
  return repeat(rebuild.builder(), std::move(scalar), old.type(n).shape);
}

std::vector<bool> gradient_targets(const Graph& graph) {
  std::vector<bool> target(graph.size());
  for (NodeId n = 0; n < graph.size(); ++n)
    if (kind(graph.op(n)) == OpKind::Derivative)
      target[graph.operand(n, 1).node] = true;
  return target;
}

} // namespace gdjit
