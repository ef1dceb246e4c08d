// specialize: follows the constant `training` as far as it alone decides, and takes the branches it
// selects.
#include "gdjit/Transforms/Specialize.h"

#include "Uniform.h"

#include <algorithm>

namespace gdjit {

namespace {

bool is_training(const Graph& graph, const Signature& signature, NodeId n) {
  if (graph.op(n) != Opcode::Scalar)
    return false;
  const ScalarDecl& scalar = signature.scalars[graph.attributes(n).integer(Attr::index)];
  return scalar.name == "training" && scalar.dtype == DType::boolean;
}

} // namespace

Step specialize(Step step, PassContext& context) {
  bool any_reads = false;
  for (NodeId n = 0; n < step.graph.size() && !any_reads; ++n)
    any_reads = is_training(step.graph, step.signature, n);
  if (!any_reads)
    return step;

  Rebuild rebuild(std::move(step), Sharing::verbatim);
  const Graph& graph = rebuild.old();
  const Signature& signature = rebuild.builder().signature();
  std::vector<bool> target = gradient_targets(graph);
  std::vector<bool> decided(graph.size()); // uniform, and known because `training` is

  for (NodeId n = 0; n < graph.size(); ++n) {
    rebuild.stand_at(n);
    if (is_training(graph, signature, n)) {
      rebuild.replace(n, rebuild.builder().constant(graph.type(n), context.training));
      decided[n] = context.changed = true;
      continue;
    }
    auto operands = graph.operands(n);
    bool any =
        std::any_of(operands.begin(), operands.end(), [&](Value v) { return decided[v.node]; });
    if (!any) {
      rebuild.copy(n);
      continue;
    }
    if (Value v = fold_uniform(rebuild, n, rebuild.operands(n)); v.valid()) {
      rebuild.replace(n, v);
      decided[n] = context.changed = true;
      continue;
    }
    // A select that a gradient is taken of stays: its branch is another variable.
    Bits bits = 0;
    if (graph.op(n) == Opcode::Select && !target[n] &&
        uniform_constant(rebuild.graph(), rebuild.operands(n)[0], bits)) {
      rebuild.replace(n, rebuild[graph.operand(n, bits != 0 ? 1 : 2)]);
      context.changed = true;
      continue;
    }
    rebuild.copy(n);
    decided[n] = uniform_constant(rebuild.graph(), rebuild[{n, 0}], bits);
  }
  return std::move(rebuild).finish();
}

} // namespace gdjit
