// Reverse mode: from the loss back to the targets, in descending order of ids.
//
// The order of accumulation is part of the bits: a node's adjoint is ((c1 + c2) + c3) …,
// contributions in the order of their users from the loss backward (descending ids), within one
// user by ascending operand.
#include "ReverseSweep.h"

#include "gdjit/Ops/Op.h"
#include "gdjit/Ops/Vjp.h"

#include <fmt/format.h>

#include <algorithm>

namespace gdjit {

namespace {

/// A derivative passes through op n: it has a rule, and its result is a number that can change a
/// little. Integers and booleans are piecewise constant, a stated zero.
bool carries(const Graph& graph, NodeId n) {
  return info(graph.op(n)).block->vjp && is_float(graph.type(n).dtype);
}

/// Asking for a derivative through op n is an error.
bool refuses(const Graph& graph, NodeId n) {
  const OpBlock& block = *info(graph.op(n)).block;
  return !block.vjp && !block.zero_gradient && !graph.operands(n).empty();
}

} // namespace

void ReverseSweep::run(Value loss, double of_loss, std::span<const Value> targets) {
  ++run_;
  nodes_.clear();
  NodeId first = loss.node;
  for (Value t : targets)
    first = std::min(first, t.node);
  stamp_.resize(std::max<size_t>(stamp_.size(), loss.node + 1));
  depends_.resize(stamp_.size());
  adjoint_.resize(stamp_.size());
  in_branch_.resize(stamp_.size());

  collect(loss, first);
  mark(targets);
  if (!depends(loss.node))
    return;
  Origin origin = builder_.graph().origin(loss.node);
  origin.part = Part::backward;
  builder_.set_origin(origin);
  adjoint_[loss.node] = builder_.constant(builder_.type(loss), of_loss);
  for (size_t i = nodes_.size(); i-- > 0;)
    if (depends(nodes_[i]) && adjoint_[nodes_[i]].valid())
      propagate(nodes_[i]);
}

void ReverseSweep::visit(NodeId n) {
  if (visited(n))
    return;
  stamp_[n] = run_;
  depends_[n] = false;
  adjoint_[n] = {};
  in_branch_[n] = false;
  nodes_.push_back(n);
}

/// Gathers what the loss depends on, not before node `first` (no target lies there), and not
/// through ops with a stated zero. Ops that refuse are looked through, so that mark() can tell
/// whether a target lies behind them.
void ReverseSweep::collect(Value loss, NodeId first) {
  const Graph& graph = builder_.graph();
  visit(loss.node);
  for (size_t i = 0; i < nodes_.size(); ++i) {
    NodeId n = nodes_[i];
    if (!carries(graph, n) && !refuses(graph, n))
      continue;
    for (Value v : graph.operands(n))
      if (v.node >= first)
        visit(v.node);
  }
  std::sort(nodes_.begin(), nodes_.end());
}

void ReverseSweep::mark(std::span<const Value> targets) {
  const Graph& graph = builder_.graph();
  for (Value t : targets)
    if (visited(t.node))
      depends_[t.node] = true;
  for (NodeId n : nodes_) {
    auto operands = graph.operands(n);
    bool behind =
        std::any_of(operands.begin(), operands.end(), [&](Value v) { return depends(v.node); });
    if (behind && refuses(graph, n))
      refuse(n);
    if (behind && carries(graph, n))
      depends_[n] = true;
  }
}

void ReverseSweep::propagate(NodeId n) {
  const Graph& graph = builder_.graph();
  if (!carries(graph, n))
    return;
  // Copies: rules append to the graph.
  std::vector<Value> operands(graph.operands(n).begin(), graph.operands(n).end());
  Attributes attributes = graph.attributes(n);
  Origin origin = graph.origin(n);
  origin.part = Part::backward;
  builder_.set_origin(origin);

  bool few[8];
  std::unique_ptr<bool[]> many(operands.size() > 8 ? new bool[operands.size()] : nullptr);
  bool* wanted = many ? many.get() : few;
  bool any = false;
  for (size_t i = 0; i < operands.size(); ++i)
    any |= wanted[i] = depends(operands[i].node);
  if (!any) // a target itself, with nothing wanted behind it
    return;

  Vjp vjp(builder_, attributes, operands, {n, 0}, adjoint_[n], {wanted, operands.size()});
  info(graph.op(n)).block->vjp(vjp);
  for (size_t i = 0; i < operands.size(); ++i) {
    Value contribution = vjp.adjoints()[i];
    if (!contribution.valid())
      continue;
    if (in_branch_[n])
      contribution = kept_finite(n, contribution);
    const bool branch = graph.op(n) == Opcode::Select || graph.op(n) == Opcode::Guard;
    if (branch || (in_branch_[n] && kind(graph.op(n)) != OpKind::Contraction))
      in_branch_[operands[i].node] = true;
    Value& sum = adjoint_[operands[i].node];
    sum = sum.valid() ? builder_.append(Opcode::Add, {sum, contribution}) : contribution;
  }
}

/// 0 where nothing flows into the pointwise node n and its rule makes a NaN of that, 0 times
/// infinity or NaN: the branch is not taken there. Rules that only move, negate or choose the
/// adjoint, or are guarded themselves, make none.
Value ReverseSweep::kept_finite(NodeId n, Value contribution) const {
  const Graph& graph = builder_.graph();
  const Value g = adjoint_[n];
  if (kind(graph.op(n)) != OpKind::Pointwise || contribution == g ||
      graph.type(contribution.node) != graph.type(g.node))
    return contribution;
  const Opcode op = graph.op(contribution.node);
  if (op == Opcode::Negate || op == Opcode::Select || op == Opcode::Guard)
    return contribution;
  if (op == Opcode::Multiply)
    for (Value factor : graph.operands(contribution.node))
      if (graph.op(factor.node) == Opcode::Guard && graph.operand(factor.node, 1) == g)
        return contribution;
  return builder_.append(Opcode::Guard, {contribution, g});
}

void ReverseSweep::refuse(NodeId n) const {
  const Graph& graph = builder_.graph();
  std::string_view reason = info(graph.op(n)).block->not_differentiable;
  throw Error(ErrorCode::graph,
              fmt::format("gradient: {} has no derivative{}{}", name(graph.op(n)),
                          reason.empty() ? "" : ", it is ", reason),
              graph.location(n),
              {{"wrap its operand in stop_gradient to take its derivative as zero", {}}});
}

} // namespace gdjit
