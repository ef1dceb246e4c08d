// The memory plan: updates in place, the rest in one arena.
#include "gdjit/Memory/Plan.h"

#include "Arena.h"
#include "InPlace.h"
#include "OneTurn.h"
#include "ReadAhead.h"

#include "gdjit/Loop/KernelView.h"
#include "gdjit/Support/Error.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

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

/// The elements of a buffer in one row: a view of it where it has other axes.
BufferId flat(loop::Program& program, BufferId buffer) {
  Buffer row;
  row.type = program.buffers[buffer].type;
  row.type.shape = Shape{row.type.elements()};
  if (row.type == program.buffers[buffer].type)
    return buffer;
  row.name = program.buffers[buffer].name + ".flat";
  row.same_as = buffer;
  row.place = Place::shared;
  program.buffers.push_back(std::move(row));
  return static_cast<BufferId>(program.buffers.size() - 1);
}

/// to[i] = from[i] for all i, in whole vectors, then in one of half as many lanes, of a quarter, …
void append_copy(loop::Program& program, loop::Kernel& kernel, BufferId from, BufferId to,
                 int vector_bytes) {
  from = flat(program, from);
  to = flat(program, to);
  const TensorType type = program.buffers[to].type;
  auto append = [&](std::vector<Statement>& body, int64_t lanes, const loop::Affine& first) {
    Statement load;
    load.kind = StatementKind::Load;
    load.type = {type.dtype, static_cast<uint16_t>(lanes)};
    load.result = kernel.values++;
    load.buffer = from;
    load.index = {{first, loop::none, lanes > 1 ? 1 : 0}};
    Statement store = load;
    store.kind = StatementKind::Store;
    store.operands = {load.result};
    store.result = loop::none;
    store.buffer = to;
    body.push_back(std::move(load));
    body.push_back(std::move(store));
  };
  int64_t lanes = vector_bytes / byte_size(type.dtype);
  int64_t at = type.elements() / lanes * lanes;
  if (at > 0) {
    Statement loop;
    loop.kind = StatementKind::For;
    loop.loop = kernel.loops++;
    loop.end = at;
    loop.step = lanes;
    kernel.loop_names.push_back(fmt::format("i{}", kernel.loop_names.size()));
    append(loop.body, lanes, {0, {{loop.loop, 1}}});
    kernel.body.push_back(std::move(loop));
  }
  for (; at < type.elements(); at += lanes) {
    while (lanes > type.elements() - at)
      lanes /= 2;
    append(kernel.body, lanes, {at, {}});
  }
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
    append_copy(program, copies, decision.update, static_cast<BufferId>(program.buffers.size() - 1),
                context.machine.vector_bytes);
  }
  if (!copies.body.empty()) {
    copies.reason = "their states are read until the last kernel";
    program.kernels.push_back(std::move(copies));
  }
}

/// A small output (a loss) lives from the beginning of its kernel on: in the memory of what dies
/// there it would save a line, and its kernel, of which a buffer meets another one, would not be
/// the same as the kernel of another loss.
void keep_small_outputs_apart(const loop::Program& program,
                              std::vector<memory::LiveRange>& ranges) {
  std::vector<int64_t> begins; // of kernels, in positions
  int64_t position = 0;
  for (const loop::Kernel& kernel : program.kernels) {
    begins.push_back(position);
    position += static_cast<int64_t>(loop::holder(program, kernel).body.size());
  }
  for (BufferId b = 0; b < program.buffers.size(); ++b) {
    memory::LiveRange& range = ranges[b];
    if (program.buffers[b].role == BufferRole::output && range.used() &&
        program.buffers[b].type.bytes() <= memory::in_arena(1))
      range.first = *std::prev(std::ranges::upper_bound(begins, range.first));
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
  if (program.kernels.size() > 1)
    keep_small_outputs_apart(program, ranges);
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
