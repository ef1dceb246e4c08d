// Expansions by what determines them.
#include "gdjit/Ops/Expansions.h"

#include "gdjit/Support/Hash.h"

namespace gdjit {

bool Expansions::same(NodeId a, NodeId b) const {
  if (graph_.op(a) != graph_.op(b) || graph_.type(a).dtype != graph_.type(b).dtype ||
      graph_.operands(a).size() != graph_.operands(b).size())
    return false;
  if (!is_draw(graph_, a) && !(graph_.attributes(a) == graph_.attributes(b)))
    return false;
  for (size_t i = 0; i < graph_.operands(a).size(); ++i)
    if (graph_.type(graph_.operands(a)[i]).dtype != graph_.type(graph_.operands(b)[i]).dtype)
      return false;
  return true;
}

const loop::ScalarProgram& Expansions::of(NodeId n) {
  uint64_t key =
      combine(static_cast<uint64_t>(graph_.op(n)), static_cast<uint64_t>(graph_.type(n).dtype));
  if (!is_draw(graph_, n)) // what a draw sees of them, its stream, is a parameter
    key = combine(key, graph_.attributes(n).hash());
  for (Value v : graph_.operands(n))
    key = combine(key, static_cast<uint64_t>(graph_.type(v).dtype));
  std::deque<Known>& known = known_[key];
  for (const Known& k : known)
    if (same(k.node, n))
      return k.program;
  return known.emplace_back(n, expansion(graph_, n)).program;
}

} // namespace gdjit
