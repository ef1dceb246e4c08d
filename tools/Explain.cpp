// gdjit explain: what each kernel of a step computes, why it is cut where it is, how it is
// scheduled, and how far it is from what the machine can do.
#include "Figures.h"
#include "KernelFacts.h"
#include "Limits.h"
#include "Race.h"
#include "Rows.h"
#include "SameKernels.h"
#include "Scalars.h"
#include "StageCounts.h"

#include "gdjit/Driver/Compile.h"
#include "gdjit/JIT/Executable.h"
#include "gdjit/JIT/StepFunction.h"
#include "gdjit/Loop/Rewrite.h"
#include "gdjit/Memory/LivePeak.h"
#include "gdjit/Memory/Meetings.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <unordered_map>

namespace gdjit::tool {

namespace {

struct ExplainArguments {
  ModelArguments model;
  Outputs outputs;
  bool json = false;
  CompileOptions compile;
};

/// What passes said, by kernel, each thing once. A step of 30,000 kernels has as many remarks.
class Remarks {
public:
  explicit Remarks(const std::vector<std::string>& remarks) {
    for (const std::string& remark : remarks) // "k0: …"
      if (const size_t end = remark.find(": "); end != std::string::npos) {
        std::vector<std::string>& own = of_[remark.substr(0, end)];
        if (std::string words = remark.substr(end + 2); std::ranges::find(own, words) == own.end())
          own.push_back(std::move(words));
      }
  }

