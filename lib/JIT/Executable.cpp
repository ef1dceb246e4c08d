// Executable and Frame: native code, and the addresses that one caller of it works on.
//
// All arguments of all launches lie in one table of pointers; run() walks it and calls. Setting an
// input writes its address to the few places of the table that mean it.
#include "gdjit/JIT/Executable.h"

#include "LoadedCode.h"

#include "gdjit/Runtime/TensorView.h"
#include "gdjit/Runtime/ThreadPool.h"
#include "gdjit/Support/Error.h"
#include "gdjit/Support/FloatEnvironment.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>

namespace gdjit {

using loop::Buffer;
using loop::BufferId;
using loop::BufferRole;
using loop::Place;

namespace {

/// Where in the table the address of one buffer stands.
struct Uses {
  std::vector<uint32_t> slots;
};

struct Call {
  KernelFunction function = nullptr;
  uint32_t first = 0; ///< slot of its first buffer
  int64_t turns = 0;  ///< that threads share; 0: one thread does it all
};

/// The row of the scalar `step`; -1 where the step has none.
int step_row(const Signature& signature) {
  for (size_t row = 0; row < signature.scalars.size(); ++row)
    if (signature.scalars[row].name == "step")
      return static_cast<int>(row);
  return -1;
}

} // namespace

struct Executable::Impl {
  Signature signature;
  std::vector<loop::Note> notes;
  std::vector<Buffer> buffers;
  int64_t arena_bytes = 0;
  Code code; ///< objects are dropped once loaded
  std::unique_ptr<gdjit_llvm::LoadedCode> loaded;
  std::vector<Call> calls;
  int threads = 1;
  uint32_t slots = 0;
  std::vector<std::pair<uint32_t, BufferId>> fixed; ///< slots of arena and constants
  /// Slots of tables of literals, which stand in code.launches.
  std::vector<std::pair<uint32_t, const loop::Bits*>> literals;
  std::vector<Uses> inputs, states, scalars; ///< per row of the signature
  std::vector<BufferId> outputs, updates;    ///< memory per row; none where no buffer has the role
};

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

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

} // namespace

