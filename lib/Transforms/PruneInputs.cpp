// prune_inputs: keeps the inputs that are read once the step is specialized and free of dead code.
#include "gdjit/Transforms/PruneInputs.h"

#include "gdjit/Ops/GraphBuilder.h"
#include "gdjit/Transforms/EliminateDeadCode.h"
#include "gdjit/Transforms/Specialize.h"

namespace gdjit {

namespace {

constexpr uint32_t dropped = ~0u;

/// Per input its new row, or dropped.
std::vector<uint32_t> new_rows(const Step& step) {
  std::vector<uint32_t> rows(step.signature.inputs.size(), dropped);
  for (NodeId n = 0; n < step.graph.size(); ++n)
    if (step.graph.op(n) == Opcode::Input)
      rows[step.graph.attributes(n).integer(Attr::index)] = 0;
  uint32_t next = 0;
  for (uint32_t& row : rows)
    if (row != dropped)
      row = next++;
  return rows;
}

std::vector<Rows> renumbered(const std::vector<Rows>& all, const std::vector<uint32_t>& rows) {
  std::vector<Rows> kept;
  for (Rows r : all)
    if (rows[r.input] != dropped) {
      r.input = rows[r.input];
      kept.push_back(std::move(r));
    }
  return kept;
}

} // namespace

Step prune_inputs(Step declared, PassContext& context) {
  Step live = eliminate_dead_code(specialize(std::move(declared), context), context);
  std::vector<uint32_t> rows = new_rows(live);

  Step pruned;
  pruned.signature = live.signature;
  pruned.signature.inputs.clear();
  for (size_t i = 0; i < rows.size(); ++i)
    if (rows[i] != dropped)
      pruned.signature.inputs.push_back(live.signature.inputs[i]);
  pruned.signature.data = renumbered(live.signature.data, rows);
  pruned.signature.examples = renumbered(live.signature.examples, rows);
  context.changed |= pruned.signature.inputs.size() != rows.size();

  // Every node keeps its id; only the row that an input reads is another.
  const Graph& graph = live.graph;
  pruned.stage = live.stage;
  pruned.graph.share_files(graph);
  for (NodeId n = 0; n < graph.size(); ++n) {
    Attributes attributes = graph.attributes(n);
    if (graph.op(n) == Opcode::Input)
      attributes.integer(Attr::index, rows[attributes.integer(Attr::index)]);
    TensorType type = graph.type(n);
    pruned.graph.append(graph.op(n), graph.operands(n), std::move(attributes), {&type, 1},
                        graph.origin(n));
    if (!graph.name(n).empty())
      pruned.graph.set_name(n, graph.name(n));
  }
  pruned.outputs = live.outputs;
  pruned.updates = live.updates;
  return pruned;
}

} // namespace gdjit
