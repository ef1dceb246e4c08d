// Power: x^y = exp(y log|x|), with the cases of C99 Annex F.
//
// f64 needs the logarithm to 64 bits and more, since y log|x| reaches 745: it is a Pair. f32
// computes in f64.
#include "Elementary.h"
#include "Rules.h"
#include "gdjit/Ops/Rewrite.h"
#include "gdjit/Ops/Vjp.h"

#include <cmath>
#include <limits>

namespace gdjit {

using namespace elementary;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double least_power = -746; ///< e to less than that rounds to 0
constexpr SampleRange ranges[] = {{.low = 0.1, .high = 3}, {.low = -2, .high = 2}};

/// log(x) for finite x > 0 with a relative error of about 2^-66:
/// log(m) = 2 atanh(s) = 2 s (1 + z (1/3 + z (1/5 + ...))), s = (m - 1) / (m + 1), z = s^2.
Pair log_pair(ScalarValue x) {
  static constexpr double c[] = {0x1.999999999999ap-3, 0x1.24924924922fbp-3, 0x1.c71c71c74d6b9p-4,
                                 0x1.745d173c123f9p-4, 0x1.3b13aa1f57951p-4, 0x1.1115402cda8fp-4,
                                 0x1.e01cd097b9b39p-5, 0x1.da83af1a451b8p-5}; // from 1/5: 2^-54
  constexpr double third_hi = 0x1.5555555555555p-2, third_lo = 0x1.5555555555555p-56;
  constexpr double ln2_hi = 0x1.62e42fefa38p-1, ln2_lo = 0x1.ef35793c7673p-45;
  loop::ScalarBuilder& b = *x.builder;
  auto number = [&](double value) { return b.constant(DType::f64, value); };

  Split split = split_exponent(x);
  ScalarValue f = split.f;
  Pair below = fast_two_sum(number(2), f);
  ScalarValue inverse = 1.0 / below.hi;
  ScalarValue s = f * inverse;
  ScalarValue s_lo = fma(-s, below.lo, fma(-s, below.hi, f)) * inverse;
  Pair z = two_product(s, s);
  z.lo = fma(s + s, s_lo, z.lo);

  ScalarValue p = polynomial(z.hi, c);
  Pair term = two_product(z.hi, p);
  Pair q = fast_two_sum(number(third_hi), term.hi);
  q.lo = q.lo + (fma(z.lo, p, term.lo) + third_lo);
  Pair w = two_product(z.hi, q.hi);
  w.lo = w.lo + fma(z.hi, q.lo, z.lo * q.hi);
  Pair v = two_product(s, w.hi);
  v.lo = v.lo + fma(s, w.lo, s_lo * w.hi);
  Pair half = fast_two_sum(s, v.hi);
  half.lo = half.lo + (s_lo + v.lo);

  Pair sum = fast_two_sum(split.k * ln2_hi, half.hi * 2.0);
  return fast_two_sum(sum.hi, sum.lo + fma(split.k, number(ln2_lo), half.lo * 2.0));
}

/// |x|^y in f64; its cases at 0 and infinity follow from log 0 = -inf and log inf = inf.
ScalarValue power_of_size(ScalarValue size, ScalarValue y, bool f32) {
  loop::ScalarBuilder& b = *size.builder;
  ScalarValue zero = b.constant(DType::f64, 0);
  Pair log = f32 ? Pair{log_positive(split_exponent(size)), zero} : log_pair(size);
  log.hi = select(is_equal(size, 0), b.constant(DType::f64, -infinity), log.hi);
  log.hi = select(is_equal(size, infinity), size, log.hi);
  if (f32)
    return exponential(y * log.hi).value();
  Pair product = two_product(y, log.hi);
  ScalarValue rest = fma(y, log.lo, product.lo);
  // Beyond the range of exp the rest may be infinite or NaN and does not matter.
  rest = select(is_less(elementary::abs(product.hi), 1000), rest, zero);
  Exponential result = exponential(Pair{product.hi, rest});
  // What rounds to 0 has a factor of 0: one that underflows takes some 50 cycles, in each step of
  // Adam from its 7,000th on, where beta1^step is 0.
  result.scale[1] = select(is_less(product.hi, least_power), zero, result.scale[1]);
  return result.value();
}

ScalarValue expand_pow(const Expansion& e) {
  ScalarValue x = convert(e[0], DType::f64), y = convert(e[1], DType::f64);
  loop::ScalarBuilder& b = e.builder;
  ScalarValue one = b.constant(DType::f64, 1), size = elementary::abs(x);
  ScalarValue result = power_of_size(size, y, e.type == DType::f32);
  result = select(is_equal(size, 1), one, result); // (-1)^inf too
  // The sign of x survives odd powers; other real powers of numbers below 0 do not exist.
  ScalarValue negative = is_less(bits(x), 0);
  ScalarValue half = y * 0.5;
  ScalarValue whole = binary(ScalarOp::eq, unary(ScalarOp::trunc, y), y);
  ScalarValue odd = whole & binary(ScalarOp::ne, unary(ScalarOp::trunc, half), half);
  result = select(negative & odd, -result, result);
  result = select(is_less(x, 0) & is_greater(x, -infinity) & ~whole, b.constant(DType::f64, nan),
                  result);
  result = select(is_nan(x) | is_nan(y), b.constant(DType::f64, nan), result);
  result = select(is_equal(y, 0) | is_equal(x, 1), one, result);
  return convert(result, e.type);
}

Expr equals(Expr a, double b) { return apply(Opcode::Equal, a, constant_like(a, b)); }

/// y x^(y-1), which is 0 for y = 0 at any x, and x^y log x, which is 0 at x = 0 for y >= 0.
void pow_vjp(Vjp& v) {
  Expr x = v.operand(0), y = v.operand(1), zero = constant_like(x, 0);
  if (v.wants(0))
    v.add(0, v.guarded(select(equals(y, 0), zero, y * apply(Opcode::Pow, x, y - 1))));
  if (v.wants(1)) {
    Expr vanishes = apply(Opcode::LogicalAnd, equals(x, 0), apply(Opcode::GreaterEqual, y, zero));
    v.add(1, v.guarded(select(vanishes, zero, v.result() * apply(Opcode::Log, x))));
  }
}

constexpr SimplifyRule pow_rules[] = {
    {"pow(x, 0) => 1",
     [](Rewrite& r) {
       return r.is(1, 0) || r.is(1, -0.0) ? constant_like(r.operand(0), 1).value : Value{};
     }},
    {"pow(1, y) => 1", [](Rewrite& r) { return r.is(0, 1) ? r.operand(0).value : Value{}; }},
};

} // namespace

constinit const OpBlock blocks::Pow = {
    .summary = "power",
    .formula = "x^y; 1 for y = 0 or x = 1, even with a NaN",
    .domain = "x >= 0, or y whole; NaN elsewhere",
    .infer = rules::float_pointwise,
    .vjp = pow_vjp,
    .expand = expand_pow,
    .reference = [](std::span<const double> x) { return std::pow(x[0], x[1]); },
    .simplifications = pow_rules,
    .samples = ranges,
};

} // namespace gdjit
