// Which nodes wait for their first reader though they read what is computed: the derivative of
// tanh, from its result, is done where it is multiplied.
#include "Grouping.h"

#include <algorithm>

namespace gdjit::lowering {

void Grouping::find_kept() {
  std::vector<bool> otherwise(graph_.size(), false);
  std::vector<NodeId> place(graph_.size(), 0); // the node whose loops one joins
  for (NodeId n = 0; n < graph_.size(); ++n) {
    const OpKind k = kind(graph_.op(n));
    place[n] = k == OpKind::Pointwise || k == OpKind::Movement ? 0 : n;
    for (Value v : graph_.operands(n))
      place[n] = std::max(place[n], place[v.node]);
    for (Value v : graph_.operands(n)) {
      if (k == OpKind::Contraction)
        kept_until_[v.node] = n;
      otherwise[v.node] = otherwise[v.node] || k != OpKind::Pointwise ||
                          graph_.type(n).shape != graph_.type(v.node).shape;
      last_reader_[v.node] =
          last_reader_[v.node] == no_node ? place[n] : std::max(last_reader_[v.node], place[n]);
    }
  }
  for (const std::vector<Value>* results : {&step_.outputs, &step_.updates})
    for (Value v : *results)
      otherwise[v.node] = true;
  for (NodeId n = 0; n < graph_.size(); ++n)
    if (otherwise[n])
      last_reader_[n] = no_node;
}

bool Grouping::waits(NodeId n) {
  if (kind(graph_.op(n)) != OpKind::Pointwise || last_reader_[n] == no_node)
    return false;
  NodeId until = no_node;
  for (Value v : graph_.operands(n)) {
    NodeId source = v.node;
    while (cost_[source] == 0 && kind(graph_.op(source)) == OpKind::Movement)
      source = graph_.operand(source, 0).node;
    if (graph_.op(source) == Opcode::State)
      return false; // its update would wait, too, or not be in place
    if (cost_[v.node] > 0 && (numbers_ == Partition::no_kernel || kernel_[v.node] != numbers_))
      until = std::min(until, kept_until_[v.node]);
  }
  if (last_reader_[n] > until)
    return false;
  kept_until_[n] = until;
  return true;
}

} // namespace gdjit::lowering
