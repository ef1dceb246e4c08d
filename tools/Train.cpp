// gdjit train: runs a model's training step and says what came out.
#include "Assess.h"
#include "Interrupt.h"
#include "Plot.h"
#include "Report.h"
#include "RunFiles.h"
#include "Settings.h"
#include "TrainLoop.h"

#include <algorithm>
#include <filesystem>

namespace gdjit::tool {

namespace {

struct TrainArguments {
  ModelArguments model;
  DataArguments data;
  PartArguments parts;
  int64_t steps = -1;
  int64_t epochs = 0;
  bool shuffle = false;
  bool drop_last = false;
  std::vector<std::string> lr;
  int64_t seed = 0;
  std::string save, resume, metrics;
  int64_t save_every = 0;
  std::vector<std::string> expect;
  std::vector<std::string> plot;
  bool quiet = false;
  bool json = false;
  CompileOptions compile;
};

constexpr int64_t default_steps = 1000;

/// What a checkpoint keeps of the command line.
constexpr KeptOption kept[] = {{"--dtype", true},     {"--set", true},
                               {"--optimizer", true}, {"--batch", true},
                               {"--shuffle", true},   {"--drop-last", true},
                               {"--seed", true},      {"--split", true},
                               {"--stratify", true},  {"--standardize", true},
                               {"--min-max", true},   {"--data"},
                               {"--columns"},         {"--classes"},
                               {"--delimiter"},       {"--comment"},
                               {"--header"},          {"--lr"},
                               {"--steps"},           {"--epochs"}};

/// A run that can be stopped, saved and gone on with.
class Run {
public:
  Run(const TrainArguments& a, const CLI::App& command, Tool& tool, const Checkpoint* resumed);
  int go();
  /// What `error`, which ended go(), says.
  Error ended_by(const Error& error);

private:
  State make_state() const;
  Loader make_loader() const;
  void resume();
  void save();
  void look(int64_t epoch, Progress& progress);
  Checkpoint checkpoint() const;
  bool observes() const;
  PlotSource plotted();

