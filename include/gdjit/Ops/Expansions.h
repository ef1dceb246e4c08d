// Expansions: the scalar programs of a graph's nodes, made once per op, types and attributes.
#pragma once

#include "gdjit/Ops/Op.h"

#include <deque>
#include <unordered_map>

namespace gdjit {

class Expansions {
public:
  explicit Expansions(const Graph& graph) : graph_(graph) {}

  /// The expansion of a Pointwise node or of a Source that is computed; stays where it is.
  const loop::ScalarProgram& of(NodeId n);

private:
  bool same(NodeId a, NodeId b) const;

  struct Known {
    NodeId node;
    loop::ScalarProgram program;
  };
  const Graph& graph_;
  std::unordered_map<uint64_t, std::deque<Known>> known_; ///< by hash
};

} // namespace gdjit
