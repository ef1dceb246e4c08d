// ReverseSweep: the adjoints of one loss, appended to the graph that computes it.
#pragma once

#include "gdjit/Ops/GraphBuilder.h"

#include <span>
#include <vector>

namespace gdjit {

/// Reusable over many losses of one growing graph; the cost of a sweep is that of what lies between
/// its loss and its targets, whatever the size of the graph.
class ReverseSweep {
public:
  /// `builder` appends the backward nodes; sharing, and blind to the forward nodes.
  explicit ReverseSweep(GraphBuilder& builder) : builder_(builder) {}

  /// Appends the adjoints of `loss` (rank 0, float), itself with the adjoint `of_loss`, with
  /// respect to `targets`. A path from a target through an op that is not differentiable is an
  /// Error naming the op, with its line.
  void run(Value loss, double of_loss, std::span<const Value> targets);

  /// The adjoint of a node of the last run; invalid where no derivative flows.
  Value adjoint(NodeId n) const { return visited(n) ? adjoint_[n] : Value{}; }
  /// Nodes that the last run visited, ascending.
  std::span<const NodeId> nodes() const { return nodes_; }

private:
  bool visited(NodeId n) const { return n < stamp_.size() && stamp_[n] == run_; }
  bool depends(NodeId n) const { return visited(n) && depends_[n]; }
  void visit(NodeId n);
  void collect(Value loss, NodeId first);
  void mark(std::span<const Value> targets);
  void propagate(NodeId n);
  Value kept_finite(NodeId n, Value contribution) const;
  [[noreturn]] void refuse(NodeId n) const;

  GraphBuilder& builder_;
  uint32_t run_ = 0;
  std::vector<NodeId> nodes_;
  // Per node, valid where stamp_ is run_.
  std::vector<uint32_t> stamp_;
  std::vector<bool> depends_; ///< on a target, by a way that carries a derivative
  std::vector<Value> adjoint_;
  std::vector<bool> in_branch_; ///< of a select or guard, perhaps not taken: the adjoint is 0 then
};

} // namespace gdjit
