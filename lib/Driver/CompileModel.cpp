// compile and initial_state for users: a model's declared steps through the pipeline, one variant
// per batch size.
#include "gdjit/Driver/CompileModel.h"

#include "NonFinite.h"
#include "gdjit/Driver/Compile.h"
#include "gdjit/Driver/ReadStep.h"
#include "gdjit/Interp/GraphInterpreter.h"
#include "gdjit/JIT/Executable.h"
#include "gdjit/Runtime/StateStorage.h"
#include "gdjit/Support/FloatEnvironment.h"
#include "gdjit/Transforms/PruneInputs.h"

#include <cstring>
#include <fmt/format.h>

namespace gdjit {

namespace {

class ModelStepCompiler final : public StepCompiler {
public:
  ModelStepCompiler(ModelStep step, CompileOptions options)
      : step_(std::move(step)), options_(std::move(options)) {
    options_.training = step_.training();
    options_.last = Stage::Object;
  }

  std::shared_ptr<const Executable> compile(int64_t batch) override {
    return gdjit::compile(declared(batch), options_).executable;
  }
  bool checks_values() const override { return options_.check_nan; }
  void explain_non_finite(int64_t batch, const CallArguments& before, int64_t step) override {
    Work work;
    work.step = declared(batch);
    report_non_finite(work, before, step, options_);
  }

private:
  Step declared(int64_t batch) const {
    Step declared = step_.step(batch);
    if (!step_.prunes_inputs())
      return declared;
    PassContext context;
    context.training = step_.training();
    return prune_inputs(std::move(declared), context);
  }

  ModelStep step_;
  CompileOptions options_;
};

/// A text is compiled for the batch size that it was written for, and no other.
class WorkCompiler final : public StepCompiler {
public:
  WorkCompiler(Work work, CompileOptions options)
      : work_(std::move(work)), options_(std::move(options)) {
    options_.last = Stage::Object;
  }

  std::shared_ptr<const Executable> compile(int64_t batch) override {
    if (batch != work_.signature().batch)
      throw no_step_for(work_.signature().batch, std::to_string(batch), std::to_string(batch));
    return gdjit::compile(work_, options_).executable;
  }
  bool checks_values() const override { return options_.check_nan; }
  void explain_non_finite(int64_t, const CallArguments& before, int64_t step) override {
    report_non_finite(work_, before, step, options_);
  }

private:
  Work work_;
  CompileOptions options_;
};

/// Compiling takes as long as the interpreter takes for so many random elements, and each draw adds
/// as long as it takes for so many more.
constexpr int64_t elements_of_compiling = 1 << 20;
constexpr int64_t elements_of_a_draw = 1 << 17;

/// True where drawing natively is faster, compilation included.
bool draws_much(const Graph& initial) {
  int64_t elements = 0, compiling = elements_of_compiling;
  for (NodeId n = 0; n < initial.size(); ++n)
    if (kind(initial.op(n)) == OpKind::Source && !initial.operands(n).empty()) {
      elements += initial.type(n).elements();
      compiling += elements_of_a_draw;
    }
  return elements > compiling;
}

/// First values by native code: the graph of initial values as a step of its own, which updates the
/// State, so that no value lies beside it. The same bits as initial_values.
State compiled_initial_state(const Signature& model, std::vector<std::string> names, int64_t seed) {
  Step step;
  step.graph = model.initial;
  step.signature.name = model.name;
  step.signature.step = "initial";
  step.signature.states = model.states;
  step.signature.initial = model.initial;
  step.signature.scalars = model.scalars;
  std::vector<TensorType> types;
  for (uint32_t i = 0; i < model.states.size(); ++i) {
    types.push_back(model.states[i].type);
    step.signature.updates.push_back({.state = i, .origin = {}});
    step.updates.push_back(model.states[i].initial);
  }
  Frame frame(compile(std::move(step)).executable);
  State state(std::move(names), types, seed);
  for (uint32_t i = 0; i < types.size(); ++i)
    frame.set_state(i, state.storage()->entries[i].data);
  const std::vector<Array> scalars = initial_arguments(model, seed).scalars;
  for (uint32_t i = 0; i < scalars.size(); ++i)
    std::memcpy(frame.scalar(i), scalars[i].bytes(),
                static_cast<size_t>(scalars[i].type().bytes()));
  FloatEnvironment environment;
  frame.executable().require_in_range(frame.run());
  return state;
}

} // namespace

State initial_state(const Model& model, int64_t seed) {
  Signature signature = model.evaluation().step().signature;
  std::vector<std::string> names;
  names.reserve(signature.states.size());
  for (const StateDecl& state : signature.states)
    names.push_back(state.name);
  return draws_much(signature.initial)
             ? compiled_initial_state(signature, std::move(names), seed)
             : State(std::move(names), initial_values(signature, seed), seed);
}

StepFunction compile(const ModelStep& step, State& state, const CompileOptions& options,
                     int64_t batch) {
  if (step.training() && !step.has_updates())
    throw Error(
        ErrorCode::graph,
        fmt::format("model '{}' has nothing to train: it declares no update", step.model_name()),
        {}, {{"call m.minimize(loss, SGD{.lr = 0.1}) or m.update, or compile m.evaluation()", {}}});
  return StepFunction(state, std::make_shared<ModelStepCompiler>(step, options),
                      batch == 0 || step.batch() == 0 ? step.batch() : batch);
}

StepFunction compile(const Work& work, State& state, const CompileOptions& options) {
  return StepFunction(state, std::make_shared<WorkCompiler>(work, options), work.signature().batch);
}

std::vector<TensorView> rows(const Model& model) {
  std::vector<TensorView> views;
  for (const Rows& column : model.data_rows())
    views.emplace_back(model.input_name(column.input), *column.values);
  return views;
}

} // namespace gdjit
