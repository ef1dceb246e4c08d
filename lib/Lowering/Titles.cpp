// Titles of kernels: the words a reader knows their work by.
#include "Grouping.h"

#include <algorithm>

namespace gdjit::lowering {

namespace {

constexpr size_t most_parts = 5;
/// Pointwise nodes of fewer operations (arithmetic, comparisons) go unnamed.
constexpr size_t worth_naming = 8;

class Namer {
public:
  explicit Namer(const Step& step) : step_(step), graph_(step.graph), expansions_(step.graph) {}

  /// The word for a value: its name, else what it is.
  std::string word(Value v) const {
    while (graph_.name(v.node).empty() && kind(graph_.op(v.node)) == OpKind::Movement)
      v = graph_.operand(v.node, 0);
    if (const std::string& name = graph_.name(v.node); !name.empty())
      return name;
    if (const std::string* row = row_name(step_.signature, graph_, v.node))
      return *row;
    return std::string(name(graph_.op(v.node)));
  }

  /// The part of the title that a node adds to `parts`, the last of which it may extend.
  void add(NodeId n, std::vector<std::string>& parts, NodeId& last_product) {
    const std::string& own = graph_.name(n);
    OpKind k = kind(graph_.op(n));
    if (k == OpKind::Contraction) {
      parts.push_back(own.empty() ? word(graph_.operand(n, 0)) + "·" + word(graph_.operand(n, 1))
                                  : own);
      last_product = n;
    } else if (k == OpKind::Pointwise && last_product != no_node && is_sum_with(n, last_product)) {
      Value other = graph_.operand(n, graph_.operand(n, 0).node == last_product ? 1 : 0);
      parts.back() += "+" + word(other);
      last_product = no_node;
      if (!own.empty())
        parts.push_back(own);
    } else if (!own.empty()) {
      parts.push_back(own);
    } else if (k == OpKind::Reduction || k == OpKind::Indexing ||
               ((k == OpKind::Pointwise || k == OpKind::Source) && !is_argument(graph_, n) &&
                !is_literal(graph_, n) && expansions_.of(n).instructions.size() >= worth_naming)) {
      parts.push_back(std::string(name(graph_.op(n))));
    }
  }

private:
  bool is_sum_with(NodeId n, NodeId product) {
    const loop::ScalarProgram& program = expansions_.of(n);
    return graph_.operands(n).size() == 2 && program.instructions.size() == 1 &&
           program.instructions[0].op == loop::ScalarOp::add &&
           (graph_.operand(n, 0).node == product || graph_.operand(n, 1).node == product);
  }

  const Step& step_;
  const Graph& graph_;
  Expansions expansions_;
};

std::string joined(const std::vector<std::string>& parts) {
  std::string title;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i == most_parts)
      return title + ", …";
    title += (i > 0 ? ", " : "") + parts[i];
  }
  return title;
}

} // namespace

std::vector<std::string> titles(const Step& step, const Partition& partition) {
  struct Title {
    std::vector<std::string> parts;
    NodeId last_product = no_node;
    std::vector<Opcode> ops; ///< what is said where nothing is worth naming
  };
  std::vector<Title> titles(partition.kernels.size());
  Namer namer(step);
  for (NodeId n = 0; n < step.graph.size(); ++n) {
    if (partition.kernel_of[n] == Partition::no_kernel)
      continue;
    Title& title = titles[partition.kernel_of[n]];
    if (title.parts.size() <= most_parts)
      namer.add(n, title.parts, title.last_product);
    const Opcode op = step.graph.op(n);
    if (title.ops.size() <= most_parts && kind(op) != OpKind::Movement &&
        (title.ops.empty() || title.ops.back() != op))
      title.ops.push_back(op);
    // Repeated words say no more.
    if (title.parts.size() > 1 && title.parts.back() == title.parts[title.parts.size() - 2])
      title.parts.pop_back();
  }
  std::vector<std::vector<std::string>> updated(titles.size());
  for (size_t i = 0; i < step.updates.size(); ++i)
    if (uint32_t k = partition.kernel_of[step.updates[i].node]; k != Partition::no_kernel)
      updated[k].push_back(step.signature.states[step.signature.updates[i].state].name);
  std::vector<std::string> result;
  for (size_t k = 0; k < titles.size(); ++k) {
    if (!updated[k].empty()) {
      std::vector<std::string>& parts = titles[k].parts;
      if (parts.size() >= most_parts) {
        parts.resize(most_parts - 2);
        parts.push_back("…");
      }
      parts.push_back("update of " + joined(updated[k]));
    }
    if (titles[k].parts.empty())
      for (Opcode op : titles[k].ops)
        titles[k].parts.emplace_back(name(op));
    result.push_back(joined(titles[k].parts));
  }
  return result;
}

} // namespace gdjit::lowering
