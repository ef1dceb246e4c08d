// A model from its word and options.
#include "Subject.h"

#include "Rows.h"

#include "gdjit/Driver/Compile.h"
#include "gdjit/Driver/GradientStep.h"
#include "gdjit/Driver/ReadStep.h"
#include "gdjit/Interp/GraphInterpreter.h"
#include "gdjit/JIT/Executable.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Runtime/ThreadPool.h"
#include "gdjit/Support/Suggest.h"
#include "gdjit/Train/Optimizers.h"
#include "gdjit/Transforms/PruneInputs.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <thread>

namespace gdjit::tool {

namespace {

/// Names files of the model's folder relative to it.
void name_files(Graph& graph, const std::string& prefix) {
  for (uint32_t i = 0; !prefix.empty() && i < graph.files().size(); ++i)
    if (graph.files()[i].starts_with(prefix))
      graph.rename_file(i, graph.files()[i].substr(prefix.size()));
}

/// Of a text's outputs those with a row per example (where there are any), or those named; of its
/// inputs those that they need.
Step prediction_of(Step step, const Outputs& outputs) {
  std::vector<std::string> known;
  bool any_rows = false;
  for (const OutputDecl& output : step.signature.outputs) {
    known.push_back(output.name);
    any_rows |= output.batch_axis >= 0;
  }
  for (const std::string& name : outputs.value_or(std::vector<std::string>()))
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw Error(ErrorCode::usage, fmt::format("the text has no output '{}', it has {}{}", name,
                                                fmt::join(known, ", "), did_you_mean(name, known)));
  std::vector<OutputDecl> decls;
  std::vector<Value> values;
  for (size_t i = 0; i < known.size(); ++i)
    if (outputs ? std::ranges::find(*outputs, known[i]) != outputs->end()
                : step.signature.outputs[i].batch_axis >= 0 || !any_rows) {
      decls.push_back(step.signature.outputs[i]);
      values.push_back(step.outputs[i]);
    }
  step.signature.outputs = decls;
  step.outputs = values;
  PassContext context;
  context.training = false;
  return prune_inputs(step, context);
}

std::string text_of(const Work& work) {
  return work.is_graph() ? print(work.step) : loop::print(work.program);
}

} // namespace

double parse_number(const std::string& text, const std::string& what) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw Error(ErrorCode::usage, fmt::format("{}: '{}' is no number", what, text));
  return value;
}

std::pair<std::string, double> parse_assignment(const std::string& text, const char* option) {
  size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw Error(ErrorCode::usage, fmt::format("{} {}: expected NAME=VALUE", option, text));
  std::string name = text.substr(0, equals);
  return {name, parse_number(text.substr(equals + 1), fmt::format("{} {}", option, name))};
}

DType parse_float_type(const std::string& text) {
  for (DType type : {DType::f32, DType::f64})
    if (text == gdjit::name(type))
      return type;
  throw Error(ErrorCode::usage, fmt::format("--dtype {}: a model's type is f32 or f64", text));
}

Stage parse_stage(const std::string& text) {
  Stage stage;
  if (find_stage(text, stage))
    return stage;
  std::vector<std::string> known;
  for (int i = 0; i < stage_count; ++i)
    known.emplace_back(gdjit::name(static_cast<Stage>(i)));
  throw Error(ErrorCode::usage,
              fmt::format("unknown stage '{}'{}{}", text, did_you_mean(text, known),
                          nearest(text, known).empty()
                              ? fmt::format("; the stages are {}", fmt::join(known, ", "))
                              : ""));
}

void ModelArguments::add_to(CLI::App& command) {
  command
      .add_option(
          "model", word,
          "name or number of an example, FILE.cpp, .so, .gdir or -; FILE:NAME for one of several")
      ->required()
      ->type_name("MODEL");
  command.add_option("--batch", batch, "rows per step; without it all rows of the model's data")
      ->check(whole_number(1))
      ->type_name("N");
  command.add_option("--dtype", dtype, "the model's type, f32 or f64")->type_name("TYPE");
  command.add_option("--set", settings, "NAME=VALUE for m.option(NAME, …)")
      ->allow_extra_args(false)
      ->type_name("NAME=VALUE");
  command
      .add_option("--optimizer", optimizer,
                  "in the place of the model's: sgd, adagrad, rmsprop, adam or adamw with its "
                  "numbers, as in sgd,momentum=0.9; without lr=… the model's learning rates stay")
      ->check(not_empty())
      ->type_name("NAME[,KEY=VALUE]");
}

