// simplify: walks the graph once; what a rule appends is simplified in turn before anything uses
// it.
#include "gdjit/Transforms/Simplify.h"

#include "gdjit/Ops/Op.h"
#include "gdjit/Ops/Rebuild.h"
#include "gdjit/Ops/Rewrite.h"

#include <fmt/format.h>

namespace gdjit {

namespace {

class Simplifier {
public:
  explicit Simplifier(GraphBuilder& builder) : builder_(builder) {}

  /// The simplest form of op(operands); appends it where no rule finds an existing one. `depth`
  /// counts rules applied on top of one another: chains of rules are short, whatever the graph.
  Value simplified(Opcode op, std::span<const Value> operands, const Attributes& attributes,
                   const TensorType& type, int depth = 0) {
    for (const SimplifyRule& rule : info(op).block->simplifications) {
      NodeId before = builder_.graph().size();
      Rewrite rewrite(builder_, op, operands, attributes, type);
      Value v = rule.apply(rewrite);
      if (!v.valid())
        continue;
      if (builder_.type(v) != type)
        throw InternalError(fmt::format("simplification \"{}\" of {} gives {} for {}", rule.text,
                                        name(op), to_string(builder_.type(v)), to_string(type)));
      if (depth == max_depth)
        throw InternalError(
            fmt::format("simplification \"{}\" of {} does not end", rule.text, name(op)));
      fired_ = true;
      return settled(v, before, depth + 1);
    }
    return builder_.append(op, operands, attributes);
  }

  bool fired() const { return fired_; }

private:
  static constexpr int max_depth = 64;

  /// Simplifies the nodes that a rule has appended, those from `before` on, and says what `v` is
  /// then.
  Value settled(Value v, NodeId before, int depth) {
    NodeId end = builder_.graph().size();
    std::vector<Value> map(end - before);
    for (NodeId n = before; n < end; ++n) {
      std::vector<Value> operands;
      for (Value o : builder_.graph().operands(n))
        operands.push_back(o.node < before ? o : map[o.node - before]);
      // Copies: appending may move what the graph holds.
      Attributes attributes = builder_.graph().attributes(n);
      TensorType type = builder_.graph().type(n);
      map[n - before] = simplified(builder_.graph().op(n), operands, attributes, type, depth);
    }
    return v.node < before ? v : map[v.node - before];
  }

  GraphBuilder& builder_;
  bool fired_ = false;
};

} // namespace

Step simplify(Step step, PassContext& context) {
  Rebuild rebuild(std::move(step), Sharing::shared);
  Simplifier simplifier(rebuild.builder());
  const Graph& graph = rebuild.old();
  for (NodeId n = 0; n < graph.size(); ++n) {
    rebuild.stand_at(n);
    rebuild.replace(n, simplifier.simplified(graph.op(n), rebuild.operands(n), graph.attributes(n),
                                             graph.type(n)));
  }
  context.changed |= simplifier.fired() || rebuild.graph().size() != graph.size();
  return std::move(rebuild).finish();
}

} // namespace gdjit
