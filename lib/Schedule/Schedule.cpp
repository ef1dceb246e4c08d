// The order of the schedule's steps; each is a rewriting of one kernel. Kernels that are the same
// take them once.
#include "gdjit/Schedule/Schedule.h"

#include "AcrossRows.h"
#include "AskForRows.h"
#include "BlocksAtOnce.h"
#include "Distribute.h"
#include "Epilogue.h"
#include "Families.h"
#include "FirstTerms.h"
#include "FirstTile.h"
#include "JoinRows.h"
#include "LoopNames.h"
#include "Pack.h"
#include "RegisterTile.h"
#include "ShareOut.h"
#include "SoftwarePipeline.h"
#include "StreamStores.h"
#include "TermBlocks.h"
#include "TurnTiles.h"
#include "Unroll.h"
#include "Vectorize.h"
#include "WriteOutJoins.h"

#include "gdjit/Loop/Alone.h"
#include "gdjit/Loop/KernelView.h"
#include "gdjit/Support/Error.h"

#include <fmt/format.h>
#include <unordered_map>
#include <utility>

namespace gdjit {

namespace {

using namespace scheduling;

void schedule(loop::Program& program, loop::Kernel& kernel, PassContext& context, Varying varying,
              const std::set<loop::BufferId>& streamed, int64_t most_once) {
  const auto first_own = static_cast<loop::BufferId>(program.buffers.size());
  loop::Statement shared = open_shared(kernel);
  Settled settled;
  std::set<loop::BufferId> padded;
  if (varying.empty()) { // what follows from extents
    block_terms(program, kernel, context);
    across_rows(program, kernel, context, settled);
    padded = distribute(program, kernel, context, settled);
    write_out_joins(program, kernel, context, settled);
    turn_tiles(kernel, context);
  }
  vectorize(program, kernel, context, padded, varying);
  if (varying.empty())
    join_rows(program, kernel, context, settled);
  register_tile(program, kernel, context, settled, varying);
  blocks_at_once(program, kernel, context, settled, varying);
  pack(program, kernel, context, varying);
  if (varying.empty()) {
    software_pipeline(program, kernel, context);
    copy_in_first_tile(program, kernel, context);
    stream_stores(program, kernel, context, streamed);
    ask_for_rows(program, kernel, context);
  }
  first_terms(kernel, context, varying);
  unroll(program, kernel, context, roll_epilogues(program, kernel, context), varying, most_once);
  close_shared(program, kernel, std::move(shared), first_own);
}

/// Of all tiles: each has a place of its own on the stack.
int64_t tile_bytes(const loop::Kernel& kernel) {
  int64_t bytes = 0;
  for_each(kernel.body, [&](const loop::Statement& s) {
    if (s.kind == loop::StatementKind::Tile)
      bytes += loop::tile_bytes(s);
  });
  return bytes;
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
  const std::vector<Varying> varying = families(program, context);
  const std::set<loop::BufferId> streamed = streamed_outputs(program, context);
  std::vector<int64_t> same(program.kernels.size()); // how many are, of those with statements
  for (size_t k = 0; k < program.kernels.size(); ++k)
    ++same[holder(program, k)];
  std::vector<std::string> remarks = std::exchange(context.remarks, {});
  std::unordered_map<size_t, loop::Alone> scheduled; // by number of the kernel
  for (size_t k = 0; k < program.kernels.size(); ++k) {
    loop::Kernel& kernel = program.kernels[k];
    if (kernel.same_as == loop::none) {
      PassContext own = context;
      tell_loops_apart(program, kernel);
      if (!varying[k].empty())
        own.remarks.push_back(
            fmt::format("{}: for any extents, since more than {} kernels differ in numbers only",
                        kernel.name, context.machine.most_shapes));
      const size_t said_before = own.remarks.size();
      loop::Alone& alone = scheduled.try_emplace(k, program, kernel).first->second;
      schedule(alone.program(), alone.program().kernels[0], own, varying[k],
               alone.numbers(streamed), most_once(same[k], program.kernels.size()));
      // Lanes of rows and copies of loops are tiles as well.
      const int64_t bytes = tile_bytes(alone.program().kernels[0]);
      if (bytes > context.machine.stack_bytes && bytes > tile_bytes(kernel)) {
        alone = loop::Alone(program, kernel);
        own.remarks.resize(said_before); // nothing is left of what the others tell
        own.remarks.push_back(
            fmt::format("{}: as it is, without lanes and tiles, since these would take {} bytes of "
                        "the stack, more than {}",
                        kernel.name, bytes, context.machine.stack_bytes));
      }
      restore_loop_names(alone.program().kernels[0]);
      alone.remarks() = std::move(own.remarks);
    }
    scheduled.at(holder(program, k)).write_back(program, kernel, remarks);
  }
  context.remarks = std::move(remarks);
  return program;
}

} // namespace gdjit
