// Which nodes wait for their first reader though they read what is computed: the derivative of
// tanh, from its result, is done where it is multiplied, and what dropout leaves of the result
// where the mask is drawn.
#include "Grouping.h"

#include <algorithm>
#include <utility>

namespace gdjit::lowering {

void Grouping::find_kept() {
  std::vector<bool> otherwise(graph_.size(), false);
  std::vector<NodeId> place(graph_.size(), 0); // the node whose loops one joins
  for (NodeId n = 0; n < graph_.size(); ++n) {
    const OpKind k = kind(graph_.op(n));
    place[n] = k == OpKind::Pointwise || cost_[n] == 0 || k == OpKind::Movement ? 0 : n;
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
  std::vector<bool> result(graph_.size(), false);
  for (Value v : step_.outputs)
    otherwise[v.node] = result[v.node] = true;
  for (Value v : step_.updates)
    otherwise[v.node] = true;
  for (NodeId n = 0; n < graph_.size(); ++n)
    if (otherwise[n])
      last_reader_[n] = no_node;
  keep_for_readers(place, std::move(result));
}

/// What later kernels read and what follows from one result alone need not be stored: the result is
/// kept in its place, if it is kept anyway, or in the place of several, until the last of those
/// reads.
void Grouping::keep_for_readers(const std::vector<NodeId>& place, std::vector<bool> kept) {
  std::vector<bool> stays(graph_.size(), false);     // its own kernel needs it
  std::vector<NodeId> first(graph_.size(), no_node); // of the later places that need it
  std::vector<NodeId> last(graph_.size(), 0);
  std::vector<uint8_t> followers(graph_.size(), 0); // that could wait, if it is kept
  for (NodeId n = graph_.size(); n-- > 0;) {
    const TensorType& type = graph_.type(n);
    const bool leaves = kind(graph_.op(n)) == OpKind::Pointwise && last_reader_[n] != no_node &&
                        !stays[n] && first[n] == last[n] && type.elements() > 1;
    if (followers[n] > 1 || (followers[n] == 1 && kept[n]))
      kept_until_[n] = std::max(kept_until_[n], last[n]);
    NodeId source = no_node; // the only one that is computed
    for (Value v : graph_.operands(n))
      if (cost_[v.node] > 0 && v.node != source)
        source = source == no_node ? v.node : n;
    const bool follows = leaves && source < n && graph_.type(source).shape == type.shape &&
                         byte_size(graph_.type(source).dtype) <= byte_size(type.dtype);
    if (follows && place[source] == place[n] && followers[source] < 2)
      ++followers[source];
    for (Value v : graph_.operands(n)) {
      const bool crosses = place[n] != place[v.node];
      if (crosses) {
        kept[v.node] = true;
      } else if (!follows || v.node != source) {
        stays[v.node] = true;
        continue;
      }
      first[v.node] = std::min(first[v.node], crosses ? place[n] : first[n]);
      last[v.node] = std::max(last[v.node], crosses ? place[n] : last[n]);
    }
  }
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
