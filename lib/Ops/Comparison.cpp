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

constexpr SimplifyRule reflexive[] = {{"eq, le, ge (x, x) => true, not of floats", of_itself<1>}};
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
    .simplifications = reflexive,
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
    .simplifications = reflexive,
};

} // namespace gdjit
