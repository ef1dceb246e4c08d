// Comparisons: two tensors of one type, a bool per element; with a NaN only `ne` is true.
#include "OneOperation.h"
#include "Rules.h"
#include "gdjit/Ops/Rewrite.h"

namespace gdjit {

using loop::ScalarOp;

namespace {

constexpr std::string_view reason = "the result is a bool, piecewise constant";

/// Of one value and itself, where no NaN can be.
template <int result> Value of_itself(Rewrite& r) {
  bool same = r.operand(0).value == r.operand(1).value && !is_float(r.operand(0).dtype());
  return same ? r.builder().constant(r.type(), result) : Value{};
}

/// Of floats: -x >= c.
Value of_negated(Rewrite& r) {
  double c = 0;
  const bool holds = r.producer(0) == Opcode::Negate && is_float(r.operand(0).dtype()) &&
                     r.builder().constant_value(r.operand(1).value, c);
  return holds ? apply(Opcode::LessEqual, r.producer_operand(0, 0), constant_like(r.operand(1), -c))
                     .value
               : Value{};
}

/// From here on softplus(x) rounds to x: e^-x is less than half of x's last bit.
double least_linear(DType type) { return type == DType::f32 ? 20 : 40; }

/// softplus(x) <= c.
Value of_softplus(Rewrite& r) {
  double c = 0;
  const bool holds = r.producer(0) == Opcode::Softplus &&
                     r.builder().constant_value(r.operand(1).value, c) &&
                     c >= least_linear(r.operand(0).dtype());
  return holds ? apply(Opcode::LessEqual, r.producer_operand(0, 0), r.operand(1)).value : Value{};
}

constexpr std::string_view equal_rule = "eq, le, ge (x, x) => true, not of floats";
constexpr SimplifyRule reflexive[] = {{equal_rule, of_itself<1>}};
// A clamped log(sigmoid(x)) passes its gradient so: it need not wait for the logarithm.
constexpr SimplifyRule less_equal[] = {
    {equal_rule, of_itself<1>},
    {"le (softplus(x), c) => le (x, c), for c from 20 on (40 of f64)", of_softplus}};
constexpr SimplifyRule greater_equal[] = {{equal_rule, of_itself<1>},
                                          {"ge (-x, c) => le (x, -c), of floats", of_negated}};
constexpr SimplifyRule irreflexive[] = {
    {"ne, lt, gt (x, x) => false, not of floats", of_itself<0>}};

} // namespace

constinit const OpBlock blocks::Equal = {
    .summary = "whether two elements are equal",
    .formula = "a == b; -0 equals +0, NaN equals nothing",
    .infer = rules::comparison,
    .not_differentiable = reason,
    .zero_gradient = true,
    .expand = one_operation<ScalarOp::eq>,
    .reference = [](std::span<const double> x) -> double { return x[0] == x[1]; },
    .simplifications = reflexive,
};

constinit const OpBlock blocks::NotEqual = {
    .summary = "whether two elements differ",
    .formula = "a != b; true with a NaN",
    .infer = rules::comparison,
    .not_differentiable = reason,
    .zero_gradient = true,
    .expand = one_operation<ScalarOp::ne>,
    .reference = [](std::span<const double> x) -> double { return x[0] != x[1]; },
    .simplifications = irreflexive,
};

constinit const OpBlock blocks::Less = {
    .summary = "whether the first element is smaller",
    .formula = "a < b; false < true",
    .infer = rules::comparison,
    .not_differentiable = reason,
    .zero_gradient = true,
    .expand = one_operation<ScalarOp::lt>,
    .reference = [](std::span<const double> x) -> double { return x[0] < x[1]; },
    .simplifications = irreflexive,
};

constinit const OpBlock blocks::LessEqual = {
    .summary = "whether the first element is smaller or equal",
    .formula = "a <= b",
    .infer = rules::comparison,
    .not_differentiable = reason,
    .zero_gradient = true,
    .expand = one_operation<ScalarOp::le>,
    .reference = [](std::span<const double> x) -> double { return x[0] <= x[1]; },
    .simplifications = less_equal,
};

constinit const OpBlock blocks::Greater = {
    .summary = "whether the first element is greater",
    .formula = "a > b",
    .infer = rules::comparison,
    .not_differentiable = reason,
    .zero_gradient = true,
    .expand = one_operation<ScalarOp::gt>,
    .reference = [](std::span<const double> x) -> double { return x[0] > x[1]; },
    .simplifications = irreflexive,
};

constinit const OpBlock blocks::GreaterEqual = {
    .summary = "whether the first element is greater or equal",
    .formula = "a >= b",
    .infer = rules::comparison,
    .not_differentiable = reason,
    .zero_gradient = true,
    .expand = one_operation<ScalarOp::ge>,
    .reference = [](std::span<const double> x) -> double { return x[0] >= x[1]; },
    .simplifications = greater_equal,
};

} // namespace gdjit
