// The rules of a program as a whole: buffers, notes, kernels. Those of statements stand in
// VerifyKernel.cpp.
#include "gdjit/Loop/Verifier.h"

#include "VerifyKernel.h"
#include "VerifyShared.h"
#include "gdjit/Loop/KernelView.h"
#include "gdjit/Loop/Rewrite.h"
#include "gdjit/Loop/Types.h"
#include "gdjit/Support/NameTable.h"

#include <array>
#include <fmt/format.h>

namespace gdjit::loop {

namespace {

/// The type that the signature gives to a buffer; null where its role has none.
bool signature_type(const Signature& s, BufferRole role, uint32_t number, TensorType& type) {
  switch (role) {
  case BufferRole::input:
    type = s.inputs[number].type;
    return true;
  case BufferRole::state:
    type = s.states[number].type;
    return true;
  case BufferRole::scalar:
    type = {s.scalars[number].dtype, {}};
    return true;
  case BufferRole::output:
    type = s.outputs[number].type;
    return true;
  case BufferRole::update:
    type = s.states[s.updates[number].state].type;
    return true;
  case BufferRole::constant:
  case BufferRole::temporary:
    return false;
  }
  return false;
}

/// Where a buffer of a role lies that views no other; an update lies in its state.
Place place_of(BufferRole role) {
  switch (role) {
  case BufferRole::input:
  case BufferRole::state:
  case BufferRole::scalar:
    return Place::argument;
  case BufferRole::constant:
    return Place::constant;
  case BufferRole::temporary:
  case BufferRole::output:
    return Place::arena;
  case BufferRole::update:
    break;
  }
  return Place::shared;
}

void verify_buffer(const Program& program, const Buffer& b, Diagnostics& diagnostics) {
  auto error = [&](std::string message) {
    diagnostics.error({}, fmt::format("buffer '{}': {}", b.name, message));
  };
  TensorType type;
  bool takes_row = b.role != BufferRole::constant && b.role != BufferRole::temporary;
  if (takes_row && !row_name(program.signature, b.role, b.number))
    error(fmt::format("the signature has no {} {}", name(b.role), b.number));
  else if (takes_row && signature_type(program.signature, b.role, b.number, type) &&
           !(type == b.type))
    error(fmt::format("is {}, the signature says {}", to_string(b.type), to_string(type)));
  if (b.role == BufferRole::constant && !(b.literal && b.literal->type() == b.type))
    error("a constant needs its elements, of its type");
  if (b.same_as != none && b.same_as >= program.buffers.size())
    error("views a buffer that does not exist");
  else if (b.same_as != none && program.buffers[b.same_as].type.bytes() != b.type.bytes())
    error(fmt::format("is {}, but views '{}', which is {}", to_string(b.type),
                      program.buffers[b.same_as].name, to_string(program.buffers[b.same_as].type)));
  if (program.stage < Stage::Planned)
    return;
  if (b.place == Place::unplanned)
    error("has no place, though the program is planned");
  if ((b.place == Place::shared) != (b.same_as != none))
    error("is in place shared where it views another buffer, and only there");
  if (b.place != Place::unplanned && b.place != Place::shared && b.place != place_of(b.role))
    error(fmt::format("{} lies in {}, not in {}", name(b.role), name(place_of(b.role)),
                      name(b.place)));
  if (b.place == Place::arena &&
      (b.offset < 0 || b.offset % 8 != 0 || b.type.bytes() > program.arena_bytes - b.offset))
    error(fmt::format("{} bytes at {} do not lie in the arena of {} bytes, aligned to 8",
                      b.type.bytes(), b.offset, program.arena_bytes));
}

/// Outputs are there when the step is done, each in memory of its own.
void verify_outputs_apart(const Program& program, Diagnostics& diagnostics) {
  std::vector<const Buffer*> outputs;
  for (const Buffer& b : program.buffers)
    if (b.role == BufferRole::output && b.place == Place::arena && b.type.bytes() > 0)
      outputs.push_back(&b);
  std::ranges::sort(outputs, {}, &Buffer::offset);
  for (size_t i = 1; i < outputs.size(); ++i)
    if (const Buffer &a = *outputs[i - 1], &b = *outputs[i]; a.offset + a.type.bytes() > b.offset)
      diagnostics.error({},
                        fmt::format("outputs '{}' and '{}' share bytes of the arena, from {} on",
                                    a.name, b.name, b.offset));
}

/// An output or an update, which holds `row`, lies in memory that the step may write: of its own
/// until the plan puts an update into its state.
void verify_result(const Program& program, const Buffer& buffer, const std::string& row,
                   const Buffer& memory, Diagnostics& diagnostics) {
  if (buffer.role != BufferRole::output && buffer.role != BufferRole::update)
    return;
  if (buffer.role == BufferRole::update && program.stage == Stage::Planned) {
    if (memory.role != BufferRole::state ||
        memory.number != program.signature.updates[buffer.number].state)
      diagnostics
          .error({}, fmt::format("buffer '{}': a planned update lies in its state", buffer.name))
          .notes.push_back({fmt::format("write 'update {0}, same as' the buffer of state {0}, "
                                        "'in shared'",
                                        row),
                            {}});
  } else if (program.stage >= Stage::Loops && memory.role != buffer.role) {
    diagnostics
        .error({}, fmt::format("buffer '{}' lies in '{}', which is {}", buffer.name, memory.name,
                               name(memory.role)))
        .notes.push_back({buffer.role == BufferRole::update
                              ? fmt::format("leave 'same as' out; the plan puts an update into its "
                                            "state")
                              : fmt::format("leave 'same as' out, and store what it holds"),
                          {}});
  }
}

/// Each row of outputs and updates has one buffer, each other row at most one that is no view;
/// planned updates lie in their states. Only behind verify_views.
void verify_rows(const Program& program, Diagnostics& diagnostics) {
  const Signature& s = program.signature;
  std::array<std::vector<BufferId>, static_cast<size_t>(BufferRole::update) + 1>
      known; // by role and row
  const auto known_as = [&](BufferRole role, uint32_t number) -> BufferId& {
    std::vector<BufferId>& rows = known[static_cast<size_t>(role)];
    if (number >= rows.size())
      rows.resize(number + size_t{1}, none);
    return rows[number];
  };
  for (BufferId b = 0; b < program.buffers.size(); ++b) {
    const Buffer& buffer = program.buffers[b];
    const std::string* row = row_name(s, buffer.role, buffer.number);
    bool result = buffer.role == BufferRole::output || buffer.role == BufferRole::update;
    if (row == nullptr || (buffer.same_as != none && !result))
      continue;
    if (BufferId& first = known_as(buffer.role, buffer.number); first == none)
      first = b;
    else
      diagnostics.error({}, fmt::format("buffers '{}' and '{}' both hold {} {}",
                                        program.buffers[first].name, buffer.name, name(buffer.role),
                                        *row));
    const Buffer& memory = program.buffers[storage(program, b)];
    verify_result(program, buffer, *row, memory, diagnostics);
  }
  verify_outputs_apart(program, diagnostics);
  auto need = [&](BufferRole role, size_t rows) {
    for (uint32_t i = 0; i < rows; ++i)
      if (const std::string* row = row_name(s, role, i); row && known_as(role, i) == none)
        diagnostics.error({}, fmt::format("no buffer holds {} {}", name(role), *row))
            .notes.push_back(
                {fmt::format("declare one: buffer NAME : TYPE = {} {}{}", name(role), *row,
                             program.stage < Stage::Planned ? ""
                             : role == BufferRole::output   ? ", in arena + OFFSET"
                                                            : ", same as STATE, in shared"),
                 {}});
  };
  need(BufferRole::output, s.outputs.size());
  need(BufferRole::update, s.updates.size());
}

/// Results and what is read of temporaries come from somewhere. Only behind verify_views.
void verify_stores(const Program& program, const std::vector<Named>& named,
                   Diagnostics& diagnostics) {
  std::vector<uint8_t> stored(program.buffers.size(), 0), read(program.buffers.size(), 0);
  for (size_t k = 0; k < program.kernels.size(); ++k) {
    const KernelView view(program, program.kernels[k]);
    for (BufferId s : named[holder(program, k)].stored)
      for (BufferId b = view.buffer(s); b != none; b = program.buffers[b].same_as)
        stored[b] = 1;
    for (BufferId b : named[holder(program, k)].read)
      read[view.buffer(b)] = 1;
  }
  for (BufferId b = 0; b < program.buffers.size(); ++b) {
    const Buffer& buffer = program.buffers[b];
    // Memory of the caller has elements, but an update lies in its state only to write there.
    bool written = buffer.type.elements() == 0;
    for (BufferId v = b; v != none && !written; v = program.buffers[v].same_as) {
      BufferRole role = program.buffers[v].role;
      written = stored[v] || (buffer.role != BufferRole::update && role != BufferRole::temporary &&
                              role != BufferRole::output);
    }
    bool wanted = buffer.role == BufferRole::output || buffer.role == BufferRole::update ||
                  (buffer.role == BufferRole::temporary && read[b]);
    if (wanted && !written)
      diagnostics.error({}, fmt::format("buffer '{}': nothing is stored there", buffer.name));
  }
}

/// Views lead to a buffer that views nothing.
void verify_views(const Program& program, Diagnostics& diagnostics) {
  std::vector<uint8_t> seen(program.buffers.size(), 0); // 1 on the way, 2 done
  std::vector<BufferId> way;
  for (BufferId start = 0; start < program.buffers.size(); ++start) {
    way.clear();
    BufferId b = start;
    for (; b < program.buffers.size() && seen[b] == 0; b = program.buffers[b].same_as) {
      seen[b] = 1;
      way.push_back(b);
    }
    if (b < program.buffers.size() && seen[b] == 1)
      diagnostics.error({}, fmt::format("buffer '{}' views itself", program.buffers[b].name));
    for (BufferId visited : way)
      seen[visited] = 2;
  }
}

} // namespace

void verify(const Program& program, Diagnostics& diagnostics, const StatementPlaces* places) {
  if (program.stage < Stage::Loops || program.stage > Stage::Planned)
    diagnostics.error({}, fmt::format("a program of loops at stage {}", name(program.stage)));
  NameTable buffer_names(program.buffers.size()), kernel_names(program.kernels.size());
  size_t before = diagnostics.size();
  for (BufferId b = 0; b < program.buffers.size(); ++b) {
    const Buffer& buffer = program.buffers[b];
    if (buffer_names.first(buffer.name, b) != b)
      diagnostics.error({}, fmt::format("two buffers are named '{}'", buffer.name));
    verify_buffer(program, buffer, diagnostics);
  }
  verify_views(program, diagnostics);
  if (diagnostics.size() > before)
    return; // what follows trusts rows and views
  verify_rows(program, diagnostics);
  for (size_t i = 1; i < program.notes.size(); ++i)
    if (program.notes[i - 1].node >= program.notes[i].node)
      diagnostics.error({}, "notes are not sorted by node, each once");
  before = diagnostics.size();
  size_t statement = 0;
  std::vector<Named> named(program.kernels.size());
  for (uint32_t k = 0; k < program.kernels.size(); ++k) {
    const Kernel& kernel = program.kernels[k];
    if (kernel_names.first(kernel.name, k) != k)
      diagnostics.error({}, fmt::format("two kernels are named '{}'", kernel.name));
    if (kernel.same_as != none) {
      if (const std::string problem = sameness_problem(program, kernel, named); !problem.empty())
        diagnostics.error({}, fmt::format("kernel '{}': {}", kernel.name, problem));
      continue;
    }
    named[k] = named_by(kernel);
    const size_t first = statement, known = diagnostics.size();
    KernelVerifier(program, kernel, diagnostics, places).run(statement);
    const std::string problem =
        diagnostics.size() == known ? sharing_problem(program, kernel) : std::string();
    if (!problem.empty())
      diagnostics.error(places ? places->place(first) : SourceLocation{},
                        fmt::format("kernel '{}': {}", kernel.name, problem));
  }
  if (diagnostics.size() == before)
    verify_stores(program, named, diagnostics);
}

} // namespace gdjit::loop
