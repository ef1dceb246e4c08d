// Logarithms: log and log1p.
//
// x = 2^k m with m near 1; log(m) is a polynomial (f32) or fdlibm's series in f / (2 + f) (f64).
#include "Elementary.h"
#include "Rules.h"
#include "gdjit/Ops/Vjp.h"

#include <cmath>
#include <limits>

namespace gdjit {

using namespace elementary;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr SampleRange positive[] = {{.low = 0.1, .high = 4}};
constexpr SampleRange above_minus_one[] = {{.low = -0.9, .high = 3}};

ScalarValue expand_log(const Expansion& e) {
  ScalarValue x = e[0];
  ScalarValue result = log_positive(split_exponent(x));
  // 0, infinity, NaN and numbers below 0.
  ScalarValue ordinary = is_greater(x, 0) & is_less(x, infinity);
  ScalarValue other = select(is_less(x, 0), e.constant(nan), x);
  other = select(is_equal(x, 0), e.constant(-infinity), other);
  return select(ordinary, result, other);
}

/// log(1 + x) of an f32 in f64: u = 1 + x loses what `rest` keeps.
ScalarValue log1p_single(ScalarValue x) {
  static constexpr double c[] = {
      -0x1.0000001868e6fp-1, 0x1.5555546d4cac8p-2, -0x1.ffffacf0d58cep-3, 0x1.999a1b107b5bep-3,
      -0x1.556886ffa1d7ep-3, 0x1.2492334629b0fp-3, -0x1.fc6c014a97094p-4, 0x1.c36c88e208f6ep-4,
      -0x1.bd4175c7b1d57p-4, 0x1.b760c9ad60fc1p-4, -0x1.eb0a422995962p-5}; // 2^-33.1
  constexpr double ln2 = 0x1.62e42fefa39efp-1;
  Pair u = two_sum(x.builder->constant(DType::f64, 1), x);
  Split split = split_exponent(u.hi);
  // Where k is 0 this is x; above, the low part does not count.
  ScalarValue zero = x.builder->constant(DType::f64, 0);
  ScalarValue f = split.f + select(is_less(u.hi, 2), u.lo, zero);
  return split.k * ln2 + fma(f * f, polynomial(f, c), f);
}

ScalarValue expand_log1p(const Expansion& e) {
  ScalarValue x = e[0], result;
  if (e.type == DType::f32) {
    result = convert(log1p_single(convert(x, DType::f64)), DType::f32);
  } else {
    Pair u = two_sum(e.constant(1), x);
    result = log_positive(split_exponent(u.hi), u.lo / u.hi);
  }
  ScalarValue ordinary = is_greater(x, -1) & is_less(x, infinity);
  ScalarValue other = select(is_less(x, -1), e.constant(nan), x);
  other = select(is_equal(x, -1), e.constant(-infinity), other);
  // Tiny x is its own result, the sign of -0 included.
  return select(ordinary & ~is_less(elementary::abs(x), 0x1p-60), result, other);
}

} // namespace

constinit const OpBlock blocks::Log = {
    .summary = "natural logarithm",
    .formula = "ln x",
    .domain = "x > 0; -inf at 0, NaN below",
    .infer = rules::float_pointwise,
    .vjp = [](Vjp& v) { v.add(0, v.guarded(1 / v.operand(0))); },
    .expand = expand_log,
    .reference = [](std::span<const double> x) { return std::log(x[0]); },
    .samples = positive,
};

constinit const OpBlock blocks::Log1p = {
    .summary = "log(1 + x), accurate near 0",
    .formula = "ln(1 + x)",
    .domain = "x > -1; -inf at -1, NaN below",
    .infer = rules::float_pointwise,
    .vjp = [](Vjp& v) { v.add(0, v.guarded(1 / (v.operand(0) + 1))); },
    .expand = expand_log1p,
    .reference = [](std::span<const double> x) { return std::log1p(x[0]); },
    .samples = above_minus_one,
};

} // namespace gdjit
