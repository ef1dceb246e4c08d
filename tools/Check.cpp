// gdjit check: are a model's gradients right, and does every form of it give the same bits?
#include "CheckChain.h"
#include "CheckGradients.h"
#include "StageCounts.h"

#include "gdjit/Driver/Compile.h"

namespace gdjit::tool {

namespace {

struct CheckArguments {
  ModelArguments model;
  uint64_t seed = 1;
  bool native_only = false;
  bool json = false;
  int threads = 1;
};

/// What the declared step for `batch` rows does not scale in as it should: an error message, or
/// nothing.
std::string declare_at(const Subject& subject, StepKind kind, int64_t batch, Work& work) {
  try {
    work = subject.work(kind, batch);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

/// Names of states that differ between two batch sizes, and of inputs that differ by more than
/// their number of rows.
std::string not_scaling(const Signature& a, const Signature& b) {
  std::string text;
  auto say = [&](const std::string& what, const std::string& name, const TensorType& at_a,
                 const TensorType& at_b) {
    text += fmt::format("{}{} {} : {} for {} rows, {} for {}", text.empty() ? "" : "; ", what, name,
                        to_string(at_a), a.batch, to_string(at_b), b.batch);
  };
  if (a.states.size() != b.states.size() || a.inputs.size() != b.inputs.size())
    return fmt::format("{} states and {} inputs for {} rows, {} and {} for {}", a.states.size(),
                       a.inputs.size(), a.batch, b.states.size(), b.inputs.size(), b.batch);
  for (size_t i = 0; i < a.states.size(); ++i)
    if (a.states[i].name != b.states[i].name || a.states[i].type != b.states[i].type)
      say("state", a.states[i].name, a.states[i].type, b.states[i].type);
  for (size_t i = 0; i < a.inputs.size(); ++i)
    if (TensorType scaled = a.inputs[i].type; true) {
      if (a.inputs[i].batch_axis >= 0)
        scaled.shape[a.inputs[i].batch_axis] = b.batch;
      if (scaled != b.inputs[i].type || a.inputs[i].name != b.inputs[i].name)
        say("input", a.inputs[i].name, a.inputs[i].type, b.inputs[i].type);
    }
  return text;
}

/// Two sizes that nobody tiles for, other than the model's own.
std::vector<int64_t> unusual_batches(int64_t own) {
  std::vector<int64_t> sizes;
  for (int64_t size : {1, 13, 7})
    if (size != own && sizes.size() < 2)
      sizes.push_back(size);
  return sizes;
}

void check_model(const CheckArguments& a, Tool& tool) {
  Subject subject(a.model, tool);
  StepKind kind = subject.main_step();
  CheckReport report(!a.json);
  Work own =
      subject.work(kind, a.model.batch); // a model that is wrong is so in its own types first
  if (subject.is_text())
    report.skip("gradients",
                "a text has fixed types and may stand past its gradients; give the model's source");
  else
    check_gradients(subject, a.model.batch, a.seed, report);

  ChainOptions chain{.seed = a.seed,
                     .all_targets = !a.native_only,
                     .training = kind == StepKind::training,
                     .threads = a.threads};
  const int64_t rows = own.signature().batch;
  check_chain(own, chain, rows == 0 ? "no batch" : counted(rows, "row"), report);
  if (subject.is_text()) {
    report.skip("other batch sizes", "a text holds a step for one batch size");
  } else if (own.signature().batch == 0) {
    report.skip("other batch sizes", "the model has no batch");
  } else {
    for (int64_t batch : unusual_batches(own.signature().batch)) {
      Work other;
      std::string what = "declared for " + counted(batch, "row");
      std::string error = declare_at(subject, kind, batch, other);
      std::string scaling = error.empty() ? not_scaling(own.signature(), other.signature()) : error;
      report.result(what, scaling.empty(), scaling);
      if (scaling.empty())
        check_chain(other, chain, counted(batch, "row"), report);
    }
  }
  if (a.json)
    write_output(json_text(report.json()));
  else
    write_output(fmt::format("{} checks, {} failed, {} skipped\n", report.checks(),
                             report.failures(), report.skips()));
  if (report.failures() > 0)
    tool.exit_code = static_cast<int>(ErrorCode::check);
}

} // namespace

void add_check(CLI::App& app, Tool& tool) {
  CLI::App* command =
      app.add_subcommand("check", "Compares gradients with finite differences in f64, and the bits "
                                  "of the graph interpreter with those of\n"
                                  "the loop interpreter at each stage and of native code at each "
                                  "level and target, at three batch sizes.\n\n"
                                  "  gdjit check 05_logistic_regression\n"
                                  "  gdjit check my_model.cpp --json");
  auto a = std::make_shared<CheckArguments>();
  a->model.add_to(*command);
  command->add_option("--seed", a->seed, "of the random values it runs on")
      ->check(whole_number(0))
      ->type_name("N");
  command->add_flag("--native", a->native_only,
                    "native code for this machine only, no other target");
  command
      ->add_option("--threads", a->threads,
                   "native code also with so many, which share whatever divides, however small")
      ->check(whole_number(1))
      ->type_name("N");
  command->add_flag("--json", a->json, "as JSON");
  command->callback([a, &tool] { check_model(*a, tool); });
}

} // namespace gdjit::tool
