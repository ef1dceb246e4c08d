// What Grouping decided, in words. Apart from fuse, since only who asks should pay for them.
#include "gdjit/Lowering/Fuse.h"

#include "Grouping.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

namespace gdjit {

namespace {

using lowering::Why;

constexpr size_t most_named = 4; ///< nodes of a line

/// Nodes that are in a kernel for one reason.
struct Line {
  std::vector<std::string> nodes; ///< the first of them
  size_t count = 0;

  void add(std::string node) {
    if (count++ < most_named)
      nodes.push_back(std::move(node));
  }
  std::string text(std::pair<std::string_view, std::string_view> reason) const {
    return fmt::format("{}{} {}", fmt::join(nodes, ", "),
                       count > nodes.size() ? fmt::format(", … ({} in all)", count) : "",
                       count == 1 ? reason.first : reason.second);
  }
};

/// Reasons as they are told apart in words, in the order in which they are told.
enum class Said : uint8_t {
  contraction,
  begins,
  source,
  number,
  pointwise,
  reduction,
  update,
  reader,
  rows,
  long_kernel,
  late,
  outside
};

Said said(Why why, OpKind kind, bool updates) {
  switch (why) {
  case Why::begins:
  case Why::source:
    return kind == OpKind::Contraction ? Said::contraction
           : why == Why::begins        ? Said::begins
                                       : Said::source;
  case Why::number:
    return Said::number;
  case Why::reader:
    return Said::reader;
  case Why::rows:
    return Said::rows;
  case Why::long_kernel:
    return Said::long_kernel;
  case Why::late:
    return Said::late;
  case Why::outside:
    return Said::outside;
  default:
    return updates ? Said::update : kind == OpKind::Reduction ? Said::reduction : Said::pointwise;
  }
}

/// For one node, and for several.
constexpr std::pair<std::string_view, std::string_view> words[] = {
    {"begins it: a contraction keeps its loops, so that they can be tiled", ""},
    {"begins it: no kernel that it reads from runs over its elements", ""},
    {"begins it: it reads nothing that a kernel computes, but rows of its own", ""},
    {"is a single number that several read, or that takes long: it comes first",
     "are single numbers that several read, or that take long: they come first"},
    {"works on it element by element", "work on it element by element"},
    {"reduces rows as they are computed", "reduce rows as they are computed"},
    {"is done where the gradient is computed, which need not be stored for it",
     "are done where the gradients are computed, which need not be stored for them"},
    {"reads nothing that a kernel computes: done where it is first read",
     "read nothing that a kernel computes: done where they are first read"},
    {"looks up rows that the kernel runs over in any case",
     "look up rows that the kernel runs over in any case"},
    {"would make the kernel that it reads from too long",
     "would make the kernels that they read from too long"},
    {"waits for the last read of its state", "wait for the last read of their states"},
    {"is read by the outside alone, and reads no kernel",
     "are read by the outside alone, and read no kernel"},
};
static_assert(std::size(words) == static_cast<size_t>(Said::outside) + 1);

} // namespace

std::vector<std::vector<std::string>> why_fused(const Step& simplified) {
  lowering::Grouping grouping(simplified);
  const Partition partition = grouping.run();
  const Graph& graph = simplified.graph;
  const std::vector<NodeId> order = lowering::by_kernel(partition);
  std::map<NodeId, std::string> updated;
  for (size_t i = 0; i < simplified.updates.size(); ++i)
    updated[simplified.updates[i].node] =
        simplified.signature.states[simplified.signature.updates[i].state].name;

  std::vector<std::map<Said, Line>> lines(partition.kernels.size());
  size_t in_whole = 0;
  for (NodeId place = 0; place < order.size(); ++place) {
    const NodeId n = order[place];
    const uint32_t k = partition.kernel_of[n];
    const OpKind kind = gdjit::kind(graph.op(n));
    if (k == Partition::no_kernel || kind == OpKind::Movement)
      continue;
    if (grouping.why()[n] == Why::whole_step) {
      ++in_whole;
      continue;
    }
    const auto state = updated.find(n);
    const bool updates = state != updated.end();
    const std::string& own = graph.name(n);
    lines[k][said(grouping.why()[n], kind, updates)].add(
        updates ? "update of " + state->second
                : fmt::format("%{} ({})", own.empty() ? std::to_string(place) : own,
                              name(graph.op(n))));
  }
  std::vector<std::vector<std::string>> result(lines.size());
  for (size_t k = 0; k < lines.size(); ++k)
    for (const auto& [reason, line] : lines[k])
      result[k].push_back(line.text(words[static_cast<size_t>(reason)]));
  if (in_whole > 0)
    result[0].push_back(
        fmt::format("all {} nodes: their {} statements and {:.0f} operations are at most "
                    "{} and {}",
                    in_whole, grouping.statements(), grouping.work(), lowering::kernel_operations,
                    lowering::whole_step_work));
  return result;
}

} // namespace gdjit