  const std::vector<std::string>& of(const std::string& kernel) const {
    static const std::vector<std::string> nothing;
    const auto own = of_.find(kernel);
    return own == of_.end() ? nothing : own->second;
  }

private:
  std::unordered_map<std::string, std::vector<std::string>> of_;
};

/// Of a kernel and the parts that threads made of it. Kernels that are the same are scheduled once.
std::vector<std::string> schedule_of(const Remarks& remarks, const loop::Program& planned,
                                     const KernelFacts& facts) {
  std::vector<std::string> schedule = remarks.of(facts.name);
  for (size_t k : facts.parts) {
    const loop::Kernel& part = planned.kernels[k];
    const std::string mark = part.name == facts.name ? "" : part.name + ": ";
    if (part.same_as != loop::none)
      schedule.push_back(fmt::format("{}as {}, which is the same but for its arrays", mark,
                                     planned.kernels[part.same_as].name));
    else if (!mark.empty())
      for (const std::string& words : remarks.of(part.name))
        schedule.push_back(mark + words);
  }
  return schedule;
}

constexpr double coarsest_tick = 10e-9; ///< of a clock

/// What the clock shows of the same thing timed again and again, without the times that others
/// took from it. What takes 13 ns reads as 10 or 20 on a clock that ticks every 10 ns, and only the
/// mean of both is right. What only one reading in a hundred stays below is left to chance.
double least_mean(std::vector<double> seconds) {
  constexpr double rounding = 1e-9;
  std::ranges::sort(seconds);
  const double most = seconds[seconds.size() / 100] + coarsest_tick + rounding;
  const auto end = std::ranges::upper_bound(seconds, most);
  return std::accumulate(seconds.begin(), end, 0.0) / static_cast<double>(end - seconds.begin());
}

/// Seconds of each call of a step; no less than what the mean of so many readings can tell.
std::vector<double> time_calls(Frame& frame) {
  constexpr size_t most_runs = 2000, wanted_runs = 50, least_runs = 5;
  constexpr double long_enough = 0.2, too_long = 2; // for wanted_runs of a large step
  std::vector<std::vector<double>> calls;
  std::vector<double> clock; // what reading it takes, which is more than many a kernel
  const double begin_of_all = seconds_now(Clock::wall);
  const auto goes_on = [&](size_t run) {
    const double passed = seconds_now(Clock::wall) - begin_of_all;
    return run < least_runs || (run < wanted_runs && passed < too_long) ||
           (run < most_runs && passed < long_enough);
  };
  for (size_t run = 0; goes_on(run); ++run) {
    const std::vector<double> seconds = frame.time_calls();
    calls.resize(seconds.size());
    for (size_t k = 0; k < seconds.size(); ++k)
      calls[k].push_back(seconds[k]);
    const auto begin = std::chrono::steady_clock::now();
    clock.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  const double least = coarsest_tick / std::sqrt(static_cast<double>(clock.size()));
  std::vector<double> means;
  for (const std::vector<double>& seconds : calls)
    means.push_back(std::max(least_mean(seconds) - least_mean(clock), least));
  return means;
}

/// Seconds of each kernel of several: call by call.
std::vector<double> time_kernels(const Compilation& c, std::span<const Array> inputs,
                                 State& state) {
  const Signature& s = c.work.signature();
  Frame frame(c.executable);
  for (uint32_t i = 0; i < inputs.size(); ++i)
    frame.set_input(i, inputs[i].bytes());
  for (uint32_t i = 0; i < s.states.size(); ++i)
    frame.set_state(i, const_cast<void*>(state.view(s.states[i].name).data));
  for (uint32_t i = 0; i < s.scalars.size(); ++i)
    frame.set_scalar(i, is_rate(s.scalars[i].name)    ? 0
                        : s.scalars[i].name == "step" ? 1
                                                      : s.scalars[i].initial);
  return time_calls(frame);
}

/// Gives what is compiled already.
struct Compiled : StepCompiler {
  explicit Compiled(std::shared_ptr<const Executable> code) : code(std::move(code)) {}
  std::shared_ptr<const Executable> compile(int64_t) override { return code; }
  std::shared_ptr<const Executable> code;
};

/// Seconds of a step as a program calls it, many of them between two looks at the clock.
double time_step(const Compilation& c, std::span<const Array> inputs, State& state) {
  const Signature& s = c.work.signature();
  StepFunction step(state, std::make_shared<Compiled>(c.executable), s.batch);
  start_threads(step);
  bind_at_rest(step, s, inputs);
  const auto taken =
      race({[&] { step.run(); }}, 0.2, c.executable->threads() == 1 ? Clock::process : Clock::wall);
  return std::ranges::min(taken[0]);
}

/// Seconds of each kernel, at best. A step of one is timed whole, which a clock can do better.
std::vector<double> measure(const Subject& subject, const Work& work, const Compilation& c) {
  const std::vector<Array> inputs = first_batch(work.signature(), some_rows(subject, work, 1));
  State state = subject.initial_state(0);
  if (c.executable->launches() == 1)
    return {time_step(c, inputs, state)};
  return time_kernels(c, inputs, state);
}

/// One word in front of each line.
std::string listed(const char* word, const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines)
    text += fmt::format("  {:<11}{}\n", &line == lines.data() ? word : "", line);
  return text;
}

std::string heading(const Subject& subject, const Signature& signature, int threads, int asked,
                    const Limits& limits) {
  std::string text =
      fmt::format("{}, {} step, {}, {}: at most {}\n", subject.name(), signature.step,
                  counted(signature.batch, "row"), counted(threads, "thread"), words(limits));
  text +=
      fmt::format("limit: the longer of a kernel's operations and its bytes at these rates, {} of "
                  "them as if the second cache had them already; above 100 % they came from "
                  "the first cache, or others slowed the machine while it was measured\n",
                  amount(static_cast<double>(limits.cache_bytes), "B"));
  if (threads < asked)
    text +=
        threads == 1
            ? fmt::format("{} threads were asked for, one does it all: no loop that divides among "
                          "them has the work that pays for meeting\n",
                          asked)
            : fmt::format("{} threads were asked for, {} share it: its loops divide into no more "
                          "pieces\n",
                          asked, threads);
  return text;
}

/// All that is said of a kernel.
std::string block(const KernelFacts& facts, const std::vector<std::string>& schedule,
                  const std::vector<std::string>& behind, const std::vector<std::string>& parts,
                  double seconds, const Least& least) {
  std::string text = fmt::format("\n{} \"{}\"\n", facts.name, facts.title);
  for (const auto& [place, source] : facts.lines)
    text += source.empty() ? fmt::format("  {}\n", place)
                           : fmt::format("  {:<24}  {}\n", place, source);
  text += listed("fused", facts.fused);
  text += listed("loops", facts.loops);
  text += listed("order", facts.order);
  text += fmt::format("  ends       {}\n", facts.reason);
  text += listed("schedule", schedule);
  if (!behind.empty())
    text += fmt::format("  barrier    behind {}: another thread touches what it writes\n",
                        fmt::join(behind, ", "));
  text += fmt::format("  work       {}, reads {}, writes {}\n", amount(facts.work.operations, "op"),
                      amount(facts.work.read, "B"), amount(facts.work.written, "B"));
  if (!facts.own.names.empty())
    text += fmt::format("  scratch    {}\n", words(facts.own));
  text += fmt::format("  predicted  {}, by {}\n", duration(least.seconds),
                      least.by_operations ? "operations" : "bytes");
  text += fmt::format("  measured   {}{}, {:.0f} % of the limit\n", duration(seconds),
                      facts.parts.size() == 1 ? "" : fmt::format(" ({})", fmt::join(parts, ", ")),
                      100 * least.seconds / seconds);
  return text;
}

/// One line for all kernels that are the same as one.
std::string of_the_same(const std::vector<KernelFacts>& all, const SameKernels& same,
                        const Limits& limits, const std::vector<double>& measured) {
  if (same.others.empty())
    return "";
  double predicted = 0, seconds = 0;
  for (const size_t f : same.others) {
    predicted += least_time(all[f].work, limits).seconds;
    for (const size_t k : all[f].parts)
      seconds += measured[k];
  }
  return fmt::format("  the same   {}, but for {} arrays: measured {} in all, {:.0f} % of the "
                     "limit{}\n",
                     ranges(all, same.others), same.others.size() == 1 ? "its" : "their",
                     duration(seconds), 100 * predicted / seconds,
                     same.lines.empty() ? ""
                                        : fmt::format("; lines {}", fmt::join(same.lines, ", ")));
}

/// True where threads share a loop of the kernel.
bool is_shared(const loop::Program& program, const KernelFacts& facts) {
  bool found = false;
  for (size_t k : facts.parts)
    loop::for_each(program.kernels[k].body, [&](const loop::Statement& s) {
      found |= s.kind == loop::StatementKind::For && s.loop_kind == loop::LoopKind::parallel;
    });
  return found;
}

void explain(ExplainArguments a, Tool& tool) {
  Subject subject(a.model, tool);
  const StepKind kind = subject.main_step();
  a.compile.training = kind == StepKind::training;
  Work work = subject.work(kind, a.model.batch, a.outputs);
  BeforeSchedule before;
  a.compile.observer = &before;
  Compilation c = compile(work, a.compile);
  const loop::Program& program = c.work.program;
  const std::vector<double> measured = measure(subject, work, c);
  const int threads = c.executable->threads();
  const Limits of_one = measure_limits(a.compile), limits = of_one.of(threads);
  TextFolder sources(subject.folder());
  const std::vector<bool> meet =
      threads > 1 ? meetings(program) : std::vector<bool>(program.kernels.size(), false);

  Json json = {{"model", subject.name()},
               {"step", work.signature().step},
               {"threads", threads},
               {"limits", to_json(limits)},
               {"arena_bytes", program.arena_bytes},
               {"live_bytes", live_peak(program).bytes},
               {"kernels", Json::array()}};
  std::string text = heading(subject, work.signature(), threads, a.compile.threads, limits);
  text += arena_words(program) + "\n";
  for (const std::string& remark : c.remarks)
    if (remark.starts_with("update of "))
      text += remark + "\n";
  const std::vector<KernelFacts> all = facts_of(program, before, sources);
  const std::vector<SameKernels> same = same_kernels(all, program);
  const Remarks remarks(c.remarks);
  double predicted = 0, taken = 0;
  for (size_t f = 0; f < all.size(); ++f) {
    const KernelFacts& facts = all[f];
    std::vector<std::string> schedule = schedule_of(remarks, program, facts), parts, behind;
    Json times = Json::object();
    double seconds = 0;
    for (size_t k : facts.parts) {
      const std::string& name = program.kernels[k].name;
      seconds += measured[k];
      times[name] = measured[k];
      parts.push_back(fmt::format("{} {}", name, duration(measured[k])));
      if (meet[k])
        behind.push_back(name);
    }
    const Limits& its = is_shared(program, facts) ? limits : of_one;
    const Least least = least_time(facts.work, its);
    predicted += least.seconds;
    taken += seconds;
    if (same[f].first == f)
      text += block(facts, schedule, behind, parts, seconds, least) +
              of_the_same(all, same[f], its, measured);
    if (!a.json) // of tens of thousands of kernels it is the most of the memory
      continue;
    Json places = Json::array();
    for (const auto& [place, source] : facts.lines)
      places.push_back(place);
    json["kernels"].push_back({{"name", facts.name},
                               {"title", facts.title},
                               {"lines", places},
                               {"fused", facts.fused},
                               {"loops", facts.loops},
                               {"order", facts.order},
                               {"reason", facts.reason},
                               {"schedule", schedule},
                               {"threads_meet", behind},
                               {"operations", facts.work.operations},
                               {"bytes", facts.work.bytes()},
                               {"bytes_beside", facts.own.bytes},
                               {"predicted", least.seconds},
                               {"measured", seconds},
                               {"parts", times}});
  }
  text += fmt::format("\nall of the step: predicted {}, measured {}, {:.0f} % of the limit\n",
                      duration(predicted), duration(taken), 100 * predicted / taken);
  write_output(a.json ? json_text(json) : text);
}

} // namespace

void add_explain(CLI::App& app, Tool& tool) {
  CLI::App* command = app.add_subcommand(
      "explain", "Each kernel of a step: the lines it computes, why its nodes are in it and why it "
                 "ends where it does, its loops, its schedule with the reasons, its work, and its "
                 "time beside what the machine can do; and the memory of all.\n\n"
                 "  gdjit explain 06_softmax_classification\n"
                 "  gdjit explain my_model.cpp --dtype f64 --json");
  auto a = std::make_shared<ExplainArguments>();
  a->model.add_to(*command);
  add_outputs(*command, a->outputs);
  command->add_flag("--json", a->json, "as JSON, times in seconds");
  add_compile_options(*command, a->compile);
  command->callback([a, &tool] { explain(*a, tool); });
}

} // namespace gdjit::tool
