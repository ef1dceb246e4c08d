// gdjit explain: what each kernel of a step computes, why it is cut where it is, how it is
// scheduled, and how far it is from what the machine can do.
#include "Figures.h"
#include "KernelWork.h"
#include "Limits.h"
#include "Rows.h"

#include "gdjit/Driver/Compile.h"
#include "gdjit/Driver/TextFolder.h"
#include "gdjit/JIT/Executable.h"
#include "gdjit/Loop/KernelView.h"
#include "gdjit/Loop/Rewrite.h"
#include "gdjit/Memory/Meetings.h"

#include <algorithm>
#include <fmt/ranges.h>

namespace gdjit::tool {

namespace {

struct ExplainArguments {
  ModelArguments model;
  bool json = false;
  CompileOptions compile;
};

/// The user's lines that a kernel computes for, in their order, with their text where it is known.
std::vector<std::pair<std::string, std::string>>
lines_of(const loop::Program& program, const loop::Kernel& kernel, TextFolder& sources) {
  std::vector<SourceLocation> places;
  loop::for_each(kernel.body, [&](const loop::Statement& s) {
    const loop::Note* note = loop::find_note(program.notes, s.node);
    if (!note || !note->location.known())
      return;
    const bool fresh = std::none_of(places.begin(), places.end(), [&](const SourceLocation& p) {
      return p.file == note->location.file && p.line == note->location.line;
    });
    if (fresh)
      places.push_back(note->location);
  });
  std::stable_sort(places.begin(), places.end(), [](const auto& a, const auto& b) {
    return std::pair(std::string_view(a.file), a.line) <
           std::pair(std::string_view(b.file), b.line);
  });
  std::vector<std::pair<std::string, std::string>> lines;
  for (const SourceLocation& p : places)
    lines.emplace_back(fmt::format("{}:{}", p.file, p.line), sources.source(p));
  return lines;
}

/// What scheduling said of a kernel, "k0: …", of its parts too.
std::vector<std::string> schedule_of(const std::vector<std::string>& remarks,
                                     const std::string& kernel) {
  const std::string whole = kernel.substr(0, kernel.find('.'));
  std::vector<std::string> own;
  for (const std::string& remark : remarks)
    for (const std::string& name : {kernel, whole})
      if (remark.starts_with(name + ": ") &&
          (name == kernel || remark.find(" pieces ") != std::string::npos)) {
        if (std::string words = remark.substr(name.size() + 2);
            std::ranges::find(own, words) == own.end())
          own.push_back(std::move(words));
        break;
      }
  return own;
}

/// Seconds of each kernel: the least of many calls.
std::vector<double> time_kernels(const Subject& subject, const Work& work, Frame& frame,
                                 State& state) {
  const Signature& s = work.signature();
  std::vector<Array> inputs = first_batch(s, some_rows(subject, work, 1));
  for (uint32_t i = 0; i < inputs.size(); ++i)
    frame.set_input(i, inputs[i].bytes());
  for (uint32_t i = 0; i < s.states.size(); ++i)
    frame.set_state(i, const_cast<void*>(state.view(s.states[i].name).data));
  for (uint32_t i = 0; i < s.scalars.size(); ++i) {
    const bool rate = s.scalars[i].name == "lr" || s.scalars[i].name.ends_with("/lr");
    frame.set_scalar(i, rate ? 0 : s.scalars[i].name == "step" ? 1 : s.scalars[i].initial);
  }
  std::vector<double> best;
  for (int i = 0; i < 50; ++i) {
    std::vector<double> seconds = frame.time_calls();
    if (best.empty())
      best = seconds;
    for (size_t k = 0; k < seconds.size(); ++k)
      best[k] = std::min(best[k], seconds[k]);
  }
  return best;
}

void explain(ExplainArguments a, Tool& tool) {
  Subject subject(a.model, tool);
  const StepKind kind = subject.main_step();
  a.compile.training = kind == StepKind::training;
  Work work = subject.work(kind, a.model.batch);
  Compilation c = compile(work, a.compile);
  const loop::Program& program = c.work.program;
  State state = subject.initial_state(0);
  Frame frame(c.executable);
  const std::vector<double> measured = time_kernels(subject, work, frame, state);
  Limits limits = measure_limits(a.compile);
  limits.flops *= c.executable->threads();
  TextFolder sources(subject.folder());
  const std::vector<bool> meet = c.executable->threads() > 1
                                     ? meetings(program)
                                     : std::vector<bool>(program.kernels.size(), false);

  Json json = {
      {"model", subject.name()},
      {"step", work.signature().step},
      {"threads", c.executable->threads()},
      {"limits", {{"flops", limits.flops}, {"memory", limits.memory}, {"cache", limits.cache}}},
      {"kernels", Json::array()}};
  std::string text = fmt::format(
      "{}, {} step, {} rows, {} thread{}: at most {}, {} from memory, {} from the cache\n",
      subject.name(), work.signature().step, work.signature().batch, c.executable->threads(),
      c.executable->threads() == 1 ? "" : "s", amount(limits.flops, "op/s"),
      amount(limits.memory, "B/s"), amount(limits.cache, "B/s"));
  if (const int threads = c.executable->threads(); threads < a.compile.threads)
    text +=
        threads == 1
            ? fmt::format("{} threads were asked for, one does it all: no loop that divides among "
                          "them has the work that pays for meeting\n",
                          a.compile.threads)
            : fmt::format("{} threads were asked for, {} share it: its loops divide into no more "
                          "pieces\n",
                          a.compile.threads, threads);
  for (size_t k = 0; k < program.kernels.size(); ++k) {
    const loop::Kernel kernel = loop::written_out(program, program.kernels[k]);
    const KernelWork done = work_of(program, kernel);
    const double by_operations = done.operations / limits.flops,
                 by_bytes = limits.seconds_of_bytes(done.bytes);
    const double limit = std::max(by_operations, by_bytes);
    const auto lines = lines_of(program, kernel, sources);
    const auto schedule = schedule_of(c.remarks, kernel.name);
    text += fmt::format("\n{} \"{}\"\n", kernel.name, kernel.title);
    for (const auto& [place, source] : lines)
      text += fmt::format("  {:<24}{}{}\n", place, source.empty() ? "" : "  ", source);
    text += fmt::format("  ends       {}\n", kernel.reason);
    for (const std::string& remark : schedule)
      text += fmt::format("  schedule   {}\n", remark);
    if (meet[k])
      text += "  threads    meet behind it\n";
    text += fmt::format("  work       {}, {}\n", amount(done.operations, "op"),
                        amount(done.bytes, "B"));
    text += fmt::format("  predicted  {:.3g} us, by {}\n", limit * 1e6,
                        by_operations >= by_bytes ? "operations" : "bytes");
    text += fmt::format("  measured   {:.3g} us, {:.0f} % of the limit\n", measured[k] * 1e6,
                        100 * limit / measured[k]);
    Json places = Json::array();
    for (const auto& [place, source] : lines)
      places.push_back(place);
    json["kernels"].push_back({{"name", kernel.name},
                               {"title", kernel.title},
                               {"lines", places},
                               {"reason", kernel.reason},
                               {"schedule", schedule},
                               {"threads_meet", bool(meet[k])},
                               {"operations", done.operations},
                               {"bytes", done.bytes},
                               {"predicted", limit},
                               {"measured", measured[k]}});
  }
  write_output(a.json ? json_text(json) : text);
}

} // namespace

void add_explain(CLI::App& app, Tool& tool) {
  CLI::App* command = app.add_subcommand(
      "explain", "Each kernel of a step: the lines it computes, why it ends where it does, its "
                 "schedule, and its time beside what the machine can do.\n\n"
                 "  gdjit explain 06_softmax_classification\n"
                 "  gdjit explain my_model.cpp --dtype f64 --json");
  auto a = std::make_shared<ExplainArguments>();
  a->model.add_to(*command);
  command->add_flag("--json", a->json, "as JSON, times in seconds");
  add_compile_options(*command, a->compile);
  command->callback([a, &tool] { explain(*a, tool); });
}

} // namespace gdjit::tool