namespace {

/// Threads that take turns on a processor wait for each other. More than a step can have are
/// refused.
void warn_of_threads(const std::string& count) {
  const unsigned processors = std::thread::hardware_concurrency(); // 0: not known
  const uint64_t threads = std::strtoull(count.c_str(), nullptr, 10);
  if (processors > 0 && threads > processors && threads <= CompileOptions::most_threads)
    log("{} threads on {} processor{}: a step takes longer than with as many threads as those",
        count, processors, processors == 1 ? "" : "s");
}

} // namespace

void add_outputs(CLI::App& command, Outputs& outputs) {
  command
      .add_option_function<std::vector<std::string>>(
          "--outputs",
          [&outputs](std::vector<std::string> names) {
            std::erase(names, "");
            outputs = std::move(names);
          },
          "the step with these outputs only, '' for none: `train` has the losses that it shows")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAME,…");
}

void add_compile_options(CLI::App& command, CompileOptions& options) {
  command
      .add_option("--target", options.target, "native, x86-64-v4, x86-64-v3, x86-64: the same bits")
      ->type_name("NAME");
  command
      .add_option("-O,--level", options.level, "of LLVM's optimization, 0, 2 or 3: the same bits")
      ->type_name("N");
  command.add_option("--threads", options.threads, "that share a step: the same bits")
      ->check(whole_number(1))
      ->each(warn_of_threads)
      ->type_name("N");
}

void start_threads(const StepFunction& step) {
  const int wanted = step.executable().threads();
  const int there = start_team(wanted);
  if (there < wanted)
    log("warning: of the {} threads that share a step the system starts {} (`ulimit -u`, or a "
        "limit of a container); the step runs on those, as with --threads {}",
        wanted, there, there);
}

Subject::Subject(const ModelArguments& arguments, Tool& tool) : arguments_(arguments) {
  loaded_ = load_model(arguments.word);
  tool.binary = loaded_.binary;
  tool.folder = loaded_.folder;
  tool.source_prefix = loaded_.source_prefix;
  if (!loaded_.others.empty())
    log("{} is the first model of {}; also there: {}", loaded_.name, arguments.word,
        fmt::join(loaded_.others, ", "));
  if (is_text()) {
    tool.reproducer = [work = loaded_.work] { return text_of(work); };
    for (const Rows& rows : loaded_.work.signature().data)
      if (!rows.file.empty())
        tool.read.push_back((std::filesystem::path(folder()) / rows.file).string());
    if (!arguments.dtype.empty() || !arguments.settings.empty() || !arguments.optimizer.empty())
      throw Error(
          ErrorCode::usage,
          fmt::format("{} is a text, its types, extents and updates are fixed: --dtype, --set and "
                      "--optimizer need the model's source",
                      arguments.word));
    if (arguments.batch != 0 && arguments.batch != loaded_.work.signature().batch)
      throw no_step_for(loaded_.work.signature().batch, std::to_string(arguments.batch),
                        std::to_string(arguments.batch));
    return;
  }
  for (const std::string& setting : arguments.settings) {
    auto [name, value] = parse_assignment(setting, "--set");
    const char *begin = setting.data() + name.size() + 1, *end = setting.data() + setting.size();
    int64_t whole = 0; // 2^53 + 1 is no double
    auto [behind, failed] = std::from_chars(begin, end, whole);
    options_.push_back(
        {name, failed == std::errc() && behind == end ? Number(whole) : Number(value)});
  }
  if (!arguments.optimizer.empty())
    optimizer_ = parse_optimizer(arguments.optimizer);
  model_ = declare(arguments.batch, dtype());
  if (arguments.batch != 0 && model_->training().step(arguments.batch).signature.batch == 0)
    throw Error(ErrorCode::usage,
                fmt::format("--batch {}: model '{}' has no batch: none of its inputs has m.batch() "
                            "rows",
                            arguments.batch, loaded_.name),
                location(), {{"leave --batch out", {}}});
  tool.reproducer = [model = model_, batch = arguments.batch] {
    Work work;
    work.step = model->training().step(batch);
    return text_of(work);
  };
}

DType Subject::dtype() const {
  return arguments_.dtype.empty() ? DType::f32 : parse_float_type(arguments_.dtype);
}

