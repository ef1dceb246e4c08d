// stabilize: each rewrite is a pattern over the new graph, where operands are in their stable form
// already.
#include "gdjit/Transforms/Stabilize.h"

#include "Uniform.h"
#include "gdjit/Ops/Expr.h"

#include <cmath>
#include <limits>

namespace gdjit {

namespace {

class Stabilizer {
public:
  explicit Stabilizer(Rebuild& rebuild) : builder_(rebuild.builder()), graph_(rebuild.graph()) {}

  /// The stable form of op(operands), invalid where it is stable.
  Value stable(Opcode op, std::span<const Value> operands);
  /// No pattern looks through `v`: a gradient is taken of it.
  void protect(Value v) {
    opaque_.resize(std::max<size_t>(opaque_.size(), v.node + 1));
    opaque_[v.node] = true;
  }

private:
  Value log(Value a, int depth = 0);
  Value log_of_root(Value a, int depth);
  Value log1p(Value a);
  Value add(Value a, Value b);
  Value subtract(Value a, Value b);
  Value divide(Value a, Value b);
  Value reciprocal(Value a) { return one_over(a); }

  Value one_over(Value b);
  Value log1mexp(Value x);
  Value shifted_log_sum(Value sum);
  Value shifted_softmax(Value exponential, Value denominator);
  Value plain_or_stable_log(Value a, int depth);

  // Looking.
  bool is(Value v, Opcode op) const { return graph_.op(v.node) == op && !opaque(v); }
  bool opaque(Value v) const { return v.node < opaque_.size() && opaque_[v.node]; }
  bool is_one(Value v) const { return builder_.is_constant(v, 1); }
  Value in(Value v, int i = 0) const { return graph_.operand(v.node, i); }
  bool moves(Value v) const { return is(v, Opcode::Broadcast) || is(v, Opcode::Reshape); }
  Value root(Value v) const {
    while (moves(v))
      v = in(v);
    return v;
  }
  bool one_plus(Value v, Value& x) const;
  bool subtracts_maximum(Value v) const;
  bool same_exponential(Value a, Value b) const {
    return a == b || (is(a, Opcode::Exp) && is(b, Opcode::Exp) && in(a) == in(b));
  }

  // Building.
  Expr expr(Value v) { return {&builder_, v}; }
  Expr op(Opcode op, Expr a) { return apply(op, a); }
  /// -x, and x for -x.
  Expr negated(Value x) { return is(x, Opcode::Negate) ? expr(in(x)) : -expr(x); }
  /// The broadcasts and reshapes above root(v), over `base` instead.
  Value moved(Value v, Value base);
  Expr shift(Value x, const Attributes& reduction);

  static constexpr int max_depth = 8; ///< quotients within a quotient's logarithm

