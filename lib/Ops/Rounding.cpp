// Rounding to integers, in the type of the operand.
#include "OneOperation.h"
#include "Rules.h"
#include "gdjit/Ops/Rewrite.h"

#include <cmath>

namespace gdjit {

using loop::ScalarOp;

namespace {

constexpr std::string_view steps = "piecewise constant";

/// What is rounded already stays: rounding an integer changes nothing, the sign of a zero included.
constexpr SimplifyRule of_rounded[] = {
    {"round(floor(x)) => floor(x), and so for floor, ceil and round of each other",
     [](Rewrite& r) {
       Opcode inner = r.producer(0);
       bool rounded = inner == Opcode::Floor || inner == Opcode::Ceil || inner == Opcode::Round;
       return rounded ? r.operand(0).value : Value{};
     }},
};

} // namespace

constinit const OpBlock blocks::Floor = {
    .summary = "greatest integer not above x",
    .formula = "floor(x)",
    .infer = rules::float_pointwise,
    .not_differentiable = steps,
    .zero_gradient = true,
    .expand = one_operation<ScalarOp::floor>,
    .reference = [](std::span<const double> x) { return std::floor(x[0]); },
    .simplifications = of_rounded,
};

constinit const OpBlock blocks::Ceil = {
    .summary = "least integer not below x",
    .formula = "ceil(x)",
    .infer = rules::float_pointwise,
    .not_differentiable = steps,
    .zero_gradient = true,
    .expand = one_operation<ScalarOp::ceil>,
    .reference = [](std::span<const double> x) { return std::ceil(x[0]); },
    .simplifications = of_rounded,
};

constinit const OpBlock blocks::Round = {
    .summary = "nearest integer, ties to even",
    .formula = "round(x)",
    .infer = rules::float_pointwise,
    .not_differentiable = steps,
    .zero_gradient = true,
    .expand = one_operation<ScalarOp::round>,
    .reference = [](std::span<const double> x) { return std::nearbyint(x[0]); },
    .simplifications = of_rounded,
};

} // namespace gdjit
