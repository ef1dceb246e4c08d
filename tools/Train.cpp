// gdjit train: runs a model's training step and says what came out.
#include "Evaluate.h"
#include "Figures.h"
#include "Interrupt.h"
#include "Progress.h"

#include "gdjit/Driver/Compile.h"
#include "gdjit/Driver/Values.h"
#include "gdjit/Support/Suggest.h"

#include <algorithm>
#include <cmath>

namespace gdjit::tool {

namespace {

struct TrainArguments {
  ModelArguments model;
  int64_t steps = -1;
  int64_t epochs = 0;
  std::vector<std::string> lr;
  int64_t seed = 0;
  int threads = 1;
  std::vector<std::string> expect;
  bool quiet = false;
  bool json = false;
  CompileOptions compile;
};

constexpr int64_t default_steps = 1000;
constexpr int64_t kept_losses = 10'000; // of a run, for --json
constexpr int64_t shown_elements = 64;  // of a parameter

/// What a run leaves behind.
struct Run {
  int64_t steps = 0;
  double seconds = 0;
  std::vector<double> losses; ///< before each update, while there are at most kept_losses
};

/// Scalars by --lr V (all learning rates) and --lr NAME=V (that of NAME, or a scalar of that name).
ScalarValues learning_rates(const Signature& signature, const std::vector<std::string>& given) {
  ScalarValues values;
  std::vector<std::string> known;
  for (const ScalarDecl& d : signature.scalars)
    known.push_back(d.name);
  auto exists = [&](const std::string& name) {
    return std::find(known.begin(), known.end(), name) != known.end();
  };
  for (const std::string& text : given) {
    if (text.find('=') == std::string::npos) {
      double value = parse_number(text, "--lr");
      size_t before = values.size();
      for (const std::string& name : known)
        if (name == "lr" || name.ends_with("/lr"))
          values[name] = value;
      if (values.size() == before && before == 0)
        throw Error(ErrorCode::usage,
                    fmt::format("--lr {}: '{}' has no learning rate", text, signature.name));
      continue;
    }
    auto [name, value] = parse_assignment(text, "--lr");
    if (!exists(name) && !exists(name + "/lr"))
      throw Error(ErrorCode::usage,
                  fmt::format("--lr {}: '{}' has no scalar '{}/lr' and none '{}'{}", text,
                              signature.name, name, name, did_you_mean(name, known)));
    values[exists(name + "/lr") ? name + "/lr" : name] = value;
  }
  for (const auto& [name, value] : values)
    if ((name == "lr" || name.ends_with("/lr")) && (!std::isfinite(value) || value < 0))
      throw Error(
          ErrorCode::usage,
          fmt::format("--lr: the learning rate {} is {}; it must be finite and not negative", name,
                      value));
  return values;
}

int64_t number_of_steps(const TrainArguments& a, const Batches& batches) {
  if (a.epochs > 0)
    return a.epochs * batches.count();
  return a.steps >= 0 ? a.steps : default_steps;
}

Run run_steps(const TrainArguments& a, StepFunction& train, const Batches& batches) {
  Run run;
  int64_t total = number_of_steps(a, batches);
  Progress progress(total, a.quiet);
  bool warned = false;
  std::vector<std::vector<TensorView>> inputs;
  for (int64_t i = 0; i < batches.count(); ++i)
    inputs.push_back(batches.views(i));
  if (batches.count() == 1)
    train.bind(inputs[0]);
  for (int64_t k = 0; k < total && !interrupted(); ++k) {
    int64_t i = k % batches.count();
    double loss = batches.count() == 1 ? train.run() : train(inputs[static_cast<size_t>(i)]);
    run.steps = k + 1;
    if (!std::isfinite(loss) && !warned) {
      progress.finish();
      log("warning: the loss of step {} is {}; --check-nan names the op it comes from", k, loss);
      warned = true;
    }
    if (k < kept_losses)
      run.losses.push_back(loss);
    progress.update(k, loss);
  }
  run.seconds = progress.seconds();
  return run;
}

/// Inputs and outputs of the example rows, one row a line.
std::string print_examples(const Batches& batches, const Signature& signature,
                           const std::vector<Array>& inputs, const std::vector<Array>& outputs) {
  auto row = [](const Array& array, int64_t i, int64_t rows) {
    int64_t each = rows == 0 ? 0 : array.elements() / rows;
    std::string text = each == 1 ? "" : "[";
    for (int64_t k = 0; k < each; ++k)
      text += (k ? ", " : "") + format_element(array, i * each + k);
    return text + (each == 1 ? "" : "]");
  };
  std::string text;
  for (int64_t i = 0; i < batches.rows(); ++i) {
    std::string line = " ";
    for (size_t k = 0; k < inputs.size(); ++k)
      if (signature.inputs[k].batch_axis == 0)
        line +=
            fmt::format(" {} = {}", signature.inputs[k].name, row(inputs[k], i, batches.rows()));
    line += "  ->";
    for (size_t k = 0; k < outputs.size(); ++k)
      if (signature.outputs[k].batch_axis == 0)
        line +=
            fmt::format("  {} = {}", signature.outputs[k].name, row(outputs[k], i, batches.rows()));
    text += line + "\n";
  }
  return text;
}

struct Examples {
  std::string text;
  Json json;
};

Examples predict_examples(const TrainArguments& a, const Subject& subject, const State& state,
                          const Work& training, const ScalarValues& scalars) {
  Examples examples;
  const std::vector<Rows>& given = training.signature().examples;
  if (given.empty())
    return examples;
  RowSet rows = row_set(training.signature(), given, subject.folder());
  int64_t count = 0;
  for (const Rows& r : given)
    if (const InputDecl& d = training.signature().inputs[r.input]; d.batch_axis >= 0)
      count = rows.at(d.name)->type().shape[d.batch_axis];
  if (subject.is_text() && count != training.signature().batch) {
    log("the {} example rows are left out: this text holds a step for {} rows", count,
        training.signature().batch);
    return examples;
  }
  Work work = subject.work(StepKind::prediction, count);
  Batches batches(work.signature(), rows);
  CompileOptions options = a.compile;
  options.training = false;
  CallArguments arguments = call_arguments(work.signature(), state, batches.arrays(0), scalars);
  CallResults results = call(work, arguments, options);
  examples.text = print_examples(batches, work.signature(), arguments.inputs, results.outputs);
  for (size_t k = 0; k < arguments.inputs.size(); ++k)
    examples.json["inputs"][work.signature().inputs[k].name] = to_json(arguments.inputs[k]);
  for (size_t k = 0; k < results.outputs.size(); ++k)
    examples.json["outputs"][work.signature().outputs[k].name] = to_json(results.outputs[k]);
  return examples;
}

/// The loss among outputs: "loss", else the first whose name ends so, else NaN.
double loss_of(const std::vector<std::pair<std::string, Array>>& outputs) {
  for (const auto& [name, value] : outputs)
    if (name == "loss")
      return value.at(0);
  for (const auto& [name, value] : outputs)
    if (name.ends_with("/loss"))
      return value.at(0);
  return NAN;
}

int report(const TrainArguments& a, const Subject& subject, const State& state, const Work& work,
           const RowSet& rows, const ScalarValues& scalars, const Run& run) {
  auto outputs = evaluate(subject, StepKind::evaluation, state, rows, work.signature().batch,
                          scalars, a.compile);
  Examples examples = predict_examples(a, subject, state, work, scalars);
  Figures figures;
  std::string text;
  Json json = {
      {"model", subject.name()}, {"steps", run.steps}, {"seconds", run.seconds}, {"seed", a.seed}};
  for (const auto& [name, value] : outputs) {
    if (value.type().shape.rank() != 0)
      continue;
    figures.emplace_back(name, value.at(0));
    text += fmt::format("{} {}{}\n", name, format_element(value, 0),
                        name == "loss" ? fmt::format(" after {} updates", run.steps) : "");
    json["outputs"][name] = to_json(value.at(0));
  }
  json["loss"] = to_json(loss_of(outputs));
  Json losses = Json::array();
  for (double loss : run.losses)
    losses.push_back(to_json(loss));
  json["losses"] = losses;
  for (const StateDecl& d : work.signature().states) {
    Array value = state.view(d.name).copy();
    if (value.elements() <= shown_elements || a.json)
      json["parameters"][d.name] = to_json(value);
    if (is_float(d.type.dtype))
      text += fmt::format("{} = {}\n", d.name, format_values(value, shown_elements));
    if (value.elements() == 1)
      figures.emplace_back(d.name, value.at(0));
  }
  if (!examples.text.empty()) {
    text += "examples\n" + examples.text;
    json["examples"] = examples.json;
  }
  int code = 0;
  std::vector<std::string> unmet;
  for (const std::string& expect : a.expect) {
    Criterion criterion(expect);
    bool met = criterion.met(figures);
    json["expect"].push_back(
        {{"criterion", expect}, {"value", to_json(criterion.value(figures))}, {"met", met}});
    if (!met)
      unmet.push_back(fmt::format("not met: {}, it is {}", expect, criterion.value(figures)));
  }
  write_output(a.json ? json.dump(1) + "\n" : text);
  for (const std::string& line : unmet) {
    log("{}", line);
    code = static_cast<int>(ErrorCode::criterion);
  }
  return code;
}

/// Says what is wrong with a criterion before an hour has gone by.
void check_criteria(const TrainArguments& a, const Subject& subject, const Signature& signature) {
  if (a.expect.empty())
    return;
  Figures figures;
  Work evaluation = subject.work(StepKind::evaluation, signature.batch);
  for (const OutputDecl& d : evaluation.signature().outputs)
    if (d.type.shape.rank() == 0)
      figures.emplace_back(d.name, NAN);
  for (const StateDecl& d : signature.states)
    if (d.type.elements() == 1)
      figures.emplace_back(d.name, NAN);
  for (const std::string& expect : a.expect)
    (void)Criterion(expect).value(figures);
}

int train(const TrainArguments& a, Tool& tool) {
  Subject subject(a.model, tool);
  Work work = subject.work(StepKind::training, a.model.batch);
  const Signature& signature = work.signature();
  if (signature.updates.empty())
    throw Error(ErrorCode::graph,
                fmt::format("model '{}' has nothing to train: it declares no update; call "
                            "m.minimize(loss, SGD{{.lr = 0.1}}) or m.update",
                            subject.name()));
  ScalarValues scalars = learning_rates(signature, a.lr);
  check_criteria(a, subject, signature);
  RowSet rows = row_set(signature, signature.data, subject.folder());
  Batches batches(signature, rows);
  catch_interrupt();
  State state = subject.initial_state(a.seed);
  StepFunction function = subject.compile_training(state, a.compile);
  if (!subject.is_text() && function.batch() != signature.batch)
    function.rebatch(signature.batch);
  for (const auto& [name, value] : scalars)
    function.set(name, value);
  Run run = run_steps(a, function, batches);
  if (!a.quiet)
    log("{} updates of {} rows in {:.3g} s, {:.3g} steps/s", run.steps, batches.size(0),
        run.seconds, static_cast<double>(run.steps) / std::max(run.seconds, 1e-9));
  int code = report(a, subject, state, work, rows, scalars, run);
  if (interrupted()) {
    log("interrupted after {} updates", run.steps);
    return static_cast<int>(ErrorCode::interrupted);
  }
  return code;
}

} // namespace

void add_train(CLI::App& app, Tool& tool) {
  CLI::App* command = app.add_subcommand(
      "train",
      "Trains a model on its rows; prints its loss, parameters and examples at the end.\n\n"
      "  gdjit train 05_logistic_regression\n"
      "  gdjit train line.cpp --steps 500 --lr 0.05 --expect 'loss<0.01'\n"
      "  gdjit train 03 --dtype f64 --batch 2 --epochs 20 --json");
  auto a = std::make_shared<TrainArguments>();
  a->model.add_to(*command);
  auto* steps = command
                    ->add_option("--steps", a->steps,
                                 fmt::format("number of updates ({} without it)", default_steps))
                    ->check(whole_number(0))
                    ->type_name("N");
  command->add_option("--epochs", a->epochs, "passes over all rows, instead of --steps")
      ->check(whole_number(1))
      ->excludes(steps)
      ->type_name("N");
  command
      ->add_option("--lr", a->lr,
                   "the learning rate: VALUE for all, or NAME=VALUE for that of one minimize")
      ->allow_extra_args(false)
      ->type_name("[NAME=]VALUE");
  command->add_option("--seed", a->seed, "of first values and random draws")->type_name("N");
  command->add_option("--threads", a->threads, "per step")->check(whole_number(1))->type_name("N");
  command->add_option("--expect", a->expect, "exit with 1 unless a figure ends so: 'loss<0.05'")
      ->allow_extra_args(false)
      ->type_name("CRITERION");
  command->add_flag("--check-nan", a->compile.check_nan,
                    "stop at the first NaN or infinity and name the op (exit 6)");
  command->add_flag("--quiet,-q", a->quiet, "no progress");
  command->add_flag("--json", a->json, "the result as JSON, with the loss before each update");
  command
      ->add_option("--target", a->compile.target,
                   "native, x86-64-v4, x86-64-v3, x86-64: the same bits")
      ->type_name("NAME");
  command
      ->add_option("-O,--level", a->compile.level,
                   "of LLVM's optimization, 0, 2 or 3: the same bits")
      ->type_name("N");
  command->callback([a, &tool] {
    a->compile.threads = a->threads;
    tool.exit_code = train(*a, tool);
  });
}

} // namespace gdjit::tool
