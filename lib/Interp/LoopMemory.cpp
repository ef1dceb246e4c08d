// Gives buffers their memory and poisons what is dead.
#include "LoopMemory.h"

#include "gdjit/Loop/KernelView.h"
#include "gdjit/Loop/Rewrite.h"
#include "gdjit/Support/Error.h"

#include <algorithm>
#include <cstring>

namespace gdjit {

namespace {

using loop::BufferRole;
using loop::Place;

constexpr int poison = 0xff; ///< every float of these bytes is a NaN

/// What the caller gives for a buffer; null where the call makes it.
const Array* argument(const loop::Buffer& buffer, const CallArguments& arguments) {
  switch (buffer.role) {
  case BufferRole::input:
    return &arguments.inputs.at(buffer.number);
  case BufferRole::state:
    return &arguments.states.at(buffer.number);
  case BufferRole::scalar:
    return &arguments.scalars.at(buffer.number);
  case BufferRole::constant:
    return buffer.literal.get();
  case BufferRole::temporary:
  case BufferRole::output:
  case BufferRole::update:
    break;
  }
  return nullptr;
}

} // namespace

LoopMemory::LoopMemory(const loop::Program& program, const CallArguments& arguments)
    : program_(program), owned_(program.buffers.size()), data_(program.buffers.size()),
      arena_(TensorType{DType::boolean, Shape{program.arena_bytes}}) {
  for (loop::BufferId b = 0; b < program.buffers.size(); ++b) {
    const loop::Buffer& buffer = program.buffers[b];
    if (buffer.same_as != loop::none)
      continue;
    if (buffer.place == Place::arena) {
      data_[b] = arena_.data<char>() + buffer.offset;
      continue;
    }
    const Array* given = argument(buffer, arguments);
    owned_[b] = given ? *given : Array(buffer.type);
    GDJIT_CHECK(owned_[b].type() == buffer.type);
    if (!given)
      std::memset(owned_[b].bytes(), poison, static_cast<size_t>(buffer.type.bytes()));
    data_[b] = owned_[b].bytes();
  }
  for (loop::BufferId b = 0; b < program.buffers.size(); ++b)
    data_[b] = data_[loop::storage(program, b)];

  std::vector<size_t> slot_of(program.buffers.size(), ~size_t{0});
  for (loop::BufferId b = 0; b < program.buffers.size(); ++b)
    if (program.buffers[b].place == Place::arena) {
      slot_of[b] = slots_.size();
      slots_.push_back({program.buffers[b].offset, program.buffers[b].type.bytes(), ~size_t{0}, 0});
    }
  auto touch = [&](loop::BufferId b, size_t k) {
    size_t slot = slot_of[loop::storage(program, b)];
    if (slot == ~size_t{0})
      return;
    slots_[slot].first = std::min(slots_[slot].first, k);
    slots_[slot].last = std::max(slots_[slot].last, k);
  };
  for (size_t k = 0; k < program.kernels.size(); ++k) {
    const loop::KernelView view(program, program.kernels[k]);
    for_each(view.body(), [&](const loop::Statement& s) {
      if (s.buffer != loop::none)
        touch(view.buffer(s.buffer), k);
    });
  }
  for (loop::BufferId b = 0; b < program.buffers.size(); ++b)
    if (program.buffers[b].role == BufferRole::output)
      touch(b, program.kernels.size());
}

void LoopMemory::poison_before(size_t k) {
  if (program_.stage < Stage::Planned)
    return;
  std::vector<char> kept(static_cast<size_t>(program_.arena_bytes), static_cast<char>(poison));
  for (const Slot& slot : slots_)
    if (slot.first < k && k <= slot.last)
      std::memcpy(kept.data() + slot.offset, arena_.data<char>() + slot.offset,
                  static_cast<size_t>(slot.bytes));
  std::copy(kept.begin(), kept.end(), arena_.data<char>()); // there may be none
}

Array LoopMemory::copy(loop::BufferId buffer) const {
  Array array(program_.buffers[buffer].type);
  std::memcpy(array.bytes(), data_[buffer], static_cast<size_t>(array.type().bytes()));
  return array;
}

} // namespace gdjit
