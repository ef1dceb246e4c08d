// From a program to native code that is loaded, and what its callers need to know of it.
#include "ExecutableImpl.h"

#include "gdjit/Memory/Meetings.h"
#include "gdjit/Support/Error.h"
#include "gdjit/Support/FloatEnvironment.h"

#include <algorithm>
#include <cstring>

namespace gdjit {

using loop::Buffer;
using loop::BufferId;
using loop::BufferRole;
using loop::Place;

Executable::Executable(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Executable::~Executable() = default;

namespace {

/// The table of rows that a role's buffers are found by; null for roles that have fixed places.
std::vector<Uses>* rows_of(BufferRole role, std::vector<Uses>& inputs, std::vector<Uses>& states,
                           std::vector<Uses>& scalars) {
  switch (role) {
  case BufferRole::input:
    return &inputs;
  case BufferRole::state:
    return &states;
  case BufferRole::scalar:
    return &scalars;
  default:
    return nullptr;
  }
}

/// Loads what is compiled, and drops the object code; milliseconds to `times`.
std::unique_ptr<gdjit_llvm::LoadedCode> load(Code& code, const ExecutableOptions& options) {
  auto start = std::chrono::steady_clock::now();
  auto loaded = std::make_unique<gdjit_llvm::LoadedCode>(code, options);
  code.times.link = milliseconds_since(start);
  code.objects.clear();
  return loaded;
}

/// True where the only call of a step can be one of many, each on a batch of rows: what it gives
/// lies where it does for any batch.
bool can_pass(const loop::Program& program, const Launch& launch,
              std::span<const BufferId> outputs) {
  const Signature& signature = program.signature;
  bool batched = false;
  for (const InputDecl& input : signature.inputs) {
    if (input.batch_axis > 0 || (input.batch_axis == 0 && input.type.shape[0] == 0))
      return false;
    batched |= input.batch_axis == 0;
  }
  for (size_t row = 0; row < outputs.size(); ++row)
    if (program.buffers[outputs[row]].role == BufferRole::input ||
        (signature.outputs[row].type.shape.rank() == 0 &&
         std::ranges::find(launch.buffers, outputs[row]) == launch.buffers.end()))
      return false;
  return launch.repeats && batched;
}

} // namespace

std::shared_ptr<const Executable> Executable::compile(const loop::Program& program,
                                                      const ExecutableOptions& options) {
  CodeGenOptions code_options = options.code;
  code_options.debug_info |= options.gdb || options.perf;
  auto impl = std::make_unique<Impl>();
  impl->code = generate_code(program, code_options);
  impl->loaded = load(impl->code, options);

  impl->signature = program.signature;
  impl->notes = program.notes;
  impl->buffers = program.buffers;
  impl->arena_bytes = program.arena_bytes;
  impl->inputs.resize(program.signature.inputs.size());
  impl->states.resize(program.signature.states.size());
  impl->scalars.resize(program.signature.scalars.size());
  for (const Launch& launch : impl->code.launches) {
    impl->calls.push_back(
        {impl->loaded->functions()[launch.function], impl->slots, launch.turns, false});
    if (launch.turns > 0)
      impl->threads = static_cast<int>(
          std::max<int64_t>(impl->threads, std::min<int64_t>(options.threads, launch.turns)));
    for (BufferId b : launch.buffers) {
      const Buffer& buffer = program.buffers[b];
      if (std::vector<Uses>* rows = rows_of(buffer.role, impl->inputs, impl->states, impl->scalars);
          rows != nullptr && buffer.place == Place::argument)
        rows->at(buffer.number).slots.push_back(impl->slots);
      else
        impl->fixed.emplace_back(impl->slots, b);
      ++impl->slots;
    }
    if (!launch.numbers.empty())
      impl->numbers.emplace_back(impl->slots++, launch.numbers.data());
  }
  if (impl->threads > 1) {
    const std::vector<bool> meet = meetings(program);
    GDJIT_CHECK(meet.size() == impl->calls.size());
    for (size_t i = 0; i < meet.size(); ++i)
      impl->calls[i].meets = meet[i];
  }
  impl->outputs.assign(program.signature.outputs.size(), loop::none);
  std::vector<BufferId> updates(program.signature.updates.size(), loop::none);
  for (BufferId b = 0; b < program.buffers.size(); ++b) {
    const Buffer& buffer = program.buffers[b];
    if (buffer.role == BufferRole::output)
      impl->outputs.at(buffer.number) = storage(program, b);
    if (buffer.role == BufferRole::update)
      updates.at(buffer.number) = storage(program, b);
  }
  for (BufferId b : impl->outputs)
    GDJIT_CHECK(b != loop::none);
  for (size_t i = 0; i < updates.size(); ++i) { // planning puts each update into its state
    GDJIT_CHECK(updates[i] != loop::none);
    const Buffer& memory = program.buffers[updates[i]];
    GDJIT_CHECK(memory.role == BufferRole::state &&
                memory.number == program.signature.updates[i].state);
  }
  if (impl->code.launches.size() == 1 && can_pass(program, impl->code.launches[0], impl->outputs)) {
    impl->program = program;
    impl->options = options;
    impl->options.code = code_options;
    impl->options.code.row_pass = true;
  }
  return std::shared_ptr<const Executable>(new Executable(std::move(impl)));
}

bool Executable::passes_over_rows() const { return impl_->program.has_value(); }

const RowPassCode& Executable::row_pass() const {
  GDJIT_CHECK(passes_over_rows());
  std::call_once(impl_->row_pass_once, [this] {
    RowPassCode& pass = impl_->row_pass;
    pass.code = generate_code(*impl_->program, impl_->options.code);
    pass.loaded = load(pass.code, impl_->options);
    GDJIT_CHECK(pass.code.launches[0].buffers == impl_->code.launches[0].buffers);
  });
  return impl_->row_pass;
}

const Signature& Executable::signature() const { return impl_->signature; }
int64_t Executable::arena_bytes() const { return impl_->arena_bytes; }
int Executable::functions() const { return static_cast<int>(impl_->code.functions.size()); }
int Executable::launches() const { return static_cast<int>(impl_->calls.size()); }
int Executable::threads() const { return impl_->threads; }
const CodeTimes& Executable::times() const { return impl_->code.times; }

void Executable::require_in_range(const CallStatus& status) const {
  loop::require_in_range(status, impl_->notes);
}

CallResults Executable::call(const CallArguments& arguments, int64_t steps) const {
  const Signature& signature = impl_->signature;
  GDJIT_CHECK(arguments.inputs.size() == signature.inputs.size() &&
              arguments.states.size() == signature.states.size() &&
              arguments.scalars.size() == signature.scalars.size());
  Frame frame(std::shared_ptr<const Executable>(std::shared_ptr<void>(), this)); // does not own
  std::vector<Array> states = arguments.states;
  for (uint32_t i = 0; i < signature.inputs.size(); ++i) {
    GDJIT_CHECK(arguments.inputs[i].type() == signature.inputs[i].type);
    frame.set_input(i, arguments.inputs[i].bytes());
  }
  for (uint32_t i = 0; i < states.size(); ++i) {
    GDJIT_CHECK(states[i].type() == signature.states[i].type);
    frame.set_state(i, states[i].bytes());
  }
  for (uint32_t i = 0; i < signature.scalars.size(); ++i) {
    DType dtype = signature.scalars[i].dtype;
    GDJIT_CHECK((arguments.scalars[i].type() == TensorType{dtype, {}}));
    std::memcpy(frame.scalar(i), arguments.scalars[i].bytes(),
                static_cast<size_t>(byte_size(dtype)));
  }
  CallResults results;
  {
    FloatEnvironment environment;
    results.status = frame.run(steps);
  }
  for (uint32_t i = 0; i < signature.outputs.size(); ++i) {
    Array output(signature.outputs[i].type);
    if (output.elements() > 0)
      std::memcpy(output.bytes(), frame.output(i), static_cast<size_t>(output.type().bytes()));
    results.outputs.push_back(std::move(output));
  }
  for (const UpdateDecl& update : signature.updates)
    results.updates.push_back(states[update.state]);
  return results;
}

} // namespace gdjit
