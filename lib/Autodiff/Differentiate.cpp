// differentiate: copies the step; at the first gradient of a loss one reverse sweep computes all
// gradients of that loss.
//
// Forward nodes are copied verbatim, because a gradient may tell two equal values apart (y = 2 x
// and z = 2 x are two variables to gradient(y + z, y)). Reads of one input, state or scalar are one
// variable and become one node.
#include "gdjit/Autodiff/Differentiate.h"

#include "ReverseSweep.h"
#include "gdjit/Ops/Rebuild.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

namespace gdjit {

namespace {

/// Inputs, states and scalars: what they are is said by op and row alone.
bool reads_signature(Opcode op) {
  return op == Opcode::Input || op == Opcode::State || op == Opcode::Scalar;
}

class Differentiator {
public:
  explicit Differentiator(Step step);
  Step run(PassContext& context) &&;

private:
  Value copy(NodeId n);
  Value read(NodeId n);
  Value scaled_product(NodeId n);
  void expand(NodeId loss);
  struct Scaled {
    Value loss;
    double divisor;
    double adjoint = 1; ///< of `loss`
  };
  Scaled unscaled(Value loss, std::span<const Value> targets) const;
  void give_names(std::span<const NodeId> gradients, bool scaled);
  bool declared_dependence(NodeId loss, NodeId target);
  [[noreturn]] void refuse_nothing(NodeId gradient);
  std::string name_of(NodeId n) const;

