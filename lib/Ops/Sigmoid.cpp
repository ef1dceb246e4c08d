// Saturating functions: sigmoid, tanh, and softplus, whose derivative is sigmoid.
//
// All start from exp(-|x|) or exp(-2|x|) - 1 as an unevaluated sum, so that the quotient is right
// to the last bit but one. f32 computes in f32, softplus in f64.
#include "Elementary.h"
#include "Rules.h"
#include "gdjit/Ops/Vjp.h"

#include <cmath>

namespace gdjit {

using namespace elementary;

namespace {

ScalarValue expand_sigmoid(const Expansion& x) {
  Exponential e = exponential_of_negative(-elementary::abs(x[0]));
  Pair exp{e.value(), e.rest()};
  ScalarValue one = x.constant(1), zero = x.constant(0);
  Pair below = fast_two_sum(one, exp.hi);
  below.lo = below.lo + exp.lo;
  // 1 / (1 + e) for x >= 0, e / (1 + e) for x < 0: right to the smallest subnormal.
  ScalarValue negative = is_less(x[0], 0);
  return divide({select(negative, exp.hi, one), select(negative, exp.lo, zero)}, below);
}

ScalarValue expand_tanh(const Expansion& x) {
  ScalarValue size = elementary::abs(x[0]);
  double saturated = x.type == DType::f32 ? 10 : 20; // the result rounds to 1
  size = select(is_greater(size, saturated), x.constant(saturated), size);
  // tanh(y) = -t / (2 + t), t = exp(-2y) - 1 in (-1, 0]
  Pair t = exp_minus_one_negative(size * -2.0);
  Pair below = fast_two_sum(x.constant(2), t.hi);
  below.lo = below.lo + t.lo;
  return copy_sign(divide({-t.hi, -t.lo}, below), x[0]);
}

/// max(x, 0) + log(1 + e), e = exp(-|x|): small and accurate far below 0, x far above.
ScalarValue expand_softplus(const Expansion& x) {
  if (x.type == DType::f32) {
    static constexpr double c[] = {
        0x1.fffffffefc945p-1, -0x1.fffffda6de551p-2, 0x1.5554e12d5cd76p-2, -0x1.ffee3ea7e243dp-3,
        0x1.98e3b10b2bd11p-3, -0x1.50f4759e09e05p-3, 0x1.12f9c9afdedadp-3, -0x1.9eb1cd330360fp-4,
        0x1.062d20d6c1eeep-4, -0x1.ee58dc9f36d6cp-6, 0x1.2990b6f7cda26p-7, -0x1.4fb3b7e1f6308p-10};
    ScalarValue size = convert(elementary::abs(x[0]), DType::f64);
    ScalarValue e = exponential_of_negative(-size).value();
    ScalarValue above = convert(select(is_greater(x[0], 0), x[0], x.constant(0)), DType::f64);
    return convert(fma(e, polynomial(e, c), above), DType::f32); // log(1 + e) / e: 2^-33.0
  }
  Exponential e = exponential_of_negative(-elementary::abs(x[0]));
  Pair exp{e.value(), e.rest()};
  Pair u = fast_two_sum(x.constant(1), exp.hi);
  ScalarValue log = log_positive(split_exponent(u.hi), (u.lo + exp.lo) / u.hi);
  return log + select(is_greater(x[0], 0), x[0], x.constant(0));
}

} // namespace

constinit const OpBlock blocks::Sigmoid = {
    .summary = "logistic function",
    .formula = "1 / (1 + e^-x)",
    .infer = rules::float_pointwise,
    .vjp = [](Vjp& v) { v.add(0, v.g() * (v.result() * (1 - v.result()))); },
    .expand = expand_sigmoid,
    .reference =
        [](std::span<const double> x) {
          double e = std::exp(-std::fabs(x[0]));
          return (x[0] < 0 ? e : 1) / (1 + e);
        },
};

constinit const OpBlock blocks::Tanh = {
    .summary = "hyperbolic tangent",
    .formula = "(e^x - e^-x) / (e^x + e^-x)",
    .infer = rules::float_pointwise,
    .vjp = [](Vjp& v) { v.add(0, v.g() * (1 - v.result() * v.result())); },
    .expand = expand_tanh,
    .reference = [](std::span<const double> x) { return std::tanh(x[0]); },
};

constinit const OpBlock blocks::Softplus = {
    .summary = "smooth relu, log(1 + e^x) without overflow",
    .formula = "ln(1 + e^x)",
    .infer = rules::float_pointwise,
    .vjp = [](Vjp& v) { v.add(0, v.g() * apply(Opcode::Sigmoid, v.operand(0))); },
    .expand = expand_softplus,
    .reference =
        [](std::span<const double> x) {
          return (x[0] > 0 ? x[0] : 0) + std::log1p(std::exp(-std::fabs(x[0])));
        },
};

} // namespace gdjit
