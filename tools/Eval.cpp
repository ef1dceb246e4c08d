// gdjit eval: what a trained model is worth on rows, its own or others.
#include "Parts.h"
#include "Plot.h"
#include "Report.h"
#include "Settings.h"
#include "Trained.h"

namespace gdjit::tool {

namespace {

struct EvalArguments {
  ModelArguments model;
  DataArguments data;
  std::string load;
  std::optional<int64_t> seed;
  std::vector<std::string> expect;
  std::vector<std::string> plot;
  bool json = false;
  CompileOptions compile;
};

/// The rows of the run in the parts that it was trained and judged by; others in one.
Parts parts_to_judge(const FoundRows& found, const Trained& trained, bool rows_of_the_run,
                     int64_t seed_of_the_run) {
  PartArguments arguments;
  if (rows_of_the_run && trained.checkpoint) {
    auto last = [&](const char* option) {
      std::vector<std::string> words = kept_words(*trained.checkpoint, option);
      return words.empty() ? std::string() : words.back();
    };
    arguments.split = last("--split");
    arguments.stratify = last("--stratify");
  }
  const std::vector<Scaling> scalings(trained.scalings().begin(), trained.scalings().end());
  return make_parts(found.rows, found.test, arguments, seed_of_the_run, &scalings);
}

int eval(EvalArguments& a, CLI::App& command, Tool& tool) {
  Trained trained = load_trained(command, a.model, a.load, tool);
  const int64_t seed_of_the_run = trained.state->seed();
  if (a.seed)
    trained.state->set_seed(*a.seed);
  // The rows of the run, unless others are given.
  static constexpr KeptOption rows_of_the_run[] = {{"--data"},      {"--columns"}, {"--classes"},
                                                   {"--delimiter"}, {"--comment"}, {"--header"}};
  const bool own_rows = !a.data.given();
  if (trained.checkpoint && own_rows)
    take_settings(command, rows_of_the_run, *trained.checkpoint, a.load);
  const Subject& subject = *trained.subject;
  Work work = subject.work(StepKind::evaluation, a.model.batch);
  const std::vector<InputDecl>& inputs = work.signature().inputs;
  FoundRows found;
  if (a.data.given())
    found = read_rows(a.data, inputs, inputs, trained.known(), tool);
  else
    found.rows = carried_rows(work.signature(), subject);
  if (trained.checkpoint && own_rows)
    warn_of_other_rows(*trained.checkpoint, found.rows.checksum(), a.load);
  const Parts parts = parts_to_judge(found, trained, own_rows, seed_of_the_run);
  subject.require_rows(parts.rows());
  int64_t batch = subject.is_text() ? work.signature().batch : a.model.batch;
  Assessor assessor(subject, *trained.state, parts, batch, trained.scalars, a.compile, true, found);
  check_criteria(a.expect, assessor.known());
  PlotSource plotted{subject,        work.signature(), parts.parts, trained.scalings(),
                     *trained.state, trained.scalars,  a.compile,   nullptr,
                     nullptr};
  Plots plots(a.plot, "", tool);
  plots.check(plotted);
  Report report;
  report.json = {{"model", subject.name()}, {"rows", parts.training().rows()}};
  try {
    report.add(assessor.run(true), assessor.signature(),
               fmt::format(" of {} rows", parts.training().rows()));
  } catch (const Error& error) {
    throw with_ranges(error, found.rows);
  }
  int code = report.finish(a.expect, a.json);
  plots.draw(plotted);
  return code;
}

} // namespace

void add_eval(CLI::App& app, Tool& tool) {
  CLI::App* command = app.add_subcommand(
      "eval",
      "Outputs and metrics of a trained model on rows: those it was trained on, in its parts, or "
      "--data. A few rows are interpreted, which takes less time than compiling and gives the same "
      "bits.\n\n"
      "  gdjit eval scores.cpp --load scores.safetensors\n"
      "  gdjit eval scores.cpp --load scores.safetensors --data new.csv --expect 'r2>0.9'");
  auto a = std::make_shared<EvalArguments>();
  a->model.add_to(*command);
  command->add_option("--load", a->load, "a checkpoint of train --save")->type_name("FILE");
  a->data.add_to(*command);
  command->add_option("--seed", a->seed, "of random draws, in the place of the run's")
      ->type_name("N");
  command->add_option("--expect", a->expect, "exit with 1 unless a figure is so: 'accuracy>0.9'")
      ->allow_extra_args(false)
      ->type_name("CRITERION");
  Plots::add_to(*command, a->plot, "");
  command->add_flag("--json", a->json, "as JSON");
  add_compile_options(*command, a->compile);
  command->callback([a, command, &tool] { tool.exit_code = eval(*a, *command, tool); });
}

} // namespace gdjit::tool
