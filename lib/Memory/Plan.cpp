// The memory plan: updates in place, the rest in one arena.
#include "gdjit/Memory/Plan.h"

#include "Arena.h"
#include "InPlace.h"
#include "OneTurn.h"
#include "ReadAhead.h"

#include "gdjit/Support/Error.h"

#include <fmt/format.h>

namespace gdjit {

namespace {

using loop::Buffer;
using loop::BufferId;
using loop::BufferRole;
using loop::Place;
using loop::Statement;
using loop::StatementKind;

/// The buffer that reads a state, added where no kernel does.
BufferId state_buffer(loop::Program& program, uint32_t state, BufferId known) {
  if (known != loop::none)
    return known;
  const StateDecl& decl = program.signature.states[state];
  Buffer buffer;
  buffer.name = decl.name;
  buffer.type = decl.type;
  buffer.role = BufferRole::state;
  buffer.number = state;
  program.buffers.push_back(std::move(buffer));
  return static_cast<BufferId>(program.buffers.size() - 1);
}

/// for i in .. for j in .. to[i, j] = from[i, j]
Statement copy_nest(loop::Kernel& kernel, const TensorType& type, BufferId from, BufferId to) {
  std::vector<loop::Index> index(static_cast<size_t>(type.shape.rank()));
  loop::LoopId first_loop = kernel.loops;
  for (size_t axis = 0; axis < index.size(); ++axis) {
    index[axis].affine.terms.push_back({kernel.loops++, 1});
    kernel.loop_names.push_back(fmt::format("i{}", kernel.loop_names.size()));
  }
  Statement load;
  load.kind = StatementKind::Load;
  load.type = {type.dtype, 1};
  load.result = kernel.values++;
  load.buffer = from;
  load.index = index;
  Statement store;
  store.kind = StatementKind::Store;
  store.type = {type.dtype, 1};
  store.operands = {load.result};
  store.buffer = to;
  store.index = index;
  std::vector<Statement> body = {load, store};
  for (int axis = type.shape.rank(); axis-- > 0;) {
    Statement loop;
    loop.kind = StatementKind::For;
    loop.loop = first_loop + static_cast<loop::LoopId>(axis);
    loop.end = type.shape[axis];
    loop.body = std::move(body);
    body.clear();
    body.push_back(std::move(loop));
  }
  if (body.size() == 1)
    return std::move(body.front());
  Statement once; // rank 0: a loop of one turn keeps the copy one statement
  once.kind = StatementKind::For;
  once.loop = kernel.loops++;
  kernel.loop_names.push_back(fmt::format("i{}", kernel.loop_names.size()));
  once.end = 1;
  once.body = std::move(body);
  return once;
}

/// Places updates in their states' memory; those that cannot be there are copied behind the last
/// kernel.
void place_updates(loop::Program& program, PassContext& context) {
  loop::Kernel copies;
  copies.name = fmt::format("k{}", program.kernels.size());
  copies.title = "updates behind every read";
  for (const memory::InPlaceDecision& decision : memory::decide_in_place(program)) {
    uint32_t row = program.buffers[decision.update].number;
    BufferId state = state_buffer(program, program.signature.updates[row].state, decision.state);
    if (decision.refusal.empty()) {
      program.buffers[decision.update].same_as = state;
      program.buffers[decision.update].place = Place::shared;
      continue;
    }
    context.remarks.push_back(fmt::format("update of {} is not in place: {}",
                                          program.buffers[state].name, decision.refusal));
    Buffer update = program.buffers[decision.update];
    update.same_as = state;
    update.place = Place::shared;
    program.buffers[decision.update].role = BufferRole::temporary;
    program.buffers[decision.update].name += ".next";
    program.buffers.push_back(update);
    copies.body.push_back(copy_nest(copies, update.type, decision.update,
                                    static_cast<BufferId>(program.buffers.size() - 1)));
  }
  if (!copies.body.empty()) {
    copies.reason = "their states are read until the last kernel";
    program.kernels.push_back(std::move(copies));
  }
}

} // namespace

loop::Program plan(loop::Program program, PassContext& context) {
  GDJIT_CHECK(program.stage == Stage::Scheduled);
  program.stage = Stage::Planned;
  place_updates(program, context);
  memory::keep_one_turn(program, context);
  for (loop::Kernel& kernel : program.kernels)
    memory::read_ahead(program, kernel, context);

  std::vector<memory::LiveRange> ranges = memory::live_ranges(program);
  std::vector<memory::Block> blocks;
  std::vector<BufferId> block_of;
  for (BufferId b = 0; b < program.buffers.size(); ++b) {
    Buffer& buffer = program.buffers[b];
    if (buffer.same_as != loop::none) {
      buffer.place = Place::shared;
    } else if (buffer.role == BufferRole::constant) {
      buffer.place = Place::constant;
    } else if (buffer.role == BufferRole::temporary || buffer.role == BufferRole::output) {
      buffer.place = Place::arena;
      const bool used = ranges[b].used(); // a text may have others
      blocks.push_back({buffer.type.bytes(), used ? ranges[b] : memory::LiveRange{0, 0}, 0});
      block_of.push_back(b);
    } else {
      buffer.place = Place::argument;
    }
  }
  program.arena_bytes = memory::place_blocks(blocks);
  for (size_t i = 0; i < blocks.size(); ++i)
    program.buffers[block_of[i]].offset = blocks[i].offset;
  return program;
}

} // namespace gdjit
