// A step whose updates do not count, called over all rows of a part: by the interpreter where that
// is quicker than compiling, which is at its first run over a few rows in one batch; by native code
// otherwise. Both give the same bits (lib/IR/README.md).
#pragma once

#include "Rows.h"
#include "Scalars.h"
#include "Subject.h"

#include "gdjit/Data/Loader.h"

#include <future>
#include <optional>

namespace gdjit::tool {

/// Numbers per row of a type with a leading batch.
int64_t row_width(const TensorType& type);

/// One batch: what went in and what came out.
struct SeenBatch {
  std::span<const TensorView> inputs;  ///< of the rows, by name
  std::span<const TensorView> outputs; ///< in the order of the signature
};

/// Values by the name of the output, in the order of the signature.
using OutputValues = std::vector<std::pair<std::string, Array>>;

/// True for the outputs of m.watch, "h/min" beside "h/nonfinite"; `is_output` says which names
/// there are.
bool is_watched(const std::string& name, const std::function<bool(const std::string&)>& is_output);

class Evaluator {
public:
  /// `outputs` as for Subject::work.
  Evaluator(const Subject& subject, StepKind kind, State& state, ScalarValues scalars,
            const CompileOptions& options, Outputs outputs = {});
  Evaluator(const Evaluator&) = delete; // a thread that compiles has its address
  Evaluator& operator=(const Evaluator&) = delete;

  const Signature& signature() const { return work_.signature(); }
  const Work& work() const { return work_; }

  /// Begins to compile the step on a processor beside the caller's, where run() on these rows will
  /// want native code. Errors of compilation are run()'s, and thrown there.
  void begin(const Dataset& rows, int64_t batch);

  /// Calls the step on `batch` rows after another, on all at once where `batch` is 0 or the step
  /// has none; tells `see` of each. Returns the outputs without a row per example: those of rank 0
  /// as means weighted by rows, of m.watch least, greatest and number; others of the first batch.
  OutputValues run(const Dataset& rows, int64_t batch,
                   const std::function<void(const SeenBatch&)>& see = {});

private:
  Work work_for(int64_t rows) const;
  /// Rows of the calls that run() makes on `rows`, but the last.
  int64_t at_once(const Dataset& rows, int64_t batch) const;
  std::vector<Array> interpret_batch(const Batch& batch, const Work& work) const;
  StepFunction& compiled(int64_t rows);
  void call(StepFunction& function, const Batch& batch);

  const Subject& subject_;
  StepKind kind_;
  State& state_;
  ScalarValues scalars_;
  CompileOptions options_;
  Outputs outputs_;
  Work work_;                  ///< for the batch size of the model
  std::optional<State> apart_; ///< for a text of loops: its updates must not reach the other
  std::optional<StepFunction> function_;
  int runs_ = 0;
  std::future<StepFunction> begun_; ///< the last member: what it computes reads the others
};

} // namespace gdjit::tool
