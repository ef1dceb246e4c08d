// Rebuild: how a graph pass walks an old step and builds a new one.
//
//     Rebuild rebuild(std::move(step), Sharing::shared);
//     for (NodeId n = 0; n < rebuild.old().size(); ++n)
//       rebuild.copy(n);                            // or rebuild.replace(n, something else)
//     return std::move(rebuild).finish();
#pragma once

#include "gdjit/Ops/GraphBuilder.h"

namespace gdjit {

class Rebuild {
public:
  /// The signature of `old` becomes that of the new step.
  Rebuild(Step old, Sharing sharing);
  Rebuild(const Rebuild&) = delete;
  Rebuild& operator=(const Rebuild&) = delete;

  const Graph& old() const { return old_.graph; }
  Graph& graph() { return fresh_.graph; }
  const Graph& graph() const { return fresh_.graph; }
  GraphBuilder& builder() { return builder_; }

  /// What an old value has become; invalid where its node was left out so far.
  Value operator[](Value old) const { return map_[old.node]; }
  /// What the operands of old node n have become; valid until the next call.
  std::span<const Value> operands(NodeId n);

  /// Makes origin and part of old node n those of the nodes appended next.
  void stand_at(NodeId n) { builder_.set_origin(old_.graph.origin(n)); }
  /// Appends old node n over what its operands have become, with its origin and name.
  Value copy(NodeId n);
  /// Lets old node n be `v`, which takes over its name where it has none.
  void replace(NodeId n, Value v);

  /// The new step, its outputs and updates mapped. The rebuild is over.
  Step finish() &&;

private:
  Step old_; ///< without its signature
  Step fresh_;
  GraphBuilder builder_;
  std::vector<Value> map_; ///< per old node; nodes have one result
  std::vector<Value> operands_;
};

} // namespace gdjit
