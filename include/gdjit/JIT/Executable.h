// Executable: a planned program as native code in memory, and the frame that one caller of it
// needs.
//
// An Executable is immutable and shared by threads; a Frame holds arena, scalars and addresses of
// one caller.
#pragma once

#include "gdjit/CodeGen/CodeGen.h"
#include "gdjit/IR/Call.h"
#include "gdjit/Runtime/Abi.h"

#include <array>
#include <memory>
#include <span>
#include <vector>

namespace gdjit {

struct ExecutableOptions {
  CodeGenOptions code = {};
  bool perf = false; ///< tell perf of the code, in /tmp/perf-<pid>.map
  bool gdb = false;  ///< tell gdb of the code
  int threads = 1;   ///< at most so many that share the parallel loops of a call
};

/// Memory that a kernel writes, as a half-open range of addresses.
struct WrittenRange {
  const char* begin = nullptr;
  const char* end = nullptr;
  std::string_view name;
};

struct RowPassCode;

class Executable {
public:
  /// Throws what generate_code() throws. `program` must be at Stage::Planned.
  static std::shared_ptr<const Executable> compile(const loop::Program& program,
                                                   const ExecutableOptions& options = {});
  ~Executable();
  Executable(const Executable&) = delete;
  Executable& operator=(const Executable&) = delete;

  const Signature& signature() const;
  int64_t arena_bytes() const;
  /// Distinct native functions, and how often one is called in a step.
  int functions() const;
  int launches() const;
  /// Threads that share a call: 1 where no kernel has a loop to share.
  int threads() const;
  const CodeTimes& times() const;
  /// True where the step can go over rows in native code: one kernel that no threads share, whose
  /// inputs have their batch in front.
  bool passes_over_rows() const;
  /// Throws Error(data) with the user's line where a call reports an index out of range.
  void require_in_range(const CallStatus& status) const;

  /// One call on copies of all arguments, of `steps` steps, of which the results of the last are
  /// given: for tests and checks.
  CallResults call(const CallArguments& arguments, int64_t steps = 1) const;

private:
  friend class Frame;
  const RowPassCode& row_pass() const;

  struct Impl;
  explicit Executable(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// What one caller of an Executable needs: its arena, its scalars, the addresses of its inputs and
/// states. run() allocates nothing; on one thread it locks nothing and makes no system call, on
/// more it locks the pool at its two ends and makes the calls by which threads sleep and wake
/// there. Not for two threads at once.
class Frame {
public:
  explicit Frame(std::shared_ptr<const Executable> executable);
  ~Frame();
  Frame(Frame&&) noexcept;
  Frame& operator=(Frame&&) noexcept;

  const Executable& executable() const;

  /// Row of Signature::inputs, states: memory of that type; inputs need the alignment of their
  /// elements, states Array::alignment.
  void set_input(uint32_t row, const void* data);
  void set_state(uint32_t row, void* data);
  /// Row of Signature::scalars: the element itself.
  void* scalar(uint32_t row);
  /// By the rules of cast from f64 (integers saturate).
  void set_scalar(uint32_t row, double value);

  /// Copies of all inputs, states and scalars as they are bound now.
  CallArguments arguments() const;

  /// Runs the step in the caller's floating-point environment, which must be the default one.
  CallStatus run();
  /// Runs it so many times, the scalar `step` counting up from one to the next (it stands as before
  /// afterwards), and stops behind a step that finds an index out of range. `steps` becomes the
  /// number done. A step of one kernel repeats inside of it.
  CallStatus run(int64_t& steps);
  /// Likewise on a batch of rows each, for an executable that passes over rows, which the first
  /// such call compiles code for: inputs that have a batch are set to the first row of theirs,
  /// `order` holds the rows of all batches (null: as they stand), and each output that is a single
  /// number is added to its one of `sums`, times the rows of a batch.
  CallStatus run(int64_t& steps, const int64_t* order, std::span<double> sums);
  /// Runs the step call by call; the seconds that each took. An index out of range is not reported.
  std::vector<double> time_calls();
  /// Row of Signature::outputs; valid until the next run.
  const void* output(uint32_t row) const;
  /// Memory that run() writes: the arena, and states with an update.
  std::span<const WrittenRange> written() const;

private:
  struct Impl;
  void set_address(uint32_t slot, void* address);

  std::unique_ptr<Impl> impl_;
  /// Where the step is one call that no threads share, of few buffers: what it needs, and here,
  /// since each address on the way to the operands of a small product is waited for.
  KernelFunction alone_ = nullptr;
  KernelStatus status_ = {}; ///< between calls as a new one but for its steps
  std::array<void*, 16> addresses_ = {};
};

} // namespace gdjit
