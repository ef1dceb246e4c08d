// What Grouping decided, in words. Apart from fuse, since only who asks should pay for them.
#include "gdjit/Lowering/Fuse.h"

#include "Grouping.h"

#include "gdjit/Support/Error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

namespace gdjit {

namespace {

using lowering::Why;

constexpr size_t most_named = 4; ///< nodes of a line

/// Which nodes a reason in words is for: of a decision, and of those some.
enum class Of : uint8_t { all, contractions, updates, reductions };

struct Reason {
  Why why;
  Of of;
  std::string_view one, several; ///< for one node, and for several
};

/// In the order in which they are told.
constexpr Reason reasons[] = {
    {Why::begins, Of::contractions,
     "begins it: a contraction keeps its loops, so that they can be tiled", ""},
    {Why::begins, Of::all, "begins it: no kernel that it reads from runs over its elements", ""},
    {Why::source, Of::all,
     "begins it: it reads nothing that a kernel computes, but rows of its own", ""},
    {Why::number, Of::all,
     "is a single number that several read, or that takes long: it comes first",
     "are single numbers that several read, or that take long: they come first"},
    {Why::elements, Of::all, "works on it element by element", "work on it element by element"},
    {Why::elements, Of::reductions, "reduces what the kernel computes",
     "reduce what the kernel computes"},
    {Why::elements, Of::updates,
     "is done where the gradient is computed, which need not be stored for it",
     "are done where the gradients are computed, which need not be stored for them"},
    {Why::reader, Of::all, "reads nothing that a kernel computes: done where it is first read",
     "read nothing that a kernel computes: done where they are first read"},
    {Why::kept, Of::all, "reads what is kept for later kernels: done where it is first read",
     "read what is kept for later kernels: done where they are first read"},
    {Why::rows, Of::all, "looks up rows that the kernel runs over in any case",
     "look up rows that the kernel runs over in any case"},
    {Why::long_kernel, Of::all, "would make the kernel that it reads from too long",
     "would make the kernels that they read from too long"},
    {Why::late, Of::all, "waits for the last read of its state",
     "wait for the last read of their states"},
    {Why::outside, Of::all, "is read by the outside alone, and reads no kernel",
     "are read by the outside alone, and read no kernel"},
};

/// Nodes that are in a kernel for one reason.
struct Line {
  std::vector<std::string> nodes; ///< the first of them
  size_t count = 0;

  void add(std::string node) {
    if (count++ < most_named)
      nodes.push_back(std::move(node));
  }
  std::string text(const Reason& reason) const {
    return fmt::format("{}{} {}", fmt::join(nodes, ", "),
                       count > nodes.size() ? fmt::format(", … ({} in all)", count) : "",
                       count == 1 ? reason.one : reason.several);
  }
};

/// The one that is for fewest nodes beside this one.
const Reason* reason_of(Why why, OpKind kind, bool updates) {
  if (why == Why::source && kind == OpKind::Contraction)
    why = Why::begins;
  const Of by_kind = kind == OpKind::Contraction ? Of::contractions
                     : kind == OpKind::Reduction ? Of::reductions
                                                 : Of::all;
  const Reason* found = nullptr;
  for (const Of of : {Of::all, by_kind, updates ? Of::updates : by_kind})
    for (const Reason& reason : reasons)
      if (reason.why == why && reason.of == of)
        found = &reason;
  GDJIT_CHECK(found !=
              nullptr); // of each decision but to map and to fuse all, there is one for all
  return found;
}

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

  std::vector<std::map<const Reason*, Line>> lines(partition.kernels.size());
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
    lines[k][reason_of(grouping.why()[n], kind, updates)].add(
        updates ? "update of " + state->second
                : fmt::format("%{} ({})", own.empty() ? std::to_string(place) : own,
                              name(graph.op(n))));
  }
  std::vector<std::vector<std::string>> result(lines.size());
  for (size_t k = 0; k < lines.size(); ++k)
    for (const auto& [reason, line] : lines[k])
      result[k].push_back(line.text(*reason));
  if (in_whole > 0) {
    std::string why =
        fmt::format("all {} nodes: their {} statements ", in_whole, grouping.statements());
    if (grouping.rows_are_lanes())
      why +=
          fmt::format("are at most {}, and narrow layers are one loop over their rows, which are "
                      "its lanes, however many",
                      lowering::kernel_operations);
    else
      why += fmt::format("and {:.0f} operations are at most {} and {}", grouping.work(),
                         lowering::kernel_operations, lowering::whole_step_work);
    result[0].push_back(std::move(why));
  }
  return result;
}

} // namespace gdjit
