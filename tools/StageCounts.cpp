// What is counted of graphs, of loops, and of texts behind them.
#include "StageCounts.h"

#include "KernelWork.h"

#include "gdjit/Loop/KernelView.h"
#include "gdjit/Memory/LivePeak.h"

#include <fmt/format.h>
#include <vector>

namespace gdjit::tool {

std::string arena_words(const loop::Program& planned) {
  const LivePeak peak = live_peak(planned);
  if (peak.buffers == 0)
    return "no arena: nothing lies between inputs, states and updates";
  const auto arena = static_cast<double>(planned.arena_bytes);
  return fmt::format(
      "arena of {}, {:.2f} times the {} that are live at once in {}; {} of {} share it",
      amount(arena, "B"), arena / static_cast<double>(peak.bytes),
      amount(static_cast<double>(peak.bytes), "B"), planned.kernels[peak.kernel].name,
      counted(peak.buffers, "buffer"), amount(static_cast<double>(peak.all), "B"));
}

std::string counts(const Compilation& c) {
  Stage stage = c.options.last;
  auto lines_with = [](const std::string& text, std::string_view what) {
    int64_t n = 0;
    for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
      ++n;
    return n;
  };
  if (stage <= Stage::Fused) {
    const Step& step = c.work.step;
    int parts[3] = {};
    for (NodeId n = 0; n < step.graph.size(); ++n)
      ++parts[static_cast<int>(step.graph.origin(n).part)];
    std::string text = fmt::format("{} nodes: {} forward, {} backward, {} update",
                                   step.graph.size(), parts[0], parts[1], parts[2]);
    return stage == Stage::Fused
               ? fmt::format("{} in {}", text, counted(step.partition.kernels.size(), "kernel"))
               : text;
  }
  if (stage <= Stage::Planned) {
    const loop::Program& p = c.work.program;
    int64_t loops = 0, statements = 0;
    std::vector<const std::vector<loop::Statement>*> open;
    for (const loop::Kernel& k : p.kernels)
      open.push_back(&loop::holder(p, k).body);
    while (!open.empty()) {
      const std::vector<loop::Statement>* body = open.back();
      open.pop_back();
      for (const loop::Statement& s : *body) {
        ++statements;
        loops += s.kind == loop::StatementKind::For;
        if (!s.body.empty())
          open.push_back(&s.body);
      }
    }
    std::string text =
        fmt::format("{}, {}, {}, {}", counted(p.kernels.size(), "kernel"), counted(loops, "loop"),
                    counted(statements, "statement"), counted(p.buffers.size(), "buffer"));
    return stage == Stage::Planned ? fmt::format("{}, {}", text, arena_words(p)) : text;
  }
  std::string text = print(c);
  return stage == Stage::Object
             ? fmt::format("{} lines of assembly", lines_with(text, "\n"))
             : fmt::format("{}, {}", counted(lines_with(text, "\ndefine "), "function"),
                           counted(lines_with(text, "\n"), "line"));
}

} // namespace gdjit::tool
