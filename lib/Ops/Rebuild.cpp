// Rebuild: mapping, names and origins in one place, so that a pass says only what it changes.
#include "gdjit/Ops/Rebuild.h"

namespace gdjit {

namespace {
Step begun(Step& old) {
  Step fresh;
  fresh.signature = std::move(old.signature);
  fresh.stage = old.stage;
  fresh.graph.share_files(old.graph);
  fresh.graph.reserve_like(old.graph);
  return fresh;
}
} // namespace

Rebuild::Rebuild(Step old, Sharing sharing)
    : old_(std::move(old)), fresh_(begun(old_)), builder_(fresh_.graph, fresh_.signature, sharing),
      map_(old_.graph.size()) {}

std::span<const Value> Rebuild::operands(NodeId n) {
  operands_.clear();
  for (Value v : old_.graph.operands(n)) {
    GDJIT_CHECK(v.result == 0 && map_[v.node].valid());
    operands_.push_back(map_[v.node]);
  }
  return operands_;
}

Value Rebuild::copy(NodeId n) {
  stand_at(n);
  Value v = builder_.append_copy(old_.graph, n, operands(n));
  replace(n, v);
  return v;
}

void Rebuild::replace(NodeId n, Value v) {
  map_[n] = v;
  const std::string& name = old_.graph.name(n);
  if (!name.empty() && fresh_.graph.name(v.node).empty())
    fresh_.graph.set_name(v.node, name);
}

Step Rebuild::finish() && {
  for (Value v : old_.outputs)
    fresh_.outputs.push_back(map_[v.node]);
  for (Value v : old_.updates)
    fresh_.updates.push_back(map_[v.node]);
  return std::move(fresh_);
}

} // namespace gdjit
