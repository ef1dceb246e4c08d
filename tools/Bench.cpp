// gdjit bench: how long a model takes to compile, and a step to run.
#include "Figures.h"
#include "KernelWork.h"
#include "Limits.h"
#include "Race.h"
#include "Rows.h"
#include "Scalars.h"
#include "StageCounts.h"

#include "gdjit/CodeGen/Host.h"
#include "gdjit/Driver/Compile.h"
#include "gdjit/JIT/Executable.h"
#include "gdjit/Memory/LivePeak.h"

#include <algorithm>
#include <cmath>

namespace gdjit::tool {

namespace {

struct BenchArguments {
  ModelArguments model;
  Outputs outputs;
  double seconds = 1;
  int compiles = 5;
  bool json = false;
  CompileOptions compile;
};

struct Summary {
  double best = 0, median = 0, low = 0, high = 0; ///< seconds; low and high are the quartiles
};

Summary summarize(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  auto at = [&](double q) {
    return samples[static_cast<size_t>(std::lround(q * static_cast<double>(samples.size() - 1)))];
  };
  return {at(0), at(0.5), at(0.25), at(0.75)};
}

Json to_json(const Summary& s) {
  return {{"best", s.best}, {"median", s.median}, {"low", s.low}, {"high", s.high}};
}

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
    const double begin = seconds_now(Clock::wall);
    Compilation c = compile(work, a.compile);
    totals.push_back(seconds_now(Clock::wall) - begin);
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

/// What a step takes, and beside it what it cannot do without.
struct StepTimes {
  Summary step;
  Limits limits; ///< of all its threads
  StepWork least;
};

/// Steps and the peak in turn; the peak is that of the best moment.
StepTimes time_steps(const BenchArguments& a, StepFunction& train, const Work& work) {
  const int threads = train.executable().threads();
  StepTimes times{.limits = measure_limits(a.compile)};
  const Yardstick peak = multiply_adds(a.compile);
  const auto taken = race({peak.run, [&] { train.run(); }}, a.seconds,
                          threads == 1 ? Clock::process : Clock::wall);
  times.step = summarize(taken[1]);
  times.limits.flops = std::max(times.limits.flops, peak.amount / std::ranges::min(taken[0]));
  times.limits = times.limits.of(threads);
  times.least = step_work(work, a.compile, times.limits);
  return times;
}

Json to_json(const StepTimes& t, double rows) {
  return {{"seconds", to_json(t.step)},
          {"rows_per_second", rows / t.step.median},
          {"operations", t.least.work.operations},
          {"bytes", t.least.work.bytes()},
          {"least_seconds", t.least.least_seconds},
          {"products", t.least.products}};
}

std::string to_text(const StepTimes& t, double rows) {
  const auto share = [&](double seconds) {
    return fmt::format("{}: {:.0f} %", duration(seconds), 100 * seconds / t.step.best);
  };
  std::string text =
      fmt::format("step     {:>10}   at best; median {}, quartiles {} to {}, {:.3g} rows/s\n",
                  duration(t.step.best), duration(t.step.median), duration(t.step.low),
                  duration(t.step.high), rows / t.step.median);
  text += fmt::format("work     {:>10}, {} a step, at the limits {}\n",
                      amount(t.least.work.operations, "op"), amount(t.least.work.bytes(), "B"),
                      share(t.least.least_seconds));
  if (t.least.products > 0)
    text += fmt::format("products {:>10}, of matrices, alone at the peak {}\n",
                        amount(t.least.products, "op"), share(t.least.products / t.limits.flops));
  return text +
         fmt::format("limits   {}, {} from memory, {} from the cache, measured in this run\n",
                     amount(t.limits.flops, "op/s"), amount(t.limits.reads.memory, "B/s"),
                     amount(t.limits.reads.cache, "B/s"));
}

void bench(BenchArguments a, Tool& tool) {
  Subject subject(a.model, tool);
  const StepKind kind = subject.main_step();
  a.compile.training = kind == StepKind::training;
  Work work = subject.work(kind, a.model.batch, a.outputs);
  CompileTimes compiled = time_compilation(a, work);
  State state = subject.initial_state(0);
  StepFunction train = subject.compile(kind, state, a.compile, work.signature().batch, a.outputs);
  start_threads(train);
  const std::vector<Array> inputs = first_batch(work.signature(), some_rows(subject, work, 1));
  bind_at_rest(train, work.signature(), inputs);
  const StepTimes times = time_steps(a, train, work);
  const Executable& code = train.executable();
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
                 {"step", to_json(times, rows)},
                 {"limits", to_json(times.limits)},
                 {"functions", code.functions()},
                 {"kernels", code.launches()},
                 {"arena_bytes", code.arena_bytes()},
                 {"live_bytes", live_peak(compiled.program).bytes}};
    return write_output(json_text(json));
  }
  std::string text = fmt::format(
      "{}{}, {}\n", subject.name(),
      work.signature().batch == 0 ? "" : " with " + counted(work.signature().batch, "row"),
      counted(code.threads(), "thread"));
  text += fmt::format("compile  {:>10}   quartiles {} to {}; its parts, wall time summed over "
                      "threads:\n",
                      duration(compiled.total.median), duration(compiled.total.low),
                      duration(compiled.total.high));
  for (const auto& [name, seconds] : compiled.phases)
    text += fmt::format("  {:<28} {:>10}\n", name, duration(seconds));
  text += to_text(times, rows);
  text += fmt::format("code     {}, {}\n", counted(code.launches(), "kernel"),
                      counted(code.functions(), "function"));
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
  add_outputs(*command, a->outputs);
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