  GraphBuilder& builder_;
  const Graph& graph_;
  std::vector<bool> opaque_;
};

Value Stabilizer::stable(Opcode op, std::span<const Value> operands) {
  using Unary = Value (Stabilizer::*)(Value);
  using Binary = Value (Stabilizer::*)(Value, Value);
  struct Row {
    Opcode op;
    Unary unary;
    Binary binary;
  };
  static constexpr Row rows[] = {{Opcode::Log1p, &Stabilizer::log1p, nullptr},
                                 {Opcode::Reciprocal, &Stabilizer::reciprocal, nullptr},
                                 {Opcode::Add, nullptr, &Stabilizer::add},
                                 {Opcode::Subtract, nullptr, &Stabilizer::subtract},
                                 {Opcode::Divide, nullptr, &Stabilizer::divide}};
  if (op == Opcode::Log)
    return log(operands[0]);
  for (const Row& row : rows)
    if (row.op == op)
      return row.unary ? (this->*row.unary)(operands[0])
                       : (this->*row.binary)(operands[0], operands[1]);
  return {};
}

Value Stabilizer::moved(Value v, Value base) {
  std::vector<NodeId> chain;
  for (; moves(v); v = in(v))
    chain.push_back(v.node);
  for (size_t i = chain.size(); i-- > 0;)
    base = builder_.append(graph_.op(chain[i]), {base}, graph_.attributes(chain[i]));
  return base;
}

/// 1 + x or x + 1.
bool Stabilizer::one_plus(Value v, Value& x) const {
  if (!is(v, Opcode::Add))
    return false;
  int one = is_one(in(v, 0)) ? 0 : is_one(in(v, 1)) ? 1 : -1;
  if (one >= 0)
    x = in(v, 1 - one);
  return one >= 0;
}

/// x - max(x), the maximum broadcast, guarded or cut from the gradient.
bool Stabilizer::subtracts_maximum(Value v) const {
  if (!is(v, Opcode::Subtract))
    return false;
  Value m = in(v, 1);
  for (;;) {
    if (moves(m) || is(m, Opcode::StopGradient))
      m = in(m);
    else if (is(m, Opcode::Select))
      m = in(m, 1);
    else
      return is(m, Opcode::Max);
  }
}

/// Logarithms are looked for under broadcasts and reshapes too: log(broadcast(s)) is
/// broadcast(log(s)).
Value Stabilizer::log(Value a, int depth) {
  Value base = log_of_root(root(a), depth);
  return base.valid() ? moved(a, base) : base;
}

Value Stabilizer::log_of_root(Value a, int depth) {
  Value x;
  if (is(a, Opcode::Sigmoid)) // log(sigmoid(x)) => -softplus(-x)
    return (-op(Opcode::Softplus, negated(in(a)))).value;
  if (one_plus(a, x)) // log(1 + exp(x)) => softplus(x), log(1 + x) => log1p(x)
    return is(x, Opcode::Exp) ? op(Opcode::Softplus, expr(in(x))).value
                              : op(Opcode::Log1p, expr(x)).value;
  if (is(a, Opcode::Subtract) && is_one(in(a, 0))) // log(1 - x) => log1p(-x)
    return op(Opcode::Log1p, negated(in(a, 1))).value;
  if (is(a, Opcode::Negate) && is(in(a), Opcode::Expm1)) // log(1 - exp(x))
    return log1mexp(in(in(a)));
  if (is(a, Opcode::Exp)) // log(exp(x)) => x
    return in(a);
  if (is(a, Opcode::Divide) && is(in(a, 0), Opcode::Exp)) // log(exp(x) / s) => x - log(s)
    return (expr(in(in(a, 0))) - expr(plain_or_stable_log(in(a, 1), depth + 1))).value;
  if (is(a, Opcode::Sum) && is(in(a), Opcode::Exp) && !subtracts_maximum(in(in(a))))
    return shifted_log_sum(a);
  return {};
}

Value Stabilizer::plain_or_stable_log(Value a, int depth) {
  Value v = depth < max_depth ? log(a, depth) : Value{};
  return v.valid() ? v : moved(a, op(Opcode::Log, expr(root(a))).value);
}

Value Stabilizer::log1p(Value a) {
  if (is(a, Opcode::Exp)) // log1p(exp(x)) => softplus(x)
    return op(Opcode::Softplus, expr(in(a))).value;
  if (is(a, Opcode::Negate) && is(in(a), Opcode::Exp)) // log1p(-exp(x))
    return log1mexp(in(in(a)));
  if (is(a, Opcode::Negate) && is(in(a), Opcode::Sigmoid)) // log1p(-sigmoid(x)) => -softplus(x)
    return (-op(Opcode::Softplus, expr(in(in(a))))).value;
  return {};
}

/// log(1 - exp(x)): each form where it is accurate (Mächler, "Accurately computing log(1 -
/// exp(-|a|))", 2012). The branch not taken gives infinities or NaN, which the guards of the
/// derivatives keep out.
Value Stabilizer::log1mexp(Value x) {
  Expr e = expr(x);
  Expr near = op(Opcode::Log, -op(Opcode::Expm1, e));
  Expr far = op(Opcode::Log1p, -op(Opcode::Exp, e));
  return select(apply(Opcode::Greater, e, constant_like(e, -std::log(2.0))), near, far).value;
}

Value Stabilizer::add(Value a, Value b) {
  if (is(a, Opcode::Exp) && builder_.is_constant(b, -1)) // exp(x) + -1 => expm1(x)
    return op(Opcode::Expm1, expr(in(a))).value;
  if (is(b, Opcode::Exp) && builder_.is_constant(a, -1))
    return op(Opcode::Expm1, expr(in(b))).value;
  return {};
}

Value Stabilizer::subtract(Value a, Value b) {
  if (is(a, Opcode::Exp) && is_one(b)) // exp(x) - 1 => expm1(x)
    return op(Opcode::Expm1, expr(in(a))).value;
  if (is_one(a) && is(b, Opcode::Exp)) // 1 - exp(x) => -expm1(x)
    return (-op(Opcode::Expm1, expr(in(b)))).value;
  if (is_one(a) && is(b, Opcode::Sigmoid)) // 1 - sigmoid(x) => sigmoid(-x)
    return op(Opcode::Sigmoid, negated(in(b))).value;
  return {};
}

/// 1 / (1 + exp(x)) => sigmoid(-x)
Value Stabilizer::one_over(Value b) {
  Value x;
  if (one_plus(b, x) && is(x, Opcode::Exp))
    return op(Opcode::Sigmoid, negated(in(x))).value;
  return {};
}

Value Stabilizer::divide(Value a, Value b) {
  if (is_one(a))
    return one_over(b);
  if (!is(a, Opcode::Exp))
    return {};
  Value x;
  if (one_plus(b, x) && same_exponential(a, x)) // exp(x) / (1 + exp(x)) => sigmoid(x)
    return op(Opcode::Sigmoid, expr(in(a))).value;
  Value sum = root(b);
  if (is(sum, Opcode::Sum) && same_exponential(a, in(sum)) && !subtracts_maximum(in(a)))
    return shifted_softmax(a, b);
  return {};
}

/// The maximum of x over the axes of a reduction, extents kept, 0 where it is not finite; a
/// constant to derivatives, since what is built with it does not depend on it.
Expr Stabilizer::shift(Value x, const Attributes& reduction) {
  Attributes attributes;
  attributes.integers(Attr::axes, reduction.integers(Attr::axes)).boolean(Attr::keepdims, true);
  Expr m = apply(Opcode::Max, expr(x), attributes);
  Expr infinity = constant_like(m, std::numeric_limits<double>::infinity());
  Expr finite = apply(Opcode::Less, op(Opcode::Abs, m), infinity);
  return op(Opcode::StopGradient, select(finite, m, constant_like(m, 0)));
}

/// log(sum(exp(x))) => m + log(sum(exp(x - m)))
Value Stabilizer::shifted_log_sum(Value sum) {
  Expr x = expr(in(in(sum)));
  Attributes attributes = graph_.attributes(sum.node); // the sum's order stays
  Expr m = shift(x.value, attributes);
  Expr e = op(Opcode::Exp, x - broadcast_to(m, x.shape()));
  Expr l = op(Opcode::Log, apply(Opcode::Sum, e, attributes));
  return (reshape(m, l.shape()) + l).value;
}

/// exp(x) / sum(exp(x)) => exp(x - m) / sum(exp(x - m))
Value Stabilizer::shifted_softmax(Value exponential, Value denominator) {
  Expr x = expr(in(exponential));
  Attributes attributes = graph_.attributes(root(denominator).node);
  Expr e = op(Opcode::Exp, x - broadcast_to(shift(x.value, attributes), x.shape()));
  Value sum = apply(Opcode::Sum, e, attributes).value;
  return (e / expr(moved(denominator, sum))).value;
}

/// Every pattern holds one of these.
bool has_pattern(const Graph& graph) {
  for (NodeId n = 0; n < graph.size(); ++n)
    if (Opcode op = graph.op(n); op == Opcode::Log || op == Opcode::Exp || op == Opcode::Sigmoid)
      return true;
  return false;
}

} // namespace

Step stabilize(Step step, PassContext& context) {
  if (!has_pattern(step.graph))
    return step;
  Rebuild rebuild(std::move(step), Sharing::verbatim);
  const Graph& graph = rebuild.old();
  Stabilizer stabilizer(rebuild);
  std::vector<bool> target = gradient_targets(graph);
  for (NodeId n = 0; n < graph.size(); ++n) {
    rebuild.stand_at(n);
    NodeId before = rebuild.graph().size();
    Value v = stabilizer.stable(graph.op(n), rebuild.operands(n));
    // A value that a gradient is taken of is a variable of its own: never another, existing one.
    if (v.valid() && !(target[n] && v.node < before)) {
      rebuild.replace(n, v);
      context.changed = true;
    } else {
      v = rebuild.copy(n);
    }
    if (target[n])
      stabilizer.protect(v);
  }
  return std::move(rebuild).finish();
}

} // namespace gdjit
