// The order of the schedule's steps; each is a rewriting of one kernel. Equal kernels take them
// once.
#include "gdjit/Schedule/Schedule.h"

#include "AcrossRows.h"
#include "Distribute.h"
#include "FirstTerms.h"
#include "JoinRows.h"
#include "Pack.h"
#include "RegisterTile.h"
#include "ShareOut.h"
#include "Unroll.h"
#include "Vectorize.h"
#include "WriteOutJoins.h"

#include "gdjit/Loop/Alone.h"
#include "gdjit/Support/Error.h"

#include <utility>

namespace gdjit {

namespace {

using namespace scheduling;

void schedule(loop::Program& program, loop::Kernel& kernel, PassContext& context) {
  const auto first_own = static_cast<loop::BufferId>(program.buffers.size());
  loop::Statement shared = open_shared(kernel);
  Settled settled;
  across_rows(program, kernel, context, settled);
  const std::set<loop::BufferId> padded = distribute(program, kernel, context, settled);
  write_out_joins(program, kernel, context, settled);
  vectorize(program, kernel, context, padded);
  join_rows(program, kernel, context, settled);
  register_tile(program, kernel, context, settled);
  pack(program, kernel, context);
  first_terms(kernel, context);
  unroll(kernel);
  close_shared(program, kernel, std::move(shared), first_own);
}

void require_expanded(const loop::Kernel& kernel) {
  for_each(kernel.body, [&](const loop::Statement& s) {
    if (s.kind == loop::StatementKind::Compute && s.op == loop::ScalarOp::call)
      throw Error(ErrorCode::usage, "schedule: kernel " + kernel.name +
                                        " calls functions by name; run the pass expand first");
  });
}

} // namespace

loop::Program schedule(loop::Program program, PassContext& context) {
  GDJIT_CHECK(program.stage == Stage::Loops);
  for (const loop::Kernel& kernel : program.kernels)
    require_expanded(kernel);
  program.stage = Stage::Scheduled;
  share_out(program, context);
  loop::Alone alone(program);
  for (loop::Kernel& kernel : program.kernels) {
    alone.take(kernel);
    const loop::AloneResult& result = alone.result(kernel, "", [&](loop::AloneResult& made) {
      PassContext own = context;
      own.remarks.clear();
      schedule(made.program, made.program.kernels[0], own);
      made.remarks = std::move(own.remarks);
    });
    alone.write_back(result, program, kernel, context.remarks);
  }
  return program;
}

} // namespace gdjit