  const TrainArguments& a_;
  const CLI::App& command_;
  const Checkpoint* resumed_;
  RunFiles files_; // first: a second run is refused before anything is read
  Subject subject_;
  Work work_;
  ScalarValues scalars_;
  State state_; // before the rows: another model's checkpoint says so, not that columns do not fit
  FoundRows found_;
  Parts parts_;
  int64_t rows_checksum_ = -1; ///< only where something asks for it: reading all rows takes time
  Loader loader_;
  Assessor assessor_;
  int64_t before_ = 0; ///< updates of an earlier run
  LoopResult result_;
  LossCurve losses_;
  Plots plots_;
};

Work trained_step(const TrainArguments& a, const Subject& subject) {
  Work work = subject.work(StepKind::training, a.model.batch);
  if (work.signature().updates.empty())
    throw Error(ErrorCode::graph,
                fmt::format("model '{}' has nothing to train: it declares no update; call "
                            "m.minimize(loss, SGD{{.lr = 0.1}}) or m.update",
                            subject.name()),
                subject.location());
  return work;
}

FoundRows find_rows(const TrainArguments& a, const Subject& subject, const Work& work,
                    const Checkpoint* known, Tool& tool) {
  const Signature& s = work.signature();
  if (a.data.given())
    return read_rows(a.data, s.inputs, s.inputs, known, tool);
  return {.rows = carried_rows(s, subject)};
}

Run::Run(const TrainArguments& a, const CLI::App& command, Tool& tool, const Checkpoint* resumed)
    : a_(a), command_(command), resumed_(resumed), files_(a.save, a.metrics),
      subject_(a.model, tool), work_(trained_step(a, subject_)),
      scalars_(parse_scalars(work_.signature(), a.lr)), state_(make_state()),
      found_(find_rows(a, subject_, work_, resumed, tool)),
      parts_(make_parts(found_.rows, found_.test, a.parts, a.seed,
                        resumed ? &resumed->scalings : nullptr)),
      loader_(make_loader()),
      assessor_(subject_, state_, parts_, loader_.position().batch_size, scalars_, a.compile,
                a.data.given() || !a.parts.split.empty() || !a.metrics.empty(), found_),
      losses_(work_.signature()), plots_(a.plot, "cost", tool) {
  Figures known = assessor_.known();
  for (const StateDecl& d : work_.signature().states)
    if (d.type.elements() == 1)
      known.emplace_back(d.name, 0);
  if (files_.saves())
    require_kept(command_, kept);
  if (files_.saves() || resumed)
    rows_checksum_ = found_.rows.checksum();
  if (!a.quiet && !resumed && !parts_.scalings.empty()) {
    const std::vector<std::string> given = subject_.given_inputs();
    for (const Scaling& scaling : parts_.scalings)
      if (std::ranges::find(given, scaling.input) == given.end())
        log("note: {} is a target: figures and predictions are in its scaled units", scaling.input);
  }
  if (resumed)
    warn_of_other_rows(*resumed, rows_checksum_, a.resume);
  if (a.save != a.resume && !a.quiet)
    if (const Checkpoint* replaced = files_.replaced())
      log("{} holds a run of {} updates; this one takes its place", a.save, replaced->step);
  check_criteria(a.expect, known);
  plots_.check(plotted());
  if (!a.metrics.empty()) {
    History::check_name(a.metrics);
    require_output("--metrics", a.metrics, tool);
  }
  if (resumed)
    resume();
}

Loader Run::make_loader() const {
  const Signature& s = work_.signature();
  subject_.require_rows(parts_.rows());
  LoaderOptions options{.drop_last = a_.drop_last};
  if (scales_with_rows(s))
    options.batch = subject_.is_text() ? s.batch : a_.model.batch;
  if (a_.shuffle)
    options.shuffle_seed = a_.seed;
  return Loader(parts_.training(), options);
}

State Run::make_state() const {
  State state = subject_.initial_state(a_.seed);
  if (resumed_) {
    require_same_options(subject_, *resumed_, a_.resume);
    load_checkpoint(a_.resume, state);
  }
  return state;
}

void Run::resume() {
  try {
    loader_.seek(resumed_->position);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: the run went over other rows", a_.resume), {},
                error.diagnostics().front().notes);
  }
  files_.go_on(a_.resume, *resumed_);
}

Checkpoint Run::checkpoint() const {
  Checkpoint c =
      subject_.is_text() ? Checkpoint{.model = subject_.name()} : describe(subject_.model());
  c.position = loader_.position();
  c.rows_checksum = rows_checksum_;
  c.scalings = parts_.scalings;
  c.labels = found_.labels;
  c.columns = found_.columns;
  c.settings = settings_of(command_, kept);
  return c;
}

void Run::save() { files_.save(state_, checkpoint()); }

Error Run::ended_by(const Error& error) {
  if (result_.steps == 0)
    return with_ranges(error, found_.rows);
  // The loader stands behind an update that threw, which the result does not count.
  const bool whole = before_ + result_.steps == updates_done(loader_);
  return files_.ended_by(with_ranges(error, found_.rows), whole, state_, checkpoint());
}

/// True where figures are wanted at every epoch.
bool Run::observes() const {
  if (parts_.parts.size() > 1 || !a_.metrics.empty())
    return true;
  const std::vector<OutputDecl>& outputs = assessor_.signature().outputs;
  return std::any_of(outputs.begin(), outputs.end(),
                     [](const OutputDecl& d) { return d.name.ends_with("/nonfinite"); });
}

void Run::look(int64_t epoch, Progress& progress) {
  std::vector<Assessed> assessed = assessor_.run(false);
  Figures figures = figures_of(assessed);
  if (progress.epoch_due(epoch)) {
    progress.finish();
    log("epoch {}  step {}  {}", epoch, state_.step(), line_of(figures));
    write_log(watched(assessor_.signature(), assessed.front().outputs));
  }
  files_.history().add({.epoch = epoch, .step = state_.step(), .figures = std::move(figures)});
}

PlotSource Run::plotted() {
  return {subject_, work_.signature(), parts_.parts, parts_.scalings,  state_,
          scalars_, a_.compile,        &losses_,     &files_.history()};
}

int Run::go() {
  before_ = updates_done(loader_);
  LoopOptions options{.updates = a_.steps >= 0 ? a_.steps : default_steps,
                      .save_every = a_.save_every};
  if (a_.epochs > 0 && __builtin_mul_overflow(a_.epochs, loader_.batches(), &options.updates))
    throw Error(ErrorCode::usage,
                fmt::format("--epochs {}: of {} batches each, that is more updates than can be "
                            "counted",
                            a_.epochs, loader_.batches()));
  if (before_ > 0 && before_ >= options.updates)
    log("{} holds {} updates already; --steps and --epochs count from the beginning of the run",
        a_.resume, before_);
  catch_interrupt();
  assessor_.begin();
  const int64_t batch = subject_.is_text() || !scales_with_rows(work_.signature())
                            ? work_.signature().batch
                            : loader_.position().batch_size;
  StepFunction train =
      subject_.compile(StepKind::training, state_, a_.compile, batch,
                       computed_outputs(subject_, batch, !plots_.empty(), a_.compile.check_nan));
  start_threads(train);
  set_scalars(train, work_.signature(), scalars_);
  Progress progress(options.updates, before_, a_.quiet, observes());
  if (before_ == 0 && files_.history().rows().empty() && observes())
    look(0, progress);
  // A path that cannot be written is known before an hour has gone by; what an earlier run left
  // there stays until there is something better.
  std::error_code ignored;
  if (files_.saves() && !std::filesystem::is_regular_file(a_.save, ignored))
    save();
  LoopHooks hooks;
  if (observes())
    hooks.epoch_done = [&](int64_t epoch) { look(epoch, progress); };
  if (!plots_.empty())
    hooks.updated = [&](int64_t update) { losses_.record(update, train); };
  if (files_.saves())
    hooks.save = [&] { save(); };
  const LoopResult& result = result_;
  try {
    run_loop(train, loader_, options, progress, hooks, result_);
  } catch (const Error&) {
    progress.finish();
    throw;
  }
  progress.finish();
  save();
  if (!a_.quiet)
    log("{} updates of {} rows in {:.3g} s, {:.3g} steps/s", result.steps,
        loader_.position().batch_size, result.seconds,
        static_cast<double>(result.steps) / std::max(result.seconds, 1e-9));

  Report report;
  report.json = {{"model", subject_.name()},
                 {"steps", updates_done(loader_)},
                 {"seconds", result.seconds},
                 {"seed", a_.seed}};
  report.add(assessor_.run(true), assessor_.signature(),
             fmt::format(" after {} updates", updates_done(loader_)));
  if (!result.warned)
    warn_unless_finite(report.figures);
  report.json["losses"] = losses_of(result);
  report.json["computed"] = result.computed;
  report.add(work_.signature(), state_, a_.json);
  std::optional<Error> of_examples; // no reason to lose what the run came to
  try {
    report.add_examples(subject_, work_.signature(), state_, scalars_, parts_.scalings, a_.compile);
  } catch (const Error& error) {
    of_examples = error;
  }
  int code = report.finish(a_.expect, a_.json);
  if (of_examples) {
    log("the example rows are left out: {}", of_examples->what());
    code = static_cast<int>(of_examples->code());
  }
  plots_.draw(plotted());
  if (interrupted()) {
    log("interrupted after {} updates{}", updates_done(loader_),
        files_.saves() ? fmt::format(", saved to {}", a_.save) : "");
    return static_cast<int>(ErrorCode::interrupted);
  }
  return code;
}

int train(TrainArguments& a, CLI::App& command, Tool& tool) {
  std::optional<Checkpoint> resumed;
  if (!a.resume.empty()) {
    resumed = read_checkpoint(a.resume);
    std::vector<KeptOption> taken(std::begin(kept), std::end(kept));
    if (command.count("--steps") + command.count("--epochs") > 0)
      std::erase_if(taken, [](const KeptOption& option) {
        return std::string(option.name) == "--steps" || std::string(option.name) == "--epochs";
      });
    take_settings(command, taken, *resumed, a.resume);
  }
  if (!a.save.empty())
    require_output("--save", a.save, tool);
  Run run(a, command, tool, resumed ? &*resumed : nullptr);
  try {
    return run.go();
  } catch (const Error& error) {
    throw run.ended_by(error);
  }
}

} // namespace

