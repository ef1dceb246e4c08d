// Frame: the addresses that one caller of native code works on.
//
// All arguments of all launches lie in one table of pointers; run() walks it and calls. Setting an
// input writes its address to the few places of the table that mean it.
#include "ExecutableImpl.h"
#include "FindRow.h"

#include "gdjit/Runtime/TensorView.h"
#include "gdjit/Runtime/ThreadPool.h"
#include "gdjit/Support/AlignedMemory.h"
#include "gdjit/Support/Error.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace gdjit {

using loop::Buffer;
using loop::BufferId;
using loop::BufferRole;
using loop::Place;

namespace {

struct Free {
  void operator()(char* memory) const { std::free(memory); }
};
using AlignedBytes = std::unique_ptr<char[], Free>;

AlignedBytes allocate(int64_t bytes) {
  AlignedBytes memory(static_cast<char*>(aligned_memory(bytes, Array::alignment)));
  if (memory == nullptr)
    fail_memory("the memory of a step", bytes);
  // Also maps its pages, before the first call.
  std::memset(memory.get(), 0, static_cast<size_t>(bytes));
  return memory;
}

} // namespace

struct Frame::Impl {
  std::shared_ptr<const Executable> executable;
  const Executable::Impl* code = nullptr;
  AlignedBytes arena;
  AlignedBytes scalars; ///< 8 bytes each
  AlignedBytes batch;   ///< rows that a pass gathers
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
  CallStatus run_all(KernelStatus& status);
  CallStatus failure(const Call& call, const KernelStatus& status) const;

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
    set_address(slot, impl_->memory(buffer));
  for (auto [slot, table] : code.numbers)
    set_address(slot, const_cast<loop::Bits*>(table)); // kernels only read it
  for (uint32_t row = 0; row < code.scalars.size(); ++row)
    for (uint32_t slot : code.scalars[row].slots)
      set_address(slot, scalar(row));
  if (code.calls.size() == 1 && code.calls[0].turns == 0 && code.slots <= addresses_.size())
    alone_ = code.calls[0].function;
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

void Frame::set_address(uint32_t slot, void* address) {
  impl_->table[slot] = address;
  if (slot < addresses_.size())
    addresses_[slot] = address;
}

const Executable& Frame::executable() const { return *impl_->executable; }

void Frame::set_input(uint32_t row, const void* data) {
  impl_->inputs[row] = data;
  for (uint32_t slot : impl_->code->inputs[row].slots)
    set_address(slot, const_cast<void*>(data)); // kernels only read it
}

void Frame::set_state(uint32_t row, void* data) {
  impl_->states[row] = data;
  for (uint32_t slot : impl_->code->states[row].slots)
    set_address(slot, data);
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

/// The part of one thread in some calls, one after another. Returns the first that found an index
/// out of range; null for none.
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
    if (call.meets && member.barrier != nullptr)
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

CallStatus Frame::Impl::failure(const Call& call, const KernelStatus& status) const {
  const Launch& launch = code->code.launches[static_cast<size_t>(&call - code->calls.data())];
  return {launch.checks[static_cast<size_t>(status.check)], status.position};
}

CallStatus Frame::Impl::run_all(KernelStatus& status) {
  const Call* failed =
      code->threads == 1 ? work(code->calls, {}, status) : work_on_team(code->calls, status);
  return failed == nullptr ? CallStatus() : failure(*failed, status);
}

CallStatus Frame::run() {
  if (alone_ == nullptr) {
    KernelStatus status;
    return impl_->run_all(status);
  }
  status_.steps = 1;
  alone_(addresses_.data(), &status_);
  return status_.check < 0
             ? CallStatus()
             : impl_->failure(impl_->code->calls[0], std::exchange(status_, KernelStatus()));
}

CallStatus Frame::run(int64_t& steps) {
  const Executable::Impl& code = *impl_->code;
  const int64_t wanted = steps;
  if (code.code.launches.size() == 1 && code.code.launches[0].repeats && wanted > 0) {
    KernelStatus status;
    status.steps = wanted;
    CallStatus result = impl_->run_all(status);
    steps = wanted - status.steps;
    return result;
  }
  int64_t first = 0;
  const int row = find_row(code.signature.scalars, "step");
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

CallStatus Frame::run(int64_t& steps, const int64_t* order, std::span<double> sums) {
  const RowPassCode& pass = impl_->executable->row_pass();
  const int64_t bytes = order == nullptr ? 0 : pass.code.launches[0].batch_bytes;
  if (bytes > 0 && impl_->batch == nullptr)
    impl_->batch = allocate(bytes);
  RowPassStatus status{{}, order, impl_->batch.get(), sums.data()};
  status.kernel.steps = steps;
  pass.loaded->functions()[0](impl_->table.data(), &status.kernel);
  steps -= status.kernel.steps;
  return status.kernel.check < 0 ? CallStatus()
                                 : impl_->failure(impl_->code->calls[0], status.kernel);
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

} // namespace gdjit
