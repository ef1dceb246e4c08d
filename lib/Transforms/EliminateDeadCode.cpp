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

Step eliminate_dead_code(Step step, PassContext& context) {
  const Graph& graph = step.graph;
  std::vector<bool> live(graph.size());
  for (const std::vector<Value>* results : {&step.outputs, &step.updates})
    for (Value v : *results)
      live[v.node] = true;
  bool any_dead = false;
  for (NodeId n = graph.size(); n-- > 0;) {
    live[n] = live[n] || reports(graph, n);
    any_dead |= !live[n];
    if (live[n])
      for (Value v : graph.operands(n))
        live[v.node] = true;
  }
  if (!any_dead)
    return step;

  context.changed = true;
  Rebuild rebuild(std::move(step), Sharing::verbatim);
  for (NodeId n = 0; n < live.size(); ++n)
    if (live[n])
      rebuild.copy(n);
  return std::move(rebuild).finish();
}

} // namespace gdjit
