// What a StepFunction holds: its variants by number of rows, its State, the scalars of the last
// call.
#pragma once

#include "FindRow.h"

#include "gdjit/JIT/Executable.h"
#include "gdjit/JIT/StepFunction.h"
#include "gdjit/Runtime/StateStorage.h"
#include "gdjit/Support/Error.h"

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gdjit {

/// A step compiled for one number of rows.
struct StepVariant {
  StepVariant(std::shared_ptr<const Executable> executable, int64_t batch)
      : frame(std::move(executable)), batch(batch) {}

  const Signature& signature() const { return frame.executable().signature(); }

  Frame frame;
  int64_t batch;
  bool bound = false; ///< run() may read the inputs
};

/// The view for input `row`, usually given at the same place; null where there is none.
inline const TensorView* find_input(std::span<const TensorView> inputs, size_t row,
                                    std::string_view name) {
  if (row < inputs.size() && inputs[row].name == name)
    return &inputs[row];
  for (const TensorView& input : inputs)
    if (input.name == name)
      return &input;
  return nullptr;
}

/// What a function consists of, unless it was moved away.
template <class Impl> Impl& live(const std::unique_ptr<Impl>& impl) {
  if (!impl) [[unlikely]]
    throw Error(ErrorCode::usage, "this step function was moved to another; call that one");
  return *impl;
}

template <class Rows> std::string names_of(const Rows& rows) {
  std::string names;
  for (const auto& row : rows)
    names += (names.empty() ? "" : ", ") + std::string(row.name);
  return names.empty() ? "none" : names;
}

/// Error(usage) for a learning rate that is negative or not finite.
void check_scalar(const ScalarDecl& decl, double value);

struct StepFunction::Impl {
  std::shared_ptr<StateStorage> state;
  std::shared_ptr<StepCompiler> compiler;
  std::vector<std::unique_ptr<StepVariant>> variants;
  StepVariant* current = nullptr;
  std::vector<double> scalars; ///< last values, per row
  std::vector<char> given;
  size_t missing = 0; ///< scalars without a value so far
  int step_row = -1;  ///< taken from the State; -1 where set by the caller or absent
  int seed_row = -1;
  int loss_row = -1;
  DType loss_type = DType::f32;
  bool writes = false;
  bool checks_values = false; ///< asked of the compiler once
  std::atomic<bool> busy = false;

  void add_variant(int64_t batch);
  void select(int64_t batch);
  void bind_states(StepVariant& variant) const;
  void take_signature(const Signature& signature);
  void set(uint32_t row, double value);
  void apply(const Scalars& given_scalars);
  int64_t rows_of(std::span<const TensorView> inputs) const;
  void set_inputs(std::span<const TensorView> inputs);
  void require_apart(const TensorView& input) const;
  bool is_apart(const void* data, int64_t bytes) const;
  bool counts_steps() const;
  bool passes_over(const RowPass& pass) const;
  void set_step_and_seed();
  void require_bound() const;
  template <class Run> double run_in_frame(Run run, const int64_t& steps);
  double run();
  double run(int64_t steps);
  void run(RowPass& pass, std::span<double> sums);
  double run_and_check_values();
  bool all_finite() const;
  [[noreturn]] void fail_missing() const;
};

/// Marks a function, and the State that it writes, as running. Plain loads and stores, since an
/// atomic exchange costs as much as a small step: of two that start within nanoseconds of each
/// other neither may see the other.
class Entered {
public:
  Entered(std::atomic<bool>& function, std::atomic<bool>* state) : function_(function) {
    if (function.load(std::memory_order_relaxed)) [[unlikely]]
      throw Error(ErrorCode::usage,
                  "a step function is called while it runs; compile one per thread");
    if (state != nullptr && state->load(std::memory_order_relaxed)) [[unlikely]]
      throw Error(ErrorCode::usage,
                  "two steps that write one State run at once; give each thread a "
                  "State of its own");
    function.store(true, std::memory_order_relaxed);
    if (state != nullptr) {
      state->store(true, std::memory_order_relaxed);
      state_ = state;
    }
  }
  ~Entered() {
    function_.store(false, std::memory_order_relaxed);
    if (state_ != nullptr)
      state_->store(false, std::memory_order_relaxed);
  }
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;

private:
  std::atomic<bool>& function_;
  std::atomic<bool>* state_ = nullptr;
};

} // namespace gdjit
