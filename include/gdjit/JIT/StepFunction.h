// StepFunction: a compiled step on a State, as a program calls it.
//
//     double loss = train({{"x", x}, {"y", y}}, {.lr = 1e-3});
//
//     train.bind({{"x", x}, {"y", y}}); // the cheapest call: inputs bound once
//     train.run({.lr = 1e-3});
//
// On one thread a call allocates nothing, locks nothing and makes no system call (the first call
// with another number of rows compiles). Not re-entrant; two functions that write one State must
// not run at once: a call looks for both and refuses, but may miss one that starts within
// nanoseconds of it.
#pragma once

#include "gdjit/Runtime/RowPass.h"
#include "gdjit/Runtime/State.h"

#include <concepts>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>

namespace gdjit {

class Executable;
struct CallArguments;

/// Makes the native code of a step for a number of rows; implemented by the Driver.
class StepCompiler {
public:
  virtual ~StepCompiler() = default;
  virtual std::shared_ptr<const Executable> compile(int64_t batch) = 0;
  /// True where every call is looked through for NaN and infinity: its outputs and what it updates.
  /// Each then copies its arguments first.
  virtual bool checks_values() const { return false; }
  /// Throws what there is to say about the call with these arguments, which gave a value that is
  /// not finite; returns where that is meant. `step` is the number of training calls before it.
  virtual void explain_non_finite(int64_t batch, const CallArguments& before, int64_t step);
};

/// A number that may be left out.
struct OptionalNumber {
  double value = 0;
  bool given = false;

  constexpr OptionalNumber() = default;
  constexpr OptionalNumber(double value) : value(value), given(true) {}
};

struct NamedScalar {
  std::string_view name;
  double value = 0;
};

/// The scalars of one call. What is left out keeps its last value, at first its default; `step` and
/// `seed` come from the State unless named.
struct Scalars {
  /// The scalar "lr" or, where groups have their own ("<group>/lr"), all of them.
  OptionalNumber lr = {};
  /// Any by name, applied behind lr: {.named = {{"bias/lr", 0.1}}}.
  std::initializer_list<NamedScalar> named = {};
};

class StepFunction {
public:
  /// Compiles the variant for `batch` rows (0 for a step without batch). Error(graph) where the
  /// State lacks an array of the step or has it with another type.
  StepFunction(State& state, std::shared_ptr<StepCompiler> compiler, int64_t batch);
  StepFunction(StepFunction&&) noexcept;
  StepFunction& operator=(StepFunction&&) noexcept;
  ~StepFunction();

  /// Runs one step on these inputs, matched by name (others are ignored); returns the output "loss"
  /// (NaN where the step has none). Another number of rows than before compiles that variant once
  /// and keeps it. Errors: an input missing, of another type, or overlapping what the step writes;
  /// a learning rate that is negative or not finite; a scalar unknown or without value; a variant
  /// with other inputs, scalars or outputs than the first (Error(graph)). An index out of range is
  /// one, too (Error(data), with the user's line), but known only when the step has run: the State
  /// has then been updated (what the index would have read counts as 0, what it would have written
  /// is left out), and its step counted.
  double operator()(std::span<const TensorView> inputs, const Scalars& scalars = {});
  double operator()(std::initializer_list<TensorView> inputs, const Scalars& scalars = {});

  /// Binds memory of inputs for run(): read at each run, not copied, until the next call with
  /// inputs or bind, refused ones too. Errors as above; another number of rows than batch() is one
  /// too (rebatch() changes it).
  void bind(std::span<const TensorView> inputs);
  void bind(std::initializer_list<TensorView> inputs);
  /// Runs one step on the bound inputs.
  double run(const Scalars& scalars = {});
  /// Runs so many, at least 1, on the bound inputs: the results of as many calls of run(), of which
  /// the last one's loss and outputs remain. A step of one kernel repeats in native code and keeps
  /// its small states in registers in between.
  template <std::integral Count>
    requires(!std::same_as<Count, bool>)
  double run(Count steps, const Scalars& scalars = {}) {
    return run_many(static_cast<int64_t>(steps), scalars);
  }
  /// Runs the batches of a pass in native code: the results of as many calls with inputs, of which
  /// the last one's outputs remain; adds each output that is a single number, times the rows of a
  /// batch, to its one of `sums`. Compiles code for it the first time. `done` is then their number,
  /// 0 for a step that native code does not repeat, or whose values are looked at. Errors as for
  /// those calls; of an index out of range behind the batch that has it, which is done.
  void run(RowPass& pass, std::span<double> sums, const Scalars& scalars = {});
  /// Makes the variant for `batch` rows the current one, compiled if new. Each has inputs of its
  /// own to bind.
  void rebatch(int64_t batch);

  /// Sets a scalar for this and later calls. Named `step` or `seed` it no longer comes from the
  /// State.
  void set(std::string_view scalar, double value);

  int64_t batch() const;
  int outputs() const;
  /// Results of the last call, without a copy; valid until the next.
  TensorView output(int i) const;
  TensorView output(std::string_view name) const;
  /// The code of the current variant.
  const Executable& executable() const;

private:
  double run_many(int64_t steps, const Scalars& scalars);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace gdjit
