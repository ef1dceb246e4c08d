// Sine and cosine, right for every finite argument.
//
// x * 2/pi modulo 4 comes from windows of the bits of 2/pi (Payne and Hanek): bits that give whole
// multiples of 4 are left out, so the product is small and its fraction exact. One path for all x;
// f32 computes in f64.
#include "Elementary.h"
#include "Rules.h"
#include "gdjit/Ops/Vjp.h"

#include <algorithm>
#include <cmath>

namespace gdjit {

using namespace elementary;

namespace {

constexpr uint64_t two_over_pi[] = {
    0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041,
    0xfe5163abdebbc561, 0xb7246e3a424dd2e0, 0x06492eea09d1921c,
    0xfe1deb1cb129a73e, 0xe88235f52ebb4484, 0xe99c7026b45f7e41,
    0x3991d639835339f4, 0x9c845f8bbdf9283b, 0x1ff897ffde05980f,
    0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7, 0x4f463f669e5fea2d,
    0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08,
    0x56033046fc7b6bab, 0xf0cfbc209af4361d}; // 1280 bits behind the point
constexpr double pio2_hi = 0x1.921fb54442d18p0, pio2_lo = 0x1.1a62633145c07p-54;

/// 53 bits of 2/pi from bit `first` (1 is the one of weight 1/2), times 2^lift.
double window(int first, int lift) {
  uint64_t bits = 0;
  for (int i = first; i < first + 53; ++i)
    bits = bits << 1 | (two_over_pi[(i - 1) / 64] >> (63 - (i - 1) % 64) & 1);
  return std::ldexp(static_cast<double>(bits), lift - (first + 52));
}

/// Window `part` behind each first bit from 1 to `rows`.
std::shared_ptr<const Array> windows(int rows, int part, int lift) {
  auto table = std::make_shared<Array>(TensorType{DType::f64, Shape{rows}});
  for (int row = 0; row < rows; ++row)
    table->set(row, window(1 + row + 53 * part, lift));
  return table;
}

/// Where |x| >= 2^least its unit is so large that leading bits of 2/pi give multiples of 4: one
/// more bit per binade. `rows` reaches to infinity, which takes the last row and becomes NaN.
struct Windows {
  DType type;
  int least, rows, lift;
  std::shared_ptr<const Array> parts[4];
};

const Windows& windows_for(DType type) {
  static const Windows f32 = [] {
    Windows w{DType::f32, 25, 128 - 25 + 1, 0, {}};
    for (int i = 0; i < 2; ++i)
      w.parts[i] = windows(w.rows, i, w.lift);
    return w;
  }();
  static const Windows f64 = [] {
    Windows w{
        DType::f64, 54, 1024 - 54 + 1, 200, {}}; // lifted: the last windows would be subnormal
    for (int i = 0; i < 4; ++i)
      w.parts[i] = windows(w.rows, i, w.lift);
    return w;
  }();
  return type == DType::f32 ? f32 : f64;
}

/// |x| = (n + r / (pi/2)) * pi/2, |r| <= pi/4.
struct Quadrant {
  ScalarValue n; ///< i64; the low two bits count
  Pair r;
};

/// The row of the windows for |x|.
ScalarValue row_of(ScalarValue size, const Windows& w) {
  Format f = format(size.type());
  ScalarValue exponent = binary(ScalarOp::lshr, bits(size), f.mantissa);
  ScalarValue row = exponent - static_cast<double>(w.least + f.bias);
  row = select(is_less(row, 0), row.builder->constant(row.type(), 0), row);
  return convert(row, DType::i64);
}

constexpr double shifter = 0x1.8p52; ///< adding it leaves the nearest integer in the low bits

Quadrant reduce_single(ScalarValue size) {
  const Windows& w = windows_for(DType::f32);
  ScalarValue row = row_of(size, w), x = convert(size, DType::f64);
  loop::ScalarBuilder& b = *size.builder;
  Pair q = two_product(x, b.lookup(w.parts[0], row));
  ScalarValue rest = fma(x, b.lookup(w.parts[1], row), q.lo);
  ScalarValue shifted = q.hi + shifter;
  ScalarValue r = ((q.hi - (shifted - shifter)) + rest) * pio2_hi;
  return {bits(shifted), {r, b.constant(DType::f64, 0)}};
}

Quadrant reduce_double(ScalarValue size) {
  const Windows& w = windows_for(DType::f64);
  loop::ScalarBuilder& b = *size.builder;
  ScalarValue row = row_of(size, w), x = size * std::ldexp(1, -w.lift);
  Pair q[3];
  for (int i = 0; i < 3; ++i)
    q[i] = two_product(x, b.lookup(w.parts[i], row));
  ScalarValue last = x * b.lookup(w.parts[3], row);
  // Multiples of 4 that the first product still has.
  ScalarValue fours = unary(ScalarOp::round, q[0].hi * 0.25);
  ScalarValue main = fma(b.constant(DType::f64, -4), fours, q[0].hi);
  Pair low = two_sum(q[0].lo, q[1].hi);
  Pair sum = two_sum(main, low.hi);
  ScalarValue shifted = sum.hi + shifter;
  // What is left may cancel down to 2^-62: each step is exact.
  Pair a = two_sum(sum.hi - (shifted - shifter), sum.lo);
  Pair c = two_sum(a.hi, low.lo);
  Pair d = two_sum(c.hi, q[1].lo);
  Pair e = two_sum(d.hi, q[2].hi);
  Pair fraction = fast_two_sum(e.hi, ((a.lo + c.lo) + (d.lo + e.lo)) + (q[2].lo + last));
  Pair r = two_product(fraction.hi, b.constant(DType::f64, pio2_hi));
  ScalarValue more = fma(fraction.hi, b.constant(DType::f64, pio2_lo), r.lo);
  return {bits(shifted), {r.hi, fma(fraction.lo, b.constant(DType::f64, pio2_hi), more)}};
}

ScalarValue sine(Pair r, bool f32) {
  static constexpr double narrow[] = {-0x1.5555554c5fe14p-3, 0x1.1111085d5367p-7,
                                      -0x1.a00f749e46d7ep-13, 0x1.6ccf6d1c07decp-19}; // 2^-37.5
  static constexpr double wide[] = {-0x1.5555555555548p-3,  0x1.111111110f74dp-7,
                                    -0x1.a01a019beeebap-13, 0x1.71de355b7da7ep-19,
                                    -0x1.ae5e513c6bb75p-26, 0x1.5d8d2c137d4ep-33}; // 2^-57.9
  ScalarValue z = r.hi * r.hi;
  if (f32)
    return fma(r.hi * z, polynomial(z, narrow), r.hi);
  ScalarValue tail = r.lo * fma(z, z.builder->constant(DType::f64, -0.5), 1);
  return r.hi + fma(r.hi * z, polynomial(z, wide), tail);
}

ScalarValue cosine(Pair r, bool f32) {
  static constexpr double narrow[] = {-0x1.ffffffffebcc8p-2, 0x1.55555546d8e5p-5,
                                      -0x1.6c16b3ed2e666p-10, 0x1.a00f07267bbf9p-16,
                                      -0x1.23d6177613582p-22}; // 2^-43.8
  static constexpr double wide[] = {0x1.555555555554cp-5,  -0x1.6c16c16c15215p-10,
                                    0x1.a01a019cbd97p-16,  -0x1.27e4f810e87cap-22,
                                    0x1.1ee9efcb4c855p-29, -0x1.8fb042d162f2ap-37}; // 2^-64.1
  ScalarValue z = r.hi * r.hi;
  if (f32)
    return fma(z, polynomial(z, narrow), 1);
  Pair near_one = fast_two_sum(z.builder->constant(DType::f64, 1), z * -0.5);
  ScalarValue tail = fma(-r.hi, r.lo, near_one.lo);
  return near_one.hi + fma(z * z, polynomial(z, wide), tail);
}

/// sin(|x| + quarters * pi/2) * (negative ? -1 : 1) in f64.
ScalarValue sine_of(const Expansion& e, int quarters, const ScalarValue* negative) {
  bool f32 = e.type == DType::f32;
  ScalarValue size = elementary::abs(e[0]);
  Quadrant q = f32 ? reduce_single(size) : reduce_double(size);
  ScalarValue n = quarters ? q.n + static_cast<double>(quarters) : q.n;
  ScalarValue odd = binary(ScalarOp::ne, n & n.builder->constant(DType::i64, 1), 0);
  ScalarValue value = select(odd, cosine(q.r, f32), sine(q.r, f32));
  ScalarValue flip = binary(ScalarOp::ne, n & n.builder->constant(DType::i64, 2), 0);
  if (negative)
    flip = flip ^ *negative;
  return convert(select(flip, -value, value), e.type);
}

ScalarValue expand_sin(const Expansion& e) {
  ScalarValue negative = is_less(e[0], 0);
  ScalarValue result = sine_of(e, 0, &negative);
  return select(is_less(elementary::abs(e[0]), 0x1p-30), e[0], result);
}

ScalarValue expand_cos(const Expansion& e) { return sine_of(e, 1, nullptr); }

} // namespace

constinit const OpBlock blocks::Sin = {
    .summary = "sine of an angle in radians",
    .formula = "sin x",
    .domain = "finite x; NaN at +-inf",
    .infer = rules::float_pointwise,
    .vjp = [](Vjp& v) { v.add(0, v.guarded(apply(Opcode::Cos, v.operand(0)))); },
    .expand = expand_sin,
    .reference = [](std::span<const double> x) { return std::sin(x[0]); },
};

constinit const OpBlock blocks::Cos = {
    .summary = "cosine of an angle in radians",
    .formula = "cos x",
    .domain = "finite x; NaN at +-inf",
    .infer = rules::float_pointwise,
    .vjp = [](Vjp& v) { v.add(0, v.guarded(-apply(Opcode::Sin, v.operand(0)))); },
    .expand = expand_cos,
    .reference = [](std::span<const double> x) { return std::cos(x[0]); },
};

} // namespace gdjit
