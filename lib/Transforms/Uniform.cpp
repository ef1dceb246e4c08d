// Folding of uniform operands: the op's own expansion, run on one element.
#include "Uniform.h"

#include "gdjit/Ops/Op.h"

namespace gdjit {

Value fold_uniform(Rebuild& rebuild, NodeId n, std::span<const Value> operands) {
  const Graph& old = rebuild.old();
  if (kind(old.op(n)) != OpKind::Pointwise)
    return {};
  std::vector<Bits> bits(operands.size());
  for (size_t i = 0; i < operands.size(); ++i)
    if (!uniform_constant(rebuild.graph(), operands[i], bits[i]))
      return {};
  std::vector<const Bits*> arguments;
  for (const Bits& b : bits)
    arguments.push_back(&b);
  Bits result = 0;
  Bits* results[] = {&result};
  loop::run(expansion(old, n), arguments, results, 1);
  return rebuild.builder().repeated(old.type(n), result);
}

std::vector<bool> gradient_targets(const Graph& graph) {
  std::vector<bool> target(graph.size());
  for (NodeId n = 0; n < graph.size(); ++n)
    if (kind(graph.op(n)) == OpKind::Derivative)
      target[graph.operand(n, 1).node] = true;
  return target;
}

} // namespace gdjit
