// Exponentials: exp and expm1.
//
// x = n ln 2 + r; exp(r) is a polynomial, 2^n is built from bits or left to the machine. exp of f32
// computes in f32.
#include "Elementary.h"
#include "Rules.h"
#include "gdjit/Ops/Vjp.h"

#include <cmath>

namespace gdjit {

using namespace elementary;

namespace {

ScalarValue expand_exp(const Expansion& x) {
  return x.type == DType::f32 ? exponential_of_single(x[0]) : exponential(x[0]).value();
}

/// f32 in f64, where r^2 is exact enough near ln(2) / 2.
ScalarValue expand_expm1(const Expansion& e) {
  ScalarValue x = clamp(convert(e[0], DType::f64), -40, 710);
  // Half of 2^n keeps the factor finite up to the last result.
  Format f = format(DType::f64);
  Reduced reduced = reduce_exp(x, f.bias - 1);
  ScalarValue half = from_bits(binary(ScalarOp::shl, reduced.offset, f.mantissa));
  Pair sum = fast_two_sum(half - 0.5, half * reduced.parts.hi);
  ScalarValue r = reduced.parts.hi + reduced.parts.lo;
  ScalarValue small = fma(r * r, exp_tail(r), reduced.parts.lo);
  ScalarValue result = convert((sum.hi + fma(half, small, sum.lo)) * 2.0, e.type);
  // Tiny x is its own result: subnormals have no half, and -0 has its sign.
  return select(is_less(elementary::abs(e[0]), 0x1p-60), e[0], result);
}

} // namespace

constinit const OpBlock blocks::Exp = {
    .summary = "exponential function",
    .formula = "e^x",
    .infer = rules::float_pointwise,
    .vjp = [](Vjp& v) { v.add(0, v.guarded(v.result())); },
    .expand = expand_exp,
    .reference = [](std::span<const double> x) { return std::exp(x[0]); },
};

constinit const OpBlock blocks::Expm1 = {
    .summary = "exp(x) - 1, accurate near 0",
    .formula = "e^x - 1",
    .infer = rules::float_pointwise,
    .vjp = [](Vjp& v) { v.add(0, v.guarded(v.result() + 1)); },
    .expand = expand_expm1,
    .reference = [](std::span<const double> x) { return std::expm1(x[0]); },
};

} // namespace gdjit