std::shared_ptr<const Executable> Executable::compile(const loop::Program& program,
                                                      const ExecutableOptions& options) {
  CodeGenOptions code_options = options.code;
  code_options.debug_info |= options.gdb || options.perf;
  auto impl = std::make_unique<Impl>();
  impl->code = generate_code(program, code_options);
  auto start = std::chrono::steady_clock::now();
  impl->loaded = std::make_unique<gdjit_llvm::LoadedCode>(impl->code, options);
  impl->code.times.link = milliseconds_since(start);
  impl->code.objects.clear();

  impl->signature = program.signature;
  impl->notes = program.notes;
  impl->buffers = program.buffers;
  impl->arena_bytes = program.arena_bytes;
  impl->inputs.resize(program.signature.inputs.size());
  impl->states.resize(program.signature.states.size());
  impl->scalars.resize(program.signature.scalars.size());
  for (const Launch& launch : impl->code.launches) {
    impl->calls.push_back({impl->loaded->functions()[launch.function], impl->slots, launch.turns});
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
    if (!launch.literals.empty())
      impl->literals.emplace_back(impl->slots++, launch.literals.data());
  }
  impl->outputs.assign(program.signature.outputs.size(), loop::none);
  impl->updates.assign(program.signature.updates.size(), loop::none);
  for (BufferId b = 0; b < program.buffers.size(); ++b) {
    const Buffer& buffer = program.buffers[b];
    if (buffer.role == BufferRole::output)
      impl->outputs.at(buffer.number) = storage(program, b);
    if (buffer.role == BufferRole::update)
      impl->updates.at(buffer.number) = storage(program, b);
  }
  for (BufferId b : impl->outputs)
    GDJIT_CHECK(b != loop::none);
  for (size_t i = 0; i < impl->updates.size(); ++i) { // planning puts each update into its state
    GDJIT_CHECK(impl->updates[i] != loop::none);
    const Buffer& memory = program.buffers[impl->updates[i]];
    GDJIT_CHECK(memory.role == BufferRole::state &&
                memory.number == program.signature.updates[i].state);
  }
  return std::shared_ptr<const Executable>(new Executable(std::move(impl)));
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

// --- Frame ---

namespace {

struct FreeAligned {
  void operator()(char* memory) const {
    ::operator delete(memory, std::align_val_t(Array::alignment));
  }
};
using AlignedBytes = std::unique_ptr<char[], FreeAligned>;

AlignedBytes allocate(int64_t bytes) {
  auto size = static_cast<size_t>(std::max<int64_t>(bytes, 1));
  AlignedBytes memory(
      static_cast<char*>(::operator new(size, std::align_val_t(Array::alignment), std::nothrow)));
  if (memory == nullptr)
    fail_memory("the memory of a step", bytes);
  std::memset(memory.get(), 0, size); // also maps its pages, before the first call
  return memory;
}

} // namespace

struct Frame::Impl {
  std::shared_ptr<const Executable> executable;
  const Executable::Impl* code = nullptr;
  AlignedBytes arena;
  AlignedBytes scalars; ///< 8 bytes each
  std::vector<void*> table;
  std::vector<const void*> inputs; ///< per row, also of those that no kernel reads
  std::vector<void*> states;
  std::vector<WrittenRange> written; ///< [0] is the arena
  std::vector<size_t> written_of;    ///< per row of the states, in `written`; 0: it has no update

  struct Failure {
    const Call* call = nullptr;
    KernelStatus status = {};
  };
  std::vector<Failure> failures; ///< the first of each thread
  const Call* work(std::span<const Call> calls, const TeamMember& member, KernelStatus& status);
  const Call* work_on_team(std::span<const Call> calls, KernelStatus& status);
  CallStatus run(KernelStatus& status);

  void* memory(BufferId b) const {
    const Buffer& buffer = code->buffers[b];
    if (buffer.place == Place::arena)
      return arena.get() + buffer.offset;
    if (buffer.place == Place::constant)
      return const_cast<void*>(buffer.literal->bytes()); // kernels only read it
    switch (buffer.role) {
    case BufferRole::input:
      return const_cast<void*>(inputs[buffer.number]); // kernels only read it
    case BufferRole::state:
      return states[buffer.number];
    default:
      GDJIT_CHECK(buffer.role == BufferRole::scalar);
      return scalars.get() + size_t{8} * buffer.number;
    }
  }
};

Frame::Frame(std::shared_ptr<const Executable> executable) : impl_(std::make_unique<Impl>()) {
  const Executable::Impl& code = *executable->impl_;
  impl_->code = &code;
  impl_->executable = std::move(executable);
  impl_->arena = allocate(code.arena_bytes);
  impl_->scalars = allocate(8 * static_cast<int64_t>(code.scalars.size()));
  impl_->table.resize(code.slots);
  impl_->failures.resize(static_cast<size_t>(code.threads));
  impl_->inputs.resize(code.inputs.size());
  impl_->states.resize(code.states.size());
  for (auto [slot, buffer] : code.fixed)
    impl_->table[slot] = impl_->memory(buffer);
  for (auto [slot, table] : code.literals)
    impl_->table[slot] = const_cast<loop::Bits*>(table); // kernels only read it
  for (uint32_t row = 0; row < code.scalars.size(); ++row)
    for (uint32_t slot : code.scalars[row].slots)
      impl_->table[slot] = scalar(row);
  impl_->written.push_back(
      {impl_->arena.get(), impl_->arena.get() + code.arena_bytes, "memory of the step itself"});
  impl_->written_of.resize(code.states.size());
  for (const UpdateDecl& update : code.signature.updates) {
    impl_->written_of[update.state] = impl_->written.size();
    impl_->written.push_back({nullptr, nullptr, code.signature.states[update.state].name});
  }
}

Frame::~Frame() = default;
Frame::Frame(Frame&&) noexcept = default;
Frame& Frame::operator=(Frame&&) noexcept = default;

const Executable& Frame::executable() const { return *impl_->executable; }

void Frame::set_input(uint32_t row, const void* data) {
  impl_->inputs[row] = data;
  for (uint32_t slot : impl_->code->inputs[row].slots)
    impl_->table[slot] = const_cast<void*>(data); // kernels only read it
}

void Frame::set_state(uint32_t row, void* data) {
  impl_->states[row] = data;
  for (uint32_t slot : impl_->code->states[row].slots)
    impl_->table[slot] = data;
  if (const size_t at = impl_->written_of[row]; at != 0) {
    auto* begin = static_cast<const char*>(data);
    impl_->written[at].begin = begin;
    impl_->written[at].end = begin + impl_->code->signature.states[row].type.bytes();
  }
}

void* Frame::scalar(uint32_t row) { return impl_->scalars.get() + size_t{8} * row; }

void Frame::set_scalar(uint32_t row, double value) {
  DType type = impl_->code->signature.scalars[row].dtype;
  loop::store_bits(type, scalar(row), loop::to_bits(type, value));
}

CallArguments Frame::arguments() const {
  const Signature& signature = impl_->code->signature;
  auto copy = [](const TensorType& type, const void* from) {
    return TensorView("", type, from).copy();
  };
  CallArguments arguments;
  for (size_t i = 0; i < signature.inputs.size(); ++i)
    arguments.inputs.push_back(copy(signature.inputs[i].type, impl_->inputs[i]));
  for (size_t i = 0; i < signature.states.size(); ++i)
    arguments.states.push_back(copy(signature.states[i].type, impl_->states[i]));
  for (uint32_t i = 0; i < signature.scalars.size(); ++i)
    arguments.scalars.push_back(
        copy({signature.scalars[i].dtype, {}}, impl_->scalars.get() + size_t{8} * i));
  return arguments;
}

/// The part of one thread in some calls, one after another; threads meet behind each. Returns the
/// first that found an index out of range; null for none.
[[gnu::always_inline]] inline const Call*
Frame::Impl::work(std::span<const Call> calls, const TeamMember& member, KernelStatus& status) {
  const Call* failed = nullptr;
  for (const Call& call : calls) {
    bool own = member.thread == 0;
    if (call.turns > 0) [[unlikely]] {
      status.first_turn = call.turns * member.thread / member.threads;
      status.end_turn = call.turns * (member.thread + 1) / member.threads;
      own = status.first_turn < status.end_turn;
    }
    if (own)
      call.function(table.data() + call.first, &status);
    if (status.check >= 0 && failed == nullptr) [[unlikely]]
      failed = &call;
    if (member.barrier != nullptr)
      member.barrier->wait();
  }
  return failed;
}

/// Pieces ascend with the threads, so the first failure in the order of a single thread is that of
/// the earliest call, and in it that of the first thread.
const Call* Frame::Impl::work_on_team(std::span<const Call> calls, KernelStatus& status) {
  std::fill(failures.begin(), failures.end(), Failure());
  struct Context {
    Impl* self;
    std::span<const Call> calls;
  } context{this, calls};
  auto part = [](void* given, const TeamMember& member) {
    auto [self, calls] = *static_cast<Context*>(given);
    Failure& own = self->failures[static_cast<size_t>(member.thread)];
    own.call = self->work(calls, member, own.status);
  };
  run_on_team(code->threads, part, &context);
  const Call* first = nullptr;
  for (const Failure& each : failures)
    if (each.call != nullptr && (first == nullptr || each.call < first)) {
      first = each.call;
      status = each.status;
    }
  return first;
}

CallStatus Frame::Impl::run(KernelStatus& status) {
  const Call* failed =
      code->threads == 1 ? work(code->calls, {}, status) : work_on_team(code->calls, status);
  if (failed == nullptr) [[likely]]
    return {};
  const Launch& launch = code->code.launches[static_cast<size_t>(failed - code->calls.data())];
  return {launch.checks[static_cast<size_t>(status.check)], status.position};
}

CallStatus Frame::run() {
  KernelStatus status;
  return impl_->run(status);
}

CallStatus Frame::run(int64_t& steps) {
  const Executable::Impl& code = *impl_->code;
  const int64_t wanted = steps;
  if (code.code.launches.size() == 1 && code.code.launches[0].repeats && wanted > 0) {
    KernelStatus status;
    status.steps = wanted;
    CallStatus result = impl_->run(status);
    steps = wanted - status.steps;
    return result;
  }
  int64_t first = 0;
  const int row = step_row(code.signature);
  if (row >= 0)
    std::memcpy(&first, scalar(static_cast<uint32_t>(row)), sizeof first);
  auto set_step = [&](int64_t number) {
    if (row >= 0)
      std::memcpy(scalar(static_cast<uint32_t>(row)), &number, sizeof number);
  };
  CallStatus result;
  for (steps = 0; steps < wanted && result.ok(); ++steps) {
    set_step(first + steps);
    result = run();
  }
  set_step(first);
  return result;
}

std::vector<double> Frame::time_calls() {
  std::vector<double> seconds;
  KernelStatus status;
  for (const Call& call : impl_->code->calls) {
    auto start = std::chrono::steady_clock::now();
    if (impl_->code->threads == 1)
      impl_->work({&call, 1}, {}, status);
    else
      impl_->work_on_team({&call, 1}, status);
    seconds.push_back(milliseconds_since(start) / 1000);
  }
  return seconds;
}

const void* Frame::output(uint32_t row) const { return impl_->memory(impl_->code->outputs[row]); }

std::span<const WrittenRange> Frame::written() const { return impl_->written; }

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