void add_train(CLI::App& app, Tool& tool) {
  CLI::App* command = app.add_subcommand(
      "train",
      "Trains a model on its rows; prints its loss, parameters and examples at the end.\n"
      "An update computes the losses that are shown or drawn; other outputs only under "
      "--check-nan\n"
      "or where they look something up, so that an index out of range is told at once. `gdjit\n"
      "explain MODEL --outputs loss` shows that step, as do bench and dump.\n\n"
      "  gdjit train 05_logistic_regression\n"
      "  gdjit train line.cpp --steps 500 --lr 0.05 --expect 'loss<0.01'\n"
      "  gdjit train scores.cpp --data scores.csv --columns x=quiz1:quiz3,y=final --split 0.2\n"
      "  gdjit train scores.cpp --data scores.csv --standardize x --lr 0.1 --batch 4 --shuffle "
      "--epochs 20 --metrics scores.jsonl --save scores.safetensors\n"
      "  gdjit train scores.cpp --resume scores.safetensors --save scores.safetensors --epochs 40");
  auto a = std::make_shared<TrainArguments>();
  a->model.add_to(*command);
  a->data.add_to(*command);
  a->parts.add_to(*command);
  auto* steps = command
                    ->add_option("--steps", a->steps,
                                 fmt::format("number of updates ({} without it)", default_steps))
                    ->check(whole_number(0))
                    ->type_name("N");
  command->add_option("--epochs", a->epochs, "passes over all rows, instead of --steps")
      ->check(whole_number(1))
      ->excludes(steps)
      ->type_name("N");
  command->add_flag("--shuffle", a->shuffle, "batches in another order at each epoch, by --seed");
  command->add_flag("--drop-last", a->drop_last, "leave out a last batch that is shorter");
  command
      ->add_option("--lr", a->lr,
                   "the learning rate: VALUE for all, or NAME=VALUE for that of one minimize")
      ->allow_extra_args(false)
      ->type_name("[NAME=]VALUE");
  command->add_option("--seed", a->seed, "of first values, random draws, --shuffle and --split")
      ->check(whole_number())
      ->type_name("N");
  auto* save = command->add_option("--save", a->save,
                                   "a checkpoint, written as the run goes, at its end, at "
                                   "Ctrl-C, at an error and when its terminal is closed; predict, "
                                   "eval and --resume read it");
  save->type_name("FILE");
  command
      ->add_option("--save-every", a->save_every,
                   "updates between two saves; without it half a minute")
      ->check(whole_number(1))
      ->needs(save)
      ->type_name("N");
  command
      ->add_option("--resume", a->resume,
                   "go on from a checkpoint, to the bit as if the run had never stopped, with the "
                   "options it began with")
      ->type_name("FILE");
  command
      ->add_option("--metrics", a->metrics,
                   "figures of every epoch, for training and development part, .csv or .jsonl")
      ->type_name("FILE");
  Plots::add_to(*command, a->plot, "cost");
  command->add_option("--expect", a->expect, "exit with 1 unless a figure ends so: 'loss<0.05'")
      ->allow_extra_args(false)
      ->type_name("CRITERION");
  command->add_flag("--check-nan", a->compile.check_nan,
                    "stop at the first NaN or infinity and name the op (exit 6)");
  command->add_flag("--quiet,-q", a->quiet, "no progress");
  command->add_flag("--json", a->json, "the result as JSON, with the loss before each update");
  add_compile_options(*command, a->compile);
  command->callback([a, command, &tool] { tool.exit_code = train(*a, *command, tool); });
}

} // namespace gdjit::tool
