// PassManager: runs passes one by one on a step, and looks over their shoulder.
//
// It times, disables, stops after the n-th, tells an observer (dumps), verifies, checks by a
// structural hash that a pass said truthfully whether it changed anything, and names the first pass
// that changed a bit it had no right to change (verify-values). It knows no pass: the rows are an
// argument (lib/Driver/Passes.def).
#pragma once

#include "gdjit/IR/Call.h"
#include "gdjit/IR/PassContext.h"
#include "gdjit/IR/Step.h"
#include "gdjit/Loop/Program.h"

#include <span>
#include <string_view>

namespace gdjit {

/// What a pass promises about results: `exact` keeps every bit, `improves` may change them for the
/// better.
enum class Effect : uint8_t { exact, improves };

/// Whether a pass can be left out: `required` ones are how the next stage comes about.
enum class Need : uint8_t { optional, required };

/// One row of Passes.def. Exactly one of the three functions is set.
struct Pass {
  std::string_view name; ///< of the function too
  Stage needs = Stage::Declared;
  Stage provides = Stage::Declared;
  Need need = Need::optional;
  Effect effect = Effect::exact;
  std::string_view summary;
  Step (*graph)(Step, PassContext&) = nullptr;
  loop::Program (*lower)(Step, PassContext&) = nullptr;
  loop::Program (*loops)(loop::Program, PassContext&) = nullptr;
};

/// A step on its way: Graph IR up to Fused, Loop IR from Loops on.
struct Work {
  Step step;             ///< empty from Loops on
  loop::Program program; ///< empty before Loops
  Stage stage = Stage::Declared;

  bool is_graph() const { return stage <= Stage::Fused; }
  const Signature& signature() const { return is_graph() ? step.signature : program.signature; }
};

/// What one pass did.
struct PassRecord {
  std::string name;
  double seconds = 0;
  bool ran = true; ///< false where it was disabled or lies behind stop_after
  bool changed = false;
};

/// Is told of the work before the first pass and after each; for dumps.
class PassObserver {
public:
  virtual ~PassObserver() = default;
  virtual void after_pass(const PassRecord& record, const Work& work) = 0;
};

struct PassOptions {
  std::vector<std::string> disabled; ///< names of optional passes
  int stop_after = -1;               ///< optional passes behind the n-th are left out; -1 for none
  bool verify = false;               ///< IR rules and truthfulness after each pass
  bool verify_values = false;        ///< bits after each pass
  uint64_t values_seed = 1;          ///< of the inputs of verify-values
  PassObserver* observer = nullptr;  ///< not owned
};

class PassManager {
public:
  /// Throws Error(ErrorCode::usage) where `disabled` names no pass or a required one.
  PassManager(std::span<const Pass> passes, PassContext context, PassOptions options);

  /// Runs the pass of that name. Throws Error for the user's mistakes, Error(ErrorCode::check)
  /// where verify-values finds a guilty pass, InternalError for broken IR or an untruthful pass.
  void run(std::string_view name, Work& work);
  /// Verifies the work whatever the options say: once per stage. The signature once, which passes
  /// hand on, unless each pass is verified.
  void verify(const Work& work);

  /// The inputs of verify-values, drawn where no pass has run yet.
  const CallArguments& values_arguments(const Work& work);
  /// Compares what `who` made of them with what they must give. Throws Error(ErrorCode::check)
  /// naming it.
  void check_values(std::string_view who, const Signature& signature,
                    const CallResults& results) const;

  const std::vector<PassRecord>& records() const { return records_; }
  const std::vector<std::string>& remarks() const { return context_.remarks; }
  PassContext& context() { return context_; }

private:
  const Pass& find(std::string_view name) const;
  bool left_out(const Pass& pass);
  void apply(const Pass& pass, Work& work);
  void compare_values(const Pass& pass, const Work& work);

  std::span<const Pass> passes_;
  PassContext context_;
  PassOptions options_;
  std::vector<PassRecord> records_;
  int optional_run_ = 0;
  bool signature_verified_ = false;
  CallArguments arguments_; ///< verify-values: the inputs
  CallResults
      expected_; ///< and the results that have to stay; an Array without data where not known yet
  bool expected_known_ = false;
};

} // namespace gdjit
