// gdjit opt: text of any stage in, text of any later one out.
#include "Subject.h"

#include "gdjit/Driver/Compile.h"
#include "gdjit/Driver/TextFolder.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Support/AtomicFile.h"
#include "gdjit/Support/Suggest.h"

#include <algorithm>
#include <filesystem>

namespace gdjit::tool {

namespace {

struct OptArguments {
  ModelArguments model;
  std::string from;
  std::string to;
  std::vector<std::string> passes;
  std::string output;
  bool verify_values = false;
  bool time_passes = false;
  CompileOptions compile;
};

void check_passes(const std::vector<std::string>& names) {
  std::vector<std::string> known;
  for (const Pass& pass : passes())
    known.emplace_back(pass.name);
  for (const std::string& name : names)
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw unknown_pass(name, known);
}

/// Each pass must meet the stage that those before it lead to.
void check_order(const std::vector<std::string>& names, Stage stage) {
  for (const std::string& name : names) {
    auto pass = std::ranges::find(passes(), name, &Pass::name);
    if (pass->needs != stage)
      throw Error(ErrorCode::usage,
                  fmt::format("--passes: {} works on stage {}, the step is at {} there", name,
                              gdjit::name(pass->needs), gdjit::name(stage)),
                  {},
                  {{"`gdjit doc passes` lists the stages; passes that lead there go before it, or "
                    "give a text of that stage",
                    {}}});
    stage = pass->provides;
  }
}

void log_times(std::span<const PassRecord> records) {
  double total = 0;
  for (const PassRecord& record : records) {
    log("{:<28} {:>9.3f} ms{}", record.name, record.seconds * 1e3,
        record.changed ? "" : "  nothing changed");
    total += record.seconds;
  }
  log("{:<28} {:>9.3f} ms", "in all", total * 1e3);
}

/// Only the passes named, in the order given.
std::string run_passes(const OptArguments& a, Work work, TextFolder& beside) {
  check_order(a.passes, work.stage);
  PassManager manager(passes(), pass_context(a.compile), pass_options(a.compile));
  for (const std::string& name : a.passes)
    manager.run(name, work);
  for (const std::string& remark : manager.remarks())
    log("{}", remark);
  if (a.time_passes)
    log_times(manager.records());
  return work.is_graph() ? print(work.step, &beside) : loop::print(work.program, &beside);
}

void opt(OptArguments a, Tool& tool) {
  check_passes(a.passes);
  Subject subject(a.model, tool);
  StepKind kind = subject.main_step();
  a.compile.training = kind == StepKind::training;
  Work work = subject.work(kind, a.model.batch);
  if (!a.from.empty() && parse_stage(a.from) != work.stage)
    throw Error(ErrorCode::usage, fmt::format("{} stands at stage {}, not at {}", a.model.word,
                                              name(work.stage), a.from));
  a.compile.verify = true;
  a.compile.verify_values = a.verify_values;
  TextFolder beside(subject.folder(), std::filesystem::path(a.output).parent_path().string());
  std::string text;
  if (!a.passes.empty()) {
    if (!a.to.empty())
      throw Error(ErrorCode::usage,
                  "--to and --passes exclude each other: passes say themselves how far they go");
    text = run_passes(a, std::move(work), beside);
  } else {
    a.compile.last = a.to.empty() ? std::max(work.stage, Stage::Simplified) : parse_stage(a.to);
    Compilation c = compile(std::move(work), a.compile);
    if (a.time_passes)
      log_times(c.times);
    text = c.options.last > Stage::Planned ? print(c)
           : c.work.is_graph()             ? print(c.work.step, &beside)
                                           : loop::print(c.work.program, &beside);
  }
  if (a.output.empty())
    write_output(text);
  else
    write_file(a.output, text);
}

} // namespace

void add_opt(CLI::App& app, Tool& tool) {
  CLI::App* command = app.add_subcommand(
      "opt",
      "Reads a step at any stage from declared to planned and writes it at any later one.\n\n"
      "  gdjit dump 01 --stage simplified | gdjit opt - --from simplified --to loops\n"
      "  gdjit dump 01 --stage differentiated > step.gdir\n"
      "  gdjit opt step.gdir --to fused\n"
      "  gdjit opt step.gdir --passes simplify,eliminate_dead_code");
  auto a = std::make_shared<OptArguments>();
  a->model.add_to(*command);
  command->add_option("--from", a->from, "the stage that the text must stand at")
      ->type_name("STAGE");
  command->add_option("--to", a->to, "the stage to write (simplified without it)")
      ->type_name("STAGE");
  command->add_option("--passes", a->passes, "run these passes in this order instead")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("PASS,…");
  command->add_option("--disable", a->compile.disabled, "leave out a pass")
      ->allow_extra_args(false)
      ->type_name("PASS");
  command
      ->add_option("--stop-after", a->compile.stop_after,
                   "leave out optional passes behind the n-th, to bisect")
      ->check(whole_number(0))
      ->type_name("N");
  command->add_flag("--verify-values", a->verify_values,
                    "interpret after each pass and name the first that changed a bit");
  command->add_flag(
      "--time-passes", a->time_passes,
      "the wall time of each pass, and of LLVM's parts behind them, summed over the threads that "
      "compile, on standard error");
  command->add_option("-o,--output", a->output, "a file instead of standard output")
      ->check(not_empty())
      ->type_name("FILE");
  add_compile_options(*command, a->compile);
  command->callback([a, &tool] { opt(*a, tool); });
}

} // namespace gdjit::tool
