// The order of the schedule's steps; each is a rewriting of one kernel.
#include "gdjit/Schedule/Schedule.h"

#include "AcrossRows.h"
#include "JoinRows.h"
#include "Pack.h"
#include "RegisterTile.h"
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
  for (loop::Kernel& kernel : program.kernels) {
    scheduling::Settled settled;
    scheduling::across_rows(program, kernel, context, settled);
    scheduling::vectorize(program, kernel, context);
    scheduling::join_rows(program, kernel, context, settled);
    scheduling::register_tile(program, kernel, context, settled);
    scheduling::pack(program, kernel, context);
    scheduling::unroll(kernel);
  }
  return program;
}

} // namespace gdjit