SourceLocation Subject::location() const {
  return is_text() ? SourceLocation{} : SourceLocation{loaded_.row->file, loaded_.row->line, 0};
}

std::unique_ptr<Model> Subject::declare(int64_t batch, DType dtype) const {
  // It runs again for other numbers of rows: what it throws is its error then, too.
  auto function = [run = loaded_.row->function, name = loaded_.name, at = location()](Model& m) {
    try {
      run(m);
    } catch (const Error&) {
      throw;
    } catch (const InternalError&) {
      throw;
    } catch (const std::exception& error) {
      throw Error(ErrorCode::graph,
                  fmt::format("the function of model '{}' throws: {}", name, error.what()), at);
    } catch (...) {
      throw Error(ErrorCode::graph,
                  fmt::format("the function of model '{}' throws what is no std::exception", name),
                  at);
    }
  };
  return std::make_unique<Model>(std::move(function), ModelOptions{.batch = batch,
                                                                   .dtype = dtype,
                                                                   .options = options_,
                                                                   .name = loaded_.name,
                                                                   .optimizer = optimizer_});
}

StepKind Subject::main_step() const {
  if (is_text())
    return loaded_.work.signature().updates.empty() ? StepKind::evaluation : StepKind::training;
  return model_->training().step(arguments_.batch).signature.updates.empty() ? StepKind::evaluation
                                                                             : StepKind::training;
}

ModelStep Subject::step(StepKind kind, const Outputs& outputs) const {
  const ModelStep step = kind == StepKind::training     ? model_->training()
                         : kind == StepKind::evaluation ? model_->evaluation()
                                                        : model_->prediction();
  return outputs ? step.with_outputs(*outputs, Place()) : step; // no user's line
}

Work Subject::work(StepKind kind, int64_t batch, const Outputs& outputs) const {
  if (is_text()) {
    Work work = loaded_.work;
    if (batch != 0 && batch != work.signature().batch)
      throw no_step_for(work.signature().batch, std::to_string(batch), std::to_string(batch));
    if (kind != StepKind::prediction && outputs)
      throw Error(ErrorCode::usage,
                  fmt::format("--outputs: {} is a text, which computes what it says; give the "
                              "model's source",
                              arguments_.word));
    if (kind != StepKind::training && work.is_graph())
      work.step = without_updates(work.step);
    if (kind == StepKind::prediction && work.is_graph() && work.stage < Stage::Fused)
      work.step = prediction_of(work.step, outputs);
    return work;
  }
  Work work;
  ModelStep step = this->step(kind, outputs);
  work.step = step.step(batch);
  name_files(work.step.graph, loaded_.source_prefix);
  name_files(work.step.signature.initial, loaded_.source_prefix);
  if (step.prunes_inputs()) {
    PassContext context;
    context.training = false;
    work.step = prune_inputs(work.step, context);
  }
  return work;
}

std::vector<std::string> Subject::given_inputs() const {
  const Work prediction = work(StepKind::prediction);
  std::vector<std::string> names;
  for (const InputDecl& input : prediction.signature().inputs)
    names.push_back(input.name);
  return names;
}

void Subject::require_rows(std::span<const int64_t> counts) const {
  if (!is_text() || !scales_with_rows(loaded_.work.signature()))
    return;
  const int64_t own = loaded_.work.signature().batch;
  int64_t common = 0;
  for (int64_t count : counts)
    common = std::gcd(common, count);
  for (int64_t count : counts)
    if (count % own != 0)
      throw no_step_for(own,
                        count > own ? fmt::format("{}, the last batch of {}", count % own, count)
                                    : std::to_string(count),
                        fmt::format("{}{}", common, common > 1 ? " or a divisor of that" : ""));
}

State Subject::initial_state(int64_t seed) const {
  if (!is_text())
    return gdjit::initial_state(*model_, seed);
  const Signature& signature = loaded_.work.signature();
  std::vector<std::string> names;
  for (const StateDecl& state : signature.states)
    names.push_back(state.name);
  return State(names, initial_values(signature, seed), seed);
}

StepFunction Subject::compile(StepKind kind, State& state, const CompileOptions& options,
                              int64_t batch, const Outputs& outputs) const {
  if (!is_text())
    return gdjit::compile(step(kind, outputs), state, options, batch);
  CompileOptions own = options;
  own.training = kind == StepKind::training;
  return gdjit::compile(work(kind, 0, outputs), state, own);
}

} // namespace gdjit::tool
