// eliminate_dead_code: marks from the results backward, then copies what is marked.
#include "gdjit/Transforms/EliminateDeadCode.h"

#include "gdjit/Ops/Rebuild.h"

#include "gdjit/Ops/Op.h"

namespace gdjit {

namespace {

/// True where the call tells of an index out of range: that is a result, too.
bool reports(const Graph& graph, NodeId n) {
  return info(graph.op(n)).block->index_use != IndexUse::none;
}

} // namespace

Step eliminate_dead_code(const Step& step, PassContext& context) {
  const Graph& graph = step.graph;
  std::vector<bool> live(graph.size());
  for (const std::vector<Value>* results : {&step.outputs, &step.updates})
    for (Value v : *results)
      live[v.node] = true;
  for (NodeId n = graph.size(); n-- > 0;)
    if (live[n] = live[n] || reports(graph, n); live[n])
      for (Value v : graph.operands(n))
        live[v.node] = true;

  Rebuild rebuild(step, Sharing::verbatim);
  for (NodeId n = 0; n < graph.size(); ++n)
    if (live[n])
      rebuild.copy(n);
  context.changed |= rebuild.graph().size() != graph.size();
  return std::move(rebuild).finish();
}

} // namespace gdjit
