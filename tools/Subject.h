// Subject: the model that a command works on, however it was given, and the options that say how to
// declare it.
#pragma once

#include "Tool.h"

#include "gdjit/Driver/CompileModel.h"
#include "gdjit/Driver/LoadModel.h"

#include <memory>
#include <optional>

namespace gdjit::tool {

/// The options of every command that takes a model.
struct ModelArguments {
  std::string word;
  int64_t batch = 0; ///< 0: the model's own
  std::string dtype;
  std::vector<std::string> settings; ///< NAME=VALUE for m.option
  std::string optimizer;             ///< in the place of the model's own

  void add_to(CLI::App& command);
};

/// Names of a step's outputs; without a value those that it has by itself.
using Outputs = std::optional<std::vector<std::string>>;
/// --outputs.
void add_outputs(CLI::App& command, Outputs& outputs);
/// --target, --level and --threads.
void add_compile_options(CLI::App& command, CompileOptions& options);
/// Starts the threads that share the step, and says so where the system gives fewer.
void start_threads(const StepFunction& step);

enum class StepKind { training, evaluation, prediction };

class Subject {
public:
  /// Loads and declares. A line on standard error names a file's further models.
  Subject(const ModelArguments& arguments, Tool& tool);

  const std::string& name() const { return loaded_.name; }
  /// Given as a text: one step at one stage, for one batch size.
  bool is_text() const { return loaded_.is_text(); }
  /// Not for texts.
  const Model& model() const { return *model_; }
  /// The same model declared again. Not for texts.
  std::unique_ptr<Model> declare(int64_t batch, DType dtype) const;
  DType dtype() const;

  /// A step as declared, or as the text gives it, with the outputs named. Prediction has by itself
  /// those with a row per example, and only the inputs that its outputs need. A text has no other
  /// batch size than its own, Error(graph), and no other outputs to train or evaluate with,
  /// Error(usage).
  Work work(StepKind kind, int64_t batch = 0, const Outputs& outputs = {}) const;
  /// Training where there are updates, else evaluation.
  StepKind main_step() const;

  /// Names of the inputs that predictions need; the others are targets, weights and the like.
  std::vector<std::string> given_inputs() const;

  /// Error(graph) unless batches of so many rows as a text has a step for make up each of these
  /// numbers of rows.
  void require_rows(std::span<const int64_t> counts) const;

  State initial_state(int64_t seed) const;
  /// A step as a function on a State, first for `batch` rows (0: the model's own number).
  StepFunction compile(StepKind kind, State& state, const CompileOptions& options,
                       int64_t batch = 0, const Outputs& outputs = {}) const;

  const std::string& folder() const { return loaded_.folder; }
  /// Of the model's registration; unknown for a text.
  SourceLocation location() const;

private:
  ModelStep step(StepKind kind, const Outputs& outputs) const;

  ModelArguments arguments_;
  LoadedModel loaded_;
  std::vector<OptionValue> options_;
  std::shared_ptr<const AnyUpdateRule> optimizer_;
  std::shared_ptr<Model> model_; ///< shared with the reproducer of a bug
};

/// "f32" … as a command line gives it; Error(usage) with the nearest name.
DType parse_float_type(const std::string& text);
/// NAME=VALUE; Error(usage) that says what `option` takes.
std::pair<std::string, double> parse_assignment(const std::string& text, const char* option);
/// A number, whole and finite or not; Error(usage).
double parse_number(const std::string& text, const std::string& what);
Stage parse_stage(const std::string& text);

} // namespace gdjit::tool
