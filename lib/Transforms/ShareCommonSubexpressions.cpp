// share_common_subexpressions: the sharing builder does it.
#include "gdjit/Transforms/ShareCommonSubexpressions.h"

#include "gdjit/Ops/Rebuild.h"

namespace gdjit {

Step share_common_subexpressions(const Step& step, PassContext& context) {
  Rebuild rebuild(step, Sharing::shared);
  for (NodeId n = 0; n < step.graph.size(); ++n)
    rebuild.copy(n);
  context.changed |= rebuild.graph().size() != step.graph.size();
  return std::move(rebuild).finish();
}

} // namespace gdjit
