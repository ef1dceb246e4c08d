// fold_constants: uniform pointwise ops one by one; the rest that is constant and small in one run
// of the interpreter.
#include "gdjit/Transforms/FoldConstants.h"

#include "Uniform.h"
#include "gdjit/Interp/GraphInterpreter.h"
#include "gdjit/Ops/Op.h"

#include <algorithm>

namespace gdjit {

namespace {

/// Above this a literal would only make dump and code larger.
constexpr int64_t max_elements = 64;
/// Elements that the interpreter may read for one result.
constexpr int64_t max_operand_elements = 1 << 16;

/// Whether node n, of constant operands, is worth a literal. Sources are no work; an op that reads
/// indices reports them at the call; a gradient is not run.
bool worth_folding(const Graph& graph, NodeId n) {
  OpKind k = kind(graph.op(n));
  if (k == OpKind::Source || k == OpKind::Indexing || k == OpKind::Derivative)
    return false;
  for (Value v : graph.operands(n))
    if (graph.type(v).elements() > max_operand_elements)
      return false;
  return graph.type(n).elements() <= max_elements;
}

/// The constant part of a graph: which nodes, and their values.
struct ConstantPart {
  std::vector<bool> known;    ///< per node: a constant, or folded
  std::vector<NodeId> number; ///< per known node, into values
  std::vector<Array> values;
};

/// The canonical form of a repeated constant is a rank-0 literal and one broadcast. Gives it for a
/// broadcast or reshape of a repeated constant, invalid for anything else or where node n has that
/// form.
Value canonical_repeat(Rebuild& rebuild, NodeId n) {
  const Graph& old = rebuild.old();
  if (old.op(n) != Opcode::Broadcast && old.op(n) != Opcode::Reshape)
    return {};
  Value operand = rebuild.operands(n)[0];
  Bits bits = 0;
  bool canonical = old.op(n) == Opcode::Broadcast &&
                   rebuild.graph().op(operand.node) == Opcode::Constant &&
                   rebuild.graph().type(operand).shape.rank() == 0;
  if (canonical || !uniform_constant(rebuild.graph(), operand, bits))
    return {};
  return rebuild.builder().repeated(old.type(n), bits);
}

/// The value of a folded node: repeated where all elements are equal.
Value literal(GraphBuilder& builder, const Array& value) {
  Bits bits = 0;
  return value.elements() > 1 && uniform_element(value, bits) ? builder.repeated(value.type(), bits)
                                                              : builder.constant(value);
}

ConstantPart evaluate(const Step& step) {
  const Graph& graph = step.graph;
  ConstantPart part{
      std::vector<bool>(graph.size()), std::vector<NodeId>(graph.size(), no_node), {}};
  Graph constants;
  std::vector<Value> operands;
  for (NodeId n = 0; n < graph.size(); ++n) {
    auto from = graph.operands(n);
    part.known[n] =
        graph.op(n) == Opcode::Constant ||
        (!from.empty() && worth_folding(graph, n) &&
         std::all_of(from.begin(), from.end(), [&](Value v) { return part.known[v.node]; }));
    if (!part.known[n])
      continue;
    operands.clear();
    for (Value v : from)
      operands.push_back({part.number[v.node], 0});
    TensorType type = graph.type(n);
    part.number[n] = constants.append(graph.op(n), operands, graph.attributes(n), {&type, 1});
  }
  CallStatus status;
  part.values = interpret_nodes(constants, {}, status);
  return part;
}

} // namespace

Step fold_constants(Step step, PassContext& context) {
  bool any = false;
  for (NodeId n = 0; n < step.graph.size() && !any; ++n)
    any = step.graph.op(n) == Opcode::Constant;
  if (!any)
    return step;

  ConstantPart part = evaluate(step);
  Rebuild rebuild(std::move(step), Sharing::shared);
  const Graph& graph = rebuild.old();
  for (NodeId n = 0; n < graph.size(); ++n) {
    rebuild.stand_at(n);
    Bits bits = 0;
    if (graph.operands(n).empty()) {
      rebuild.copy(n);
    } else if (Value v = fold_uniform(rebuild, n, rebuild.operands(n)); v.valid()) {
      rebuild.replace(n, v);
      context.changed = true;
    } else if (Value v = canonical_repeat(rebuild, n); v.valid()) {
      rebuild.replace(n, v);
      context.changed = true;
    } else if (part.known[n] &&
               !(graph.op(n) == Opcode::Broadcast &&
                 uniform_constant(rebuild.graph(), rebuild.operands(n)[0], bits))) {
      rebuild.replace(n, literal(rebuild.builder(), part.values[part.number[n]]));
      context.changed = true;
    } else {
      rebuild.copy(n);
    }
  }
  context.changed |= rebuild.graph().size() != graph.size();
  return std::move(rebuild).finish();
}

} // namespace gdjit