  Rebuild rebuild_;
  const Graph& old_;
  const Signature& signature_;
  GraphBuilder backward_;
  ReverseSweep sweep_;
  std::unordered_map<NodeId, std::vector<NodeId>> gradients_of_; ///< per loss, the gradient nodes
  std::vector<bool> is_target_;                                  ///< per old node
  std::vector<Value> expanded_; ///< per old gradient node, its value
  struct Factored {
    Value adjoint;
    double factor;
  };
  std::unordered_map<NodeId, Factored> factored_; ///< gradients of a scaled loss: adjoint * factor
  std::unordered_map<uint64_t, Value> reads_;
  std::unordered_set<std::string> names_;
  std::vector<bool> ancestor_; ///< of ancestor_loss_, in the old graph
  NodeId ancestor_loss_ = no_node;
};

Differentiator::Differentiator(Step step)
    : rebuild_(std::move(step), Sharing::verbatim), old_(rebuild_.old()),
      signature_(rebuild_.builder().signature()),
      backward_(rebuild_.graph(), signature_, Sharing::shared), sweep_(backward_),
      is_target_(old_.size()), expanded_(old_.size()) {
  for (NodeId n = 0; n < old_.size(); ++n) {
    if (!old_.name(n).empty())
      names_.insert(old_.name(n));
    if (old_.op(n) != Opcode::Gradient)
      continue;
    gradients_of_[old_.operand(n, 0).node].push_back(n);
    is_target_[old_.operand(n, 1).node] = true;
  }
}

Step Differentiator::run(PassContext& context) && {
  for (NodeId n = 0; n < old_.size(); ++n)
    rebuild_.replace(n, copy(n));
  context.changed |= !gradients_of_.empty() || rebuild_.graph().size() != old_.size();
  return std::move(rebuild_).finish();
}

Value Differentiator::copy(NodeId n) {
  if (reads_signature(old_.op(n)))
    return read(n);
  if (old_.op(n) != Opcode::Gradient) {
    Value v = scaled_product(n);
    return v.valid() ? v : rebuild_.copy(n);
  }
  if (!expanded_[n].valid())
    expand(old_.operand(n, 0).node);
  Value v = expanded_[n];
  if (!is_target_[n])
    return v;
  // Backward nodes are shared; a gradient that is differentiated by itself needs a node of its own.
  // A reshape to the same shape is the identity, and simplify drops it.
  rebuild_.stand_at(n);
  return rebuild_.builder().append(Opcode::Reshape, {v},
                                   Attributes().shape(Attr::shape, old_.type(n).shape));
}

/// lr * (adjoint * factor) => adjoint * (lr * factor), where lr is one number: each element is
/// rounded once less, and only its own product waits for its adjoint. Likewise in an fma. Invalid
/// for all else.
Value Differentiator::scaled_product(NodeId n) {
  const Opcode op = old_.op(n);
  if (factored_.empty() || is_target_[n] || (op != Opcode::Multiply && op != Opcode::Fma))
    return {};
  for (int i : {0, 1}) {
    const Value gradient = old_.operand(n, 1 - i), other = old_.operand(n, i);
    auto found = factored_.find(gradient.node);
    Value number = other;
    while (old_.op(number.node) == Opcode::Broadcast && !is_target_[number.node])
      number = old_.operand(number.node, 0);
    if (found == factored_.end() || is_target_[gradient.node] || is_target_[other.node] ||
        old_.type(number).elements() != 1)
      continue;
    rebuild_.stand_at(n);
    GraphBuilder& builder = rebuild_.builder();
    Value factor = builder.constant(old_.type(number), found->second.factor);
    factor = builder.append(Opcode::Multiply, {rebuild_[number], factor});
    if (number != other)
      factor = builder.append(Opcode::Broadcast, {factor}, old_.attributes(other.node));
    const std::span<const Value> old = rebuild_.operands(n);
    std::vector<Value> operands(old.begin(), old.end());
    operands[0] = found->second.adjoint;
    operands[1] = factor;
    return builder.append(op, operands);
  }
  return {};
}

Value Differentiator::read(NodeId n) {
  uint64_t key = static_cast<uint64_t>(old_.op(n)) << 32 |
                 static_cast<uint64_t>(old_.attributes(n).integer(Attr::index));
  Value& v = reads_[key];
  if (!v.valid())
    v = rebuild_.copy(n);
  return v;
}

/// loss = scaled.loss / divisor, where the loss is a mean: its sum is differentiated and each
/// gradient scaled, so that its terms are not scaled one by one: fewer roundings, and what cancels
/// in a sum over rows cancels exactly. (Adagrad and Adam divide a gradient by its own size, so a
/// gradient of 1e-17 in the place of 0 moves a parameter.) A sum of squares is twice the half of
/// it, whose derivative is the term itself. Not past a target.
Differentiator::Scaled Differentiator::unscaled(Value loss, std::span<const Value> targets) const {
  const Graph& graph = rebuild_.graph();
  Scaled s{loss, 1};
  auto is_target = [&](Value v) {
    return std::any_of(targets.begin(), targets.end(), [&](Value t) { return t.node == v.node; });
  };
  while (!is_target(s.loss)) {
    Opcode op = graph.op(s.loss.node);
    if (op == Opcode::Negate) {
      s.divisor = -s.divisor;
    } else if (op == Opcode::Divide &&
               graph.op(graph.operand(s.loss.node, 1).node) == Opcode::Constant) {
      s.divisor *= graph.attributes(graph.operand(s.loss.node, 1).node).array(Attr::value).at(0);
    } else {
      break;
    }
    s.loss = graph.operand(s.loss.node, 0);
  }
  if (s.divisor != 1 && graph.op(s.loss.node) == Opcode::Sum && !is_target(s.loss)) {
    Value terms = graph.operand(s.loss.node, 0);
    if (graph.op(terms.node) == Opcode::Square && !is_target(terms)) {
      s.divisor *= 0.5;
      s.adjoint = 0.5;
    }
  }
  double size = std::abs(s.divisor);
  return size != 1 && size > 0 && std::isfinite(size) ? s : Scaled{loss, 1};
}

/// Computes all gradients of one loss that the graph asks for.
void Differentiator::expand(NodeId loss) {
  const std::vector<NodeId>& gradients = gradients_of_.at(loss);
  std::vector<Value> targets;
  for (NodeId g : gradients) {
    Value target = old_.operand(g, 1);
    // Invalid where the value was made after the loss, which then does not depend on it.
    Value t = reads_signature(old_.op(target.node)) ? read(target.node) : rebuild_[target];
    if (t.valid())
      targets.push_back(t);
  }
  Scaled scaled = unscaled(rebuild_[{loss, 0}], targets);
  sweep_.run(scaled.loss, scaled.adjoint, targets);

  for (NodeId g : gradients) {
    NodeId target = old_.operand(g, 1).node;
    Value t = reads_signature(old_.op(target)) ? read(target) : rebuild_[{target, 0}];
    Value adjoint = t.valid() ? sweep_.adjoint(t.node) : Value{};
    if (!adjoint.valid()) {
      if (!declared_dependence(loss, target))
        refuse_nothing(g);
      // The loss depends on the value, but its derivative is zero: a constant slope, a
      // stop_gradient.
      Origin origin = old_.origin(target);
      origin.part = Part::backward;
      backward_.set_origin(origin);
      adjoint = backward_.constant(old_.type(g), 0);
    } else if (scaled.divisor != 1) {
      backward_.set_origin(rebuild_.graph().origin(adjoint.node));
      const TensorType type = backward_.type(adjoint);
      factored_[g] = {adjoint, 1 / scaled.divisor};
      adjoint = backward_.append(Opcode::Multiply,
                                 {adjoint, backward_.constant(type, 1 / scaled.divisor)});
    }
    expanded_[g] = adjoint;
  }
  give_names(gradients, scaled.divisor != 1);
}

/// The user's names for gradients come first, then d_w for what belongs to w.
/// Adjoints of a scaled loss are the gradients' but for a factor: only the gradients are named.
void Differentiator::give_names(std::span<const NodeId> gradients, bool scaled) {
  Graph& graph = rebuild_.graph();
  auto name_adjoint = [&](Value adjoint, std::string name) {
    if (!adjoint.valid() || name.empty() || !graph.name(adjoint.node).empty())
      return;
    size_t leaf = name.rfind('/');
    name.insert(leaf == std::string::npos ? 0 : leaf + 1, "d_");
    if (names_.insert(name).second)
      graph.set_name(adjoint.node, name);
  };
  for (NodeId g : gradients)
    if (!old_.name(g).empty() && graph.name(expanded_[g].node).empty())
      graph.set_name(expanded_[g].node, old_.name(g));
  if (scaled) {
    for (NodeId g : gradients) {
      NodeId target = old_.operand(g, 1).node;
      Value t = reads_signature(old_.op(target)) ? read(target) : rebuild_[{target, 0}];
      if (t.valid())
        name_adjoint(expanded_[g], name_of(t.node));
    }
    return;
  }
  for (NodeId n : sweep_.nodes())
    name_adjoint(sweep_.adjoint(n), name_of(n));
}

std::string Differentiator::name_of(NodeId n) const {
  const Graph& graph = rebuild_.graph();
  if (!graph.name(n).empty())
    return graph.name(n);
  const std::string* row = row_name(signature_, graph, n);
  return row && graph.op(n) != Opcode::Scalar ? *row : "";
}

/// Whether the loss as declared reads the target, by whatever way; a gradient node reads its loss
/// and its value.
bool Differentiator::declared_dependence(NodeId loss, NodeId target) {
  if (ancestor_loss_ != loss) {
    ancestor_loss_ = loss;
    ancestor_.assign(old_.size(), false);
    ancestor_[loss] = true;
    for (NodeId n = loss + 1; n-- > 0;)
      if (ancestor_[n])
        for (Value v : old_.operands(n))
          ancestor_[v.node] = true;
  }
  if (ancestor_[target])
    return true;
  if (!reads_signature(old_.op(target)))
    return false;
  for (NodeId n = 0; n <= loss; ++n) // another read of the same row
    if (ancestor_[n] && old_.op(n) == old_.op(target) &&
        old_.attributes(n) == old_.attributes(target))
      return true;
  return false;
}

void Differentiator::refuse_nothing(NodeId gradient) {
  NodeId loss = old_.operand(gradient, 0).node, value = old_.operand(gradient, 1).node;
  auto describe = [&](NodeId n) {
    Value v = rebuild_[{n, 0}];
    std::string name = v.valid() ? name_of(v.node) : old_.name(n);
    return name.empty() ? fmt::format("%{} ({})", n, gdjit::name(old_.op(n))) : name;
  };
  throw Error(
      ErrorCode::graph,
      fmt::format("gradient: the loss does not depend on {}, there is nothing to differentiate",
                  describe(value)),
      old_.location(gradient),
      {{fmt::format("loss  {} : {}", describe(loss), to_string(old_.type(loss))),
        old_.location(loss)},
       {fmt::format("value {} : {}", describe(value), to_string(old_.type(value))),
        old_.location(value)},
       {"leave it out, or use it in the loss", {}}});
}

} // namespace

Step differentiate(Step step, PassContext& context) {
  return Differentiator(std::move(step)).run(context);
}

} // namespace gdjit
