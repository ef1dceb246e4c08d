// Roots and reciprocals: sqrt and reciprocal are correctly rounded operations of the machine.
#include "Elementary.h"
#include "Rules.h"
#include "gdjit/Ops/Vjp.h"

#include <cmath>

namespace gdjit {

using namespace elementary;

namespace {

constexpr SampleRange positive[] = {{.low = 0.1, .high = 4}};
constexpr SampleRange away_from_zero[] = {{.low = 0.2, .high = 3}};

/// f32 in f64; f64 with the roundings of root and quotient.
ScalarValue expand_rsqrt(const Expansion& e) {
  return convert(1.0 / unary(ScalarOp::sqrt, convert(e[0], DType::f64)), e.type);
}

} // namespace

constinit const OpBlock blocks::Sqrt = {
    .summary = "square root",
    .formula = "x^(1/2)",
    .domain = "x >= 0; NaN below",
    .infer = rules::float_pointwise,
    .vjp = [](Vjp& v) { v.add(0, v.guarded(0.5 / v.result())); },
    .expand = [](const Expansion& e) { return unary(ScalarOp::sqrt, e[0]); },
    .reference = [](std::span<const double> x) { return std::sqrt(x[0]); },
    .samples = positive,
};

constinit const OpBlock blocks::Rsqrt = {
    .summary = "reciprocal square root",
    .formula = "x^(-1/2)",
    .domain = "x > 0; inf at 0, NaN below",
    .infer = rules::float_pointwise,
    .vjp = [](Vjp& v) { v.add(0, v.guarded(-0.5 * (v.result() / v.operand(0)))); },
    .expand = expand_rsqrt,
    .reference = [](std::span<const double> x) { return 1 / std::sqrt(x[0]); },
    .samples = positive,
};

constinit const OpBlock blocks::Reciprocal = {
    .summary = "reciprocal",
    .formula = "1 / x",
    .domain = "x != 0; inf of x's sign at 0",
    .infer = rules::float_pointwise,
    .vjp = [](Vjp& v) { v.add(0, v.guarded(-(v.result() * v.result()))); },
    .expand = [](const Expansion& e) { return 1.0 / e[0]; },
    .reference = [](std::span<const double> x) { return 1 / x[0]; },
    .samples = away_from_zero,
};

} // namespace gdjit
