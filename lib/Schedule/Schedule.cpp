// The order of the schedule's steps; each is a rewriting of one kernel.
#include "gdjit/Schedule/Schedule.h"

#include "AcrossRows.h"
#include "Distribute.h"
#include "JoinRows.h"
#include "Pack.h"
#include "RegisterTile.h"
#include "ShareOut.h"
#include "Unroll.h"
#include "Vectorize.h"

#include "gdjit/Support/Error.h"

namespace gdjit {

loop::Program schedule(const loop::Program& input, PassContext& context) {
  GDJIT_CHECK(input.stage == Stage::Loops);
  for (const loop::Kernel& kernel : input.kernels)
    for_each(kernel.body, [&](const loop::Statement& s) {
      if (s.kind == loop::StatementKind::Compute && s.op == loop::ScalarOp::call)
        throw Error(ErrorCode::usage, "schedule: kernel " + kernel.name +
                                          " calls functions by name; run the pass expand first");
    });
  loop::Program program = input;
  program.stage = Stage::Scheduled;
  scheduling::share_out(program, context);
  for (loop::Kernel& kernel : program.kernels) {
    const auto first_own = static_cast<loop::BufferId>(program.buffers.size());
    loop::Statement shared = scheduling::open_shared(kernel);
    scheduling::Settled settled;
    scheduling::across_rows(program, kernel, context, settled);
    const std::set<loop::BufferId> padded =
        scheduling::distribute(program, kernel, context, settled);
    scheduling::vectorize(program, kernel, context, padded);
    scheduling::join_rows(program, kernel, context, settled);
    scheduling::register_tile(program, kernel, context, settled);
    scheduling::pack(program, kernel, context);
    scheduling::unroll(kernel);
    scheduling::close_shared(program, kernel, std::move(shared), first_own);
  }
  return program;
}

} // namespace gdjit
