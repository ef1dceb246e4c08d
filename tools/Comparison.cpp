#include "Comparison.h"

#include "Figures.h"

#include <algorithm>
#include <queue>

namespace gdjit::tool {

namespace {

/// Nodes that depend on one of those for which `begins` holds.
template <class Begins> std::vector<bool> depending(const Graph& g, Begins begins) {
  std::vector<bool> depends(g.size());
  for (NodeId n = 0; n < g.size(); ++n) {
    depends[n] = begins(n);
    for (Value v : g.operands(n))
      depends[n] = depends[n] || depends[v.node];
  }
  return depends;
}

std::vector<bool> read_by_losses(const Step& step) {
  const Graph& g = step.graph;
  std::vector<bool> read(g.size());
  for (size_t k = 0; k < step.outputs.size(); ++k)
    if (is_loss(step.signature.outputs[k].name))
      read[step.outputs[k].node] = true;
  for (NodeId n = g.size(); n-- > 0;)
    for (Value v : g.operands(n))
      read[v.node] = read[v.node] || read[n];
  return read;
}

} // namespace

Work comparable(Work evaluation) {
  if (!evaluation.is_graph())
    return evaluation;
  CompileOptions options;
  options.training = false;
  options.last = std::max(Stage::Simplified, evaluation.stage);
  return compile(std::move(evaluation), options).work;
}

bool Comparison::takes_logits(const Step& step, size_t k) const {
  return distances[k] == 0 && !subtracts && step.graph.op(step.outputs[k].node) != Opcode::Sigmoid;
}

Comparison find_comparison(const Step& step, const std::string& target,
                           std::span<const std::string> given) {
  const Graph& g = step.graph;
  auto input = [&](NodeId n) {
    return g.op(n) == Opcode::Input
               ? step.signature.inputs[static_cast<size_t>(g.attributes(n).integer(Attr::index))]
                     .name
               : std::string();
  };
  const std::vector<bool> by_target = depending(g, [&](NodeId n) { return input(n) == target; });
  const std::vector<bool> by_others = depending(g, [&](NodeId n) {
    return g.op(n) == Opcode::Input && std::ranges::find(given, input(n)) == given.end();
  });
  const std::vector<bool> by_model =
      depending(g, [&](NodeId n) { return g.op(n) == Opcode::Input || g.op(n) == Opcode::State; });
  const std::vector<bool> in_loss = read_by_losses(step);
  // Inputs and states themselves lead from one head of a model to another.
  auto computed = [&](NodeId n) {
    return by_model[n] && !by_others[n] && kind(g.op(n)) != OpKind::Source;
  };

  auto is_target = [&](NodeId n) { // in whatever form
    while (kind(g.op(n)) == OpKind::Movement || g.op(n) == Opcode::Cast)
      n = g.operand(n, 0).node;
    return input(n) == target;
  };

  Comparison result;
  using Reached = std::pair<int, NodeId>;
  std::priority_queue<Reached, std::vector<Reached>, std::greater<>> next;
  std::vector<int> distance(g.size(), INT_MAX);
  auto reach = [&](NodeId n, int there) {
    if (!computed(n) || there >= distance[n])
      return;
    distance[n] = there;
    next.emplace(there, n);
  };
  std::vector<std::vector<NodeId>> users(g.size());
  for (NodeId n = 0; n < g.size(); ++n)
    for (Value v : g.operands(n)) {
      users[v.node].push_back(n);
      if (!in_loss[n] || !by_target[n])
        continue;
      reach(v.node, 0);
      result.subtracts |= g.op(n) == Opcode::Subtract && computed(v.node) &&
                          (is_target(g.operand(n, 0).node) || is_target(g.operand(n, 1).node));
    }
  while (!next.empty()) {
    auto [here, n] = next.top();
    next.pop();
    if (here > distance[n])
      continue;
    auto step_over = [&](NodeId user) { // the operation between the two
      return here + (kind(g.op(user)) == OpKind::Contraction ? contraction_distance : 1);
    };
    for (Value v : g.operands(n))
      reach(v.node, step_over(n));
    for (NodeId user : users[n])
      reach(user, step_over(user));
  }
  for (Value v : step.outputs)
    result.distances.push_back(distance[v.node]);
  return result;
}

} // namespace gdjit::tool
