// share_common_subexpressions: the sharing builder does it.
#include "gdjit/Transforms/ShareCommonSubexpressions.h"

#include "gdjit/Ops/Rebuild.h"

namespace gdjit {

Step share_common_subexpressions(Step step, PassContext& context) {
  Rebuild rebuild(std::move(step), Sharing::shared);
  const NodeId nodes = rebuild.old().size();
  for (NodeId n = 0; n < nodes; ++n)
    rebuild.copy(n);
  context.changed |= rebuild.graph().size() != nodes;
  return std::move(rebuild).finish();
}

} // namespace gdjit
