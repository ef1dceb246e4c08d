// Subject: the model that a command works on, however it was given, and the options that say how to
// declare it.
#pragma once

#include "Tool.h"

#include "gdjit/Driver/CompileModel.h"
#include "gdjit/Driver/LoadModel.h"

#include <memory>

namespace gdjit::tool {

/// The options of every command that takes a model.
struct ModelArguments {
  std::string word;
  int64_t batch = 0; ///< 0: the model's own
  std::string dtype;
  std::vector<std::string> settings; ///< NAME=VALUE for m.option

  void add_to(CLI::App& command);
};

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

  /// A step as declared, or as the text gives it. Prediction needs only the inputs that its outputs
  /// need. A text has no other batch size than its own: Error(graph).
  Work work(StepKind kind, int64_t batch = 0) const;
  /// Training where there are updates, else evaluation.
  StepKind main_step() const;

  /// The training function, on a State with first values.
  State initial_state(int64_t seed) const;
  StepFunction compile_training(State& state, const CompileOptions& options) const;

  const std::string& folder() const { return loaded_.folder; }

private:
  ModelArguments arguments_;
  LoadedModel loaded_;
  std::vector<OptionValue> options_;
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
