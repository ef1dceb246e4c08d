// gdjit bench: how long a model takes to compile, and a step to run.
#include "Figures.h"
#include "KernelWork.h"
#include "Limits.h"
#include "Rows.h"
#include "StageCounts.h"

#include "gdjit/CodeGen/Host.h"
#include "gdjit/Driver/Compile.h"
#include "gdjit/JIT/Executable.h"
#include "gdjit/Memory/LivePeak.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace gdjit::tool {

namespace {

using Clock = std::chrono::steady_clock;

struct BenchArguments {
  ModelArguments model;
  double seconds = 1;
  int compiles = 5;
  bool json = false;
  CompileOptions compile;
};

double since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

struct Summary {
  double median = 0, low = 0, high = 0; ///< seconds; low and high are the quartiles
};

Summary summarize(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  auto at = [&](double q) {
    return samples[static_cast<size_t>(std::lround(q * static_cast<double>(samples.size() - 1)))];
  };
  return {at(0.5), at(0.25), at(0.75)};
}

Json to_json(const Summary& s) { return {{"median", s.median}, {"low", s.low}, {"high", s.high}}; }

/// Phases of several compilations: the median of each.
struct CompileTimes {
  loop::Program program; ///< planned
  Summary total;
  std::vector<std::pair<std::string, double>> phases;
};

CompileTimes time_compilation(const BenchArguments& a, const Work& work) {
  std::vector<double> totals;
  std::vector<std::vector<double>> phases;
  CompileTimes times;
  for (int i = 0; i < a.compiles; ++i) {
    auto begin = Clock::now();
    Compilation c = compile(work, a.compile);
    totals.push_back(since(begin));
    times.program = std::move(c.work.program);
    phases.resize(c.times.size());
    for (size_t p = 0; p < c.times.size(); ++p) {
      phases[p].push_back(c.times[p].seconds);
      if (i == 0)
        times.phases.emplace_back(c.times[p].name, 0);
    }
  }
  times.total = summarize(totals);
  for (size_t p = 0; p < phases.size(); ++p)
    times.phases[p].second = summarize(phases[p]).median;
  return times;
}

/// Times batches of steps that take about 2 ms each, so that the clock costs nothing.
Summary time_steps(const BenchArguments& a, StepFunction& train) {
  auto begin = Clock::now();
  int64_t per_sample = 1;
  for (;;) {
    auto start = Clock::now();
    for (int64_t i = 0; i < per_sample; ++i)
      train.run();
    if (since(start) > 2e-3 || since(begin) > a.seconds / 4)
      break;
    per_sample *= 2;
  }
  std::vector<double> samples;
  while (samples.size() < 3 || since(begin) < a.seconds) {
    auto start = Clock::now();
    for (int64_t i = 0; i < per_sample; ++i)
      train.run();
    samples.push_back(since(start) / static_cast<double>(per_sample));
  }
  return summarize(samples);
}

/// What a step does, counted from its loops, and the seconds that its kernels take at least.
struct StepWork {
  KernelWork work;
  double least = 0;
};

StepWork step_work(const Work& work, CompileOptions options, const Limits& limits) {
  BeforeSchedule before;
  options.observer = &before;
  options.last = std::max(work.stage, Stage::Planned);
  const loop::Program planned = compile(work, options).work.program;
  StepWork sum;
  for (const KernelWork& kernel : work_of(before.loops.kernels.empty() ? planned : before.loops)) {
    sum.work.operations += kernel.operations;
    sum.work.read += kernel.read;
    sum.work.written += kernel.written;
    sum.least += least_time(kernel, limits).seconds;
  }
  return sum;
}

void bench(BenchArguments a, Tool& tool) {
  Subject subject(a.model, tool);
  const StepKind kind = subject.main_step();
  a.compile.training = kind == StepKind::training;
  Work work = subject.work(kind, a.model.batch);
  CompileTimes compiled = time_compilation(a, work);
  State state = subject.initial_state(0);
  StepFunction train = subject.compile(kind, state, a.compile, work.signature().batch);
  std::vector<Array> inputs = first_batch(work.signature(), some_rows(subject, work, 1));
  std::vector<TensorView> views;
  for (size_t i = 0; i < inputs.size(); ++i)
    views.emplace_back(work.signature().inputs[i].name, inputs[i]);
  train.bind(views);
  // A rate of 0 leaves every value where it is, so that no run wanders off to where numbers are
  // slower.
  for (const ScalarDecl& d : work.signature().scalars)
    if (d.name == "lr" || d.name.ends_with("/lr"))
      train.set(d.name, 0);
  Summary step = time_steps(a, train);
  const Executable& code = train.executable();
  Limits limits = measure_limits(a.compile);
  limits.flops *= code.threads();
  const auto [done, least] = step_work(work, a.compile, limits);
  double rows = static_cast<double>(std::max<int64_t>(1, work.signature().batch));

  if (a.json) {
    Json phases = Json::object();
    for (const auto& [name, seconds] : compiled.phases)
      phases[name] = seconds;
    Json json = {{"model", subject.name()},
                 {"rows", work.signature().batch},
                 {"cpu", host_info().cpu},
                 {"target", a.compile.target},
                 {"threads", code.threads()},
                 {"compile", {{"seconds", to_json(compiled.total)}, {"phases", phases}}},
                 {"step",
                  {{"seconds", to_json(step)},
                   {"rows_per_second", rows / step.median},
                   {"operations", done.operations},
                   {"bytes", done.bytes()},
                   {"least_seconds", least}}},
                 {"limits", to_json(limits)},
                 {"functions", code.functions()},
                 {"kernels", code.launches()},
                 {"arena_bytes", code.arena_bytes()},
                 {"live_bytes", live_peak(compiled.program).bytes}};
    return write_output(json_text(json));
  }
  std::string text = fmt::format(
      "{}{}, {} thread{}\n", subject.name(),
      work.signature().batch == 0 ? "" : fmt::format(" with {} rows", work.signature().batch),
      code.threads(), code.threads() == 1 ? "" : "s");
  text += fmt::format("compile  {:>10}   quartiles {} to {}\n", duration(compiled.total.median),
                      duration(compiled.total.low), duration(compiled.total.high));
  for (const auto& [name, seconds] : compiled.phases)
    text += fmt::format("  {:<28} {:>10}\n", name, duration(seconds));
  text +=
      fmt::format("step     {:>10}   quartiles {} to {}, {:.3g} rows/s\n", duration(step.median),
                  duration(step.low), duration(step.high), rows / step.median);
  text += fmt::format("work     {}, {} a step, which take {} at least: {:.0f} % of the limit\n",
                      amount(done.operations, "op"), amount(done.bytes(), "B"), duration(least),
                      100 * least / step.median);
  text += fmt::format("limits   {}; measured in this run\n", words(limits));
  text += fmt::format("code     {} kernels, {} functions\n", code.launches(), code.functions());
  text += fmt::format("memory   {}\n", arena_words(compiled.program));
  write_output(text);
}

} // namespace

void add_bench(CLI::App& app, Tool& tool) {
  CLI::App* command = app.add_subcommand(
      "bench", "Times compilation by phase, and steps (median and quartiles), beside what\n"
               "the machine can do, measured in the same run.\n\n"
               "  gdjit bench 01_linear_regression\n"
               "  gdjit bench my_model.cpp --dtype f64 --json");
  auto a = std::make_shared<BenchArguments>();
  a->model.add_to(*command);
  command->add_option("--seconds", a->seconds, "how long to run steps")
      ->check(positive_number())
      ->type_name("S");
  command->add_option("--compiles", a->compiles, "how often to compile")
      ->check(whole_number(1))
      ->type_name("N");
  command->add_flag("--json", a->json, "as JSON");
  add_compile_options(*command, a->compile);
  command->callback([a, &tool] { bench(*a, tool); });
}

} // namespace gdjit::tool
