// Exact sums and products, polynomials, and the cores of exp and log.
//
// Coefficients are from Sollya's fpminimax; the error named beside each is that of the polynomial
// alone.
#include "Elementary.h"

#include "gdjit/Support/Error.h"

#include <vector>

namespace gdjit::elementary {

using loop::fma;

Pair fast_two_sum(ScalarValue a, ScalarValue b) {
  ScalarValue sum = a + b;
  return {sum, b - (sum - a)};
}

Pair two_sum(ScalarValue a, ScalarValue b) {
  ScalarValue sum = a + b;
  ScalarValue b_part = sum - a;
  return {sum, (a - (sum - b_part)) + (b - b_part)};
}

Pair two_product(ScalarValue a, ScalarValue b) {
  ScalarValue product = a * b;
  return {product, fma(a, b, -product)};
}

ScalarValue divide(Pair a, Pair b) {
  ScalarValue inverse = 1.0 / b.hi;
  ScalarValue q = a.hi * inverse;
  ScalarValue rest = fma(-q, b.lo, fma(-q, b.hi, a.hi) + a.lo);
  return fma(rest, inverse, q);
}

ScalarValue polynomial(ScalarValue x, std::span<const double> coefficients) {
  std::vector<ScalarValue> terms;
  for (size_t i = 0; i + 1 < coefficients.size(); i += 2) {
    ScalarValue low = x.builder->constant(x.type(), coefficients[i]);
    terms.push_back(fma(x.builder->constant(x.type(), coefficients[i + 1]), x, low));
  }
  if (coefficients.size() % 2 == 1)
    terms.push_back(x.builder->constant(x.type(), coefficients.back()));
  for (ScalarValue power = x * x; terms.size() > 1; power = power * power) {
    size_t half = (terms.size() + 1) / 2;
    for (size_t i = 0; i < half; ++i)
      terms[i] =
          2 * i + 1 < terms.size() ? fma(terms[2 * i + 1], power, terms[2 * i]) : terms[2 * i];
    terms.resize(half);
  }
  return terms[0];
}

Format format(DType type) {
  GDJIT_CHECK(is_float(type));
  return type == DType::f32 ? Format{DType::i32, 23, 127} : Format{DType::i64, 52, 1023};
}

ScalarValue bits(ScalarValue x) { return bitcast(x, format(x.type()).integer); }
ScalarValue from_bits(ScalarValue x) {
  return bitcast(x, x.type() == DType::i32 ? DType::f32 : DType::f64);
}
ScalarValue abs(ScalarValue x) { return unary(ScalarOp::abs, x); }
ScalarValue is_less(ScalarValue a, double b) { return binary(ScalarOp::lt, a, b); }
ScalarValue is_greater(ScalarValue a, double b) { return binary(ScalarOp::gt, a, b); }
ScalarValue is_equal(ScalarValue a, double b) { return binary(ScalarOp::eq, a, b); }
ScalarValue is_nan(ScalarValue x) { return binary(ScalarOp::ne, x, x); }

ScalarValue clamp(ScalarValue x, double low, double high) {
  x = select(is_less(x, low), x.builder->constant(x.type(), low), x);
  return select(is_greater(x, high), x.builder->constant(x.type(), high), x);
}

ScalarValue copy_sign(ScalarValue magnitude, ScalarValue sign) {
  DType integer = format(sign.type()).integer;
  int top = sign.type() == DType::f32 ? 31 : 63;
  ScalarValue mask = sign.builder->constant_bits(integer, loop::Bits{1} << top);
  return from_bits((bits(magnitude) & ~mask) | (bits(sign) & mask));
}

namespace {

bool single(ScalarValue x) { return x.type() == DType::f32; }

/// Adding this leaves the nearest integer in the low bits of the significand.
double shifter(DType type) { return type == DType::f32 ? 0x1.8p23 : 0x1.8p52; }

loop::Bits all_bits(const Format& f) {
  return f.integer == DType::i32 ? loop::Bits{0xffffffff} : ~loop::Bits{0};
}

} // namespace

Reduced reduce_exp(ScalarValue x, int offset) {
  constexpr double log2_e = 0x1.71547652b82fep+0;
  double magic = shifter(x.type()) + offset;
  ScalarValue shifted = fma(x, x.builder->constant(x.type(), log2_e), magic);
  ScalarValue n = shifted - magic;
  // n * ln2_hi is a multiple of ln2_hi's last bit, as is the difference: hi is exact.
  double ln2_hi = single(x) ? 0x1.62e43p-1 : 0x1.62e42fefa39efp-1;
  double ln2_lo = single(x) ? -0x1.05c61p-29 : 0x1.abc9e3b39803fp-56;
  ScalarValue hi = fma(n, x.builder->constant(x.type(), -ln2_hi), x);
  ScalarValue lo = n * -ln2_lo;
  return {{hi, lo}, fma(n, x.builder->constant(x.type(), -ln2_lo), hi), n, bits(shifted)};
}

ScalarValue exp_tail(ScalarValue r) {
  static constexpr double f32[] = {0x1.fffffep-2, 0x1.55548ep-3, 0x1.555658p-5, 0x1.123bfcp-7,
                                   0x1.6c5392p-10}; // exp: 2^-28.0
  static constexpr double f64[] = {
      0x1.000000000000cp-1,  0x1.5555555555561p-3,  0x1.555555554fdd8p-5,  0x1.111111110d636p-7,
      0x1.6c16c18616d6dp-10, 0x1.a01a01bae62cbp-13, 0x1.a019958574677p-16, 0x1.71dddfbea7854p-19,
      0x1.28b12f37044e7p-22, 0x1.af85a23930574p-26}; // exp: 2^-57.9
  return single(r) ? polynomial(r, f32) : polynomial(r, f64);
}

Exponential exponential(ScalarValue x) { return exponential(Pair{x, {}}); }

// Below, the result rounds to 0; above, it overflows. Both come out of the scaling.
static double least_exponent(ScalarValue x) { return single(x) ? -104 : -746; }
static double greatest_exponent(ScalarValue x) { return single(x) ? 89 : 710; }

/// 2^n in two factors, so that subnormal results and the last ones before infinity are right;
/// reduced with an offset of twice the bias.
static std::array<ScalarValue, 2> power_of_two(const Reduced& reduced) {
  Format f = format(reduced.n.type());
  ScalarValue upper = reduced.n.builder->constant_bits(
      f.integer, ~((loop::Bits{1} << f.mantissa) - 1) & all_bits(f));
  ScalarValue half = binary(ScalarOp::shl, reduced.offset, f.mantissa - 1) & upper;
  ScalarValue other = binary(ScalarOp::shl, reduced.offset, f.mantissa) - half;
  return {from_bits(half), from_bits(other)};
}

/// e^(main + extra), `main` between these two.
static Exponential exponential_within(ScalarValue main, ScalarValue extra) {
  Reduced reduced = reduce_exp(main, 2 * format(main.type()).bias);
  ScalarValue lo = extra.builder ? reduced.parts.lo + extra : reduced.parts.lo;
  ScalarValue r = reduced.parts.hi + lo;
  // hi is exact and lo joins the small terms: one rounding less in the sum that counts.
  ScalarValue beyond_one = reduced.parts.hi + fma(r * r, exp_tail(r), lo);
  Pair mantissa = fast_two_sum(main.builder->constant(main.type(), 1), beyond_one);
  return {mantissa, power_of_two(reduced)};
}

Exponential exponential(Pair x) {
  return exponential_within(clamp(x.hi, least_exponent(x.hi), greatest_exponent(x.hi)), x.lo);
}

ScalarValue exponential_of_single(ScalarValue x) {
  x = clamp(x, least_exponent(x), greatest_exponent(x));
  Reduced reduced = reduce_exp(x, 2 * format(x.type()).bias);
  ScalarValue one = x.builder->constant(x.type(), 1);
  ScalarValue mantissa = fma(reduced.r, fma(reduced.r, exp_tail(reduced.r), one), one);
  // Of a mantissa between 1/2 and 2 both round once.
  if (x.builder->has_scaleb())
    return binary(ScalarOp::scaleb, mantissa, reduced.n);
  return Exponential{{mantissa, {}}, power_of_two(reduced)}.value();
}

Exponential exponential_of_negative(ScalarValue x) {
  double least = least_exponent(x);
  return exponential_within(select(is_less(x, least), x.builder->constant(x.type(), least), x), {});
}

Pair exp_minus_one_negative(ScalarValue x) {
  Format f = format(x.type());
  Reduced reduced = reduce_exp(x, f.bias);
  ScalarValue r = reduced.parts.hi + reduced.parts.lo;
  ScalarValue scale = from_bits(binary(ScalarOp::shl, reduced.offset, f.mantissa));
  // -1 + scale + scale * hi are added exactly; all else is small. Where -1 + scale rounds, the
  // result is next to -1 and what was lost still decides its last bit.
  Pair base = fast_two_sum(x.builder->constant(x.type(), -1), scale);
  Pair sum = fast_two_sum(base.hi, scale * reduced.parts.hi);
  ScalarValue small = fma(r * r, exp_tail(r), reduced.parts.lo);
  return fast_two_sum(sum.hi, fma(scale, small, sum.lo + base.lo));
}

Split split_exponent(ScalarValue x) {
  Format f = format(x.type());
  loop::ScalarBuilder& b = *x.builder;
  // Subnormals are scaled into the normal range.
  double lift = single(x) ? 0x1p23 : 0x1p52;
  ScalarValue small = is_less(x, single(x) ? 0x1p-126 : 0x1p-1022);
  ScalarValue i = bits(select(small, x * lift, x));
  // Shifted so that the exponent field changes at sqrt(1/2).
  ScalarValue root = bits(b.constant(x.type(), 0x1.6a09e667f3bcdp-1));
  ScalarValue one = bits(b.constant(x.type(), 1));
  ScalarValue shifted = i + (one - root);
  ScalarValue exponent = binary(ScalarOp::lshr, shifted, f.mantissa);
  ScalarValue fraction = b.constant_bits(f.integer, (loop::Bits{1} << f.mantissa) - 1);
  ScalarValue m = from_bits((shifted & fraction) + root);
  // exponent as a float: into the low bits of a large one.
  double large = single(x) ? 0x1p23 : 0x1p52;
  ScalarValue biased = from_bits(exponent | bits(b.constant(x.type(), large)));
  ScalarValue offset = select(small, b.constant(x.type(), large + f.bias + f.mantissa),
                              b.constant(x.type(), large + f.bias));
  return {biased - offset, m, m - 1.0};
}

ScalarValue log_positive(const Split& split) { return log_positive(split, {}); }

ScalarValue log_positive(const Split& split, ScalarValue extra) {
  ScalarValue f = split.f, k = split.k;
  loop::ScalarBuilder& b = *f.builder;
  // k * ln2_hi is exact, and so is its sum with f as a pair.
  double ln2_hi = single(f) ? 0x1.62e4p-1 : 0x1.62e42fefa38p-1;
  double ln2_lo = single(f) ? 0x1.7f7d1cp-20 : 0x1.ef35793c7673p-45;
  Pair sum = fast_two_sum(k * ln2_hi, f);
  ScalarValue rest = extra.builder ? sum.lo + extra : sum.lo;
  ScalarValue small = fma(k, b.constant(f.type(), ln2_lo), rest);
  if (single(f)) {
    static constexpr double c[] = {0x1.555548p-2,  -0x1.000008p-2, 0x1.99a478p-3,
                                   -0x1.555b8cp-3, 0x1.233af6p-3,  -0x1.fc3e3ap-4,
                                   0x1.e6dd24p-4,  -0x1.dd992ap-4, 0x1.13be0cp-4}; // 2^-30.3
    return sum.hi + fma(f * f, fma(f, polynomial(f, c), -0.5), small);
  }
  // log(1 + f) = f - f^2/2 + s (f^2/2 + R(s^2)), s = f / (2 + f)  (fdlibm, e_log.c)
  static constexpr double c[] = {0x1.5555555555558p-1, 0x1.99999999952d9p-2, 0x1.2492492df75b2p-2,
                                 0x1.c71c62dc17c4ap-3, 0x1.7462b76fd5e16p-3, 0x1.39fe05dd81adbp-3,
                                 0x1.2b5c824eb9ff7p-3}; // 2^-57.6
  ScalarValue s = f / (f + 2.0), z = s * s, half_square = f * f * 0.5;
  ScalarValue tail = fma(s, fma(z, polynomial(z, c), half_square), small);
  return sum.hi + (tail - half_square);
}

} // namespace gdjit::elementary
