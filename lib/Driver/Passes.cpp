// The rows of Passes.def as a table.
#include "gdjit/Autodiff/Differentiate.h"
#include "gdjit/Driver/Compile.h"
#include "gdjit/Lowering/Expand.h"
#include "gdjit/Lowering/Fuse.h"
#include "gdjit/Lowering/Lower.h"
#include "gdjit/Memory/Plan.h"
#include "gdjit/Schedule/Schedule.h"
#include "gdjit/Transforms/EliminateDeadCode.h"
#include "gdjit/Transforms/FoldConstants.h"
#include "gdjit/Transforms/ShareCommonSubexpressions.h"
#include "gdjit/Transforms/Simplify.h"
#include "gdjit/Transforms/Specialize.h"
#include "gdjit/Transforms/Stabilize.h"

namespace gdjit {

std::span<const Pass> passes() {
  static constexpr Pass rows[] = {
#define GDJIT_PASS(form, function, from, to, necessity, change, text)                              \
  {.name = #function,                                                                              \
   .needs = Stage::from,                                                                           \
   .provides = Stage::to,                                                                          \
   .need = Need::necessity,                                                                        \
   .effect = Effect::change,                                                                       \
   .summary = text,                                                                                \
   .form = &gdjit::function},
#include "Passes.def"
  };
  return rows;
}

} // namespace gdjit
