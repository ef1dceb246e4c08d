// Arithmetic: + - * / fma remainder, and the functions of one operand made of them.
#include "OneOperation.h"
#include "Rules.h"
#include "gdjit/Ops/Rewrite.h"
#include "gdjit/Ops/Vjp.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gdjit {

using loop::ScalarOp;
using loop::ScalarValue;

namespace {

bool is_int(const Rewrite& r) { return is_integer(r.type().dtype); }

// The result of a rule: an operand, or nothing.
Value first(Rewrite& r, bool holds) { return holds ? r.operand(0).value : Value{}; }
Value second(Rewrite& r, bool holds) { return holds ? r.operand(1).value : Value{}; }

/// remainder of floats: exact where |a / b| < 2^53 (f32 computes in f64), 0 with the sign of b
/// beyond.
ScalarValue float_remainder(const Expansion& x) {
  ScalarValue a = loop::convert(x[0], DType::f64), b = loop::convert(x[1], DType::f64);
  ScalarValue q = loop::unary(ScalarOp::trunc, a / b);
  ScalarValue m =
      loop::fma(-q, b, a); // exact, and of a's sign unless a / b was rounded up to an integer
  ScalarValue zero = x.builder.constant(DType::f64, 0);
  ScalarValue size_a = loop::unary(ScalarOp::abs, a), size_b = loop::unary(ScalarOp::abs, b);
  ScalarValue size_q = loop::unary(ScalarOp::abs, q);
  ScalarValue huge = loop::binary(ScalarOp::ge, size_q, 0x1p53) &
                     loop::binary(ScalarOp::lt, size_q, std::numeric_limits<double>::infinity());
  // a / b may overflow while both are finite and b is not 0.
  ScalarValue overflow =
      loop::binary(ScalarOp::eq, size_q, std::numeric_limits<double>::infinity()) &
      loop::binary(ScalarOp::lt, size_a, std::numeric_limits<double>::infinity()) &
      loop::binary(ScalarOp::ne, b, 0);
  m = loop::select(huge | overflow, zero, m);
  m = loop::select(loop::binary(ScalarOp::lt, size_a, size_b), a, m);
  ScalarValue negative_b = loop::binary(ScalarOp::lt, b, 0);
  ScalarValue other_sign = loop::binary(ScalarOp::lt, m, 0) ^ negative_b;
  ScalarValue is_zero = loop::binary(ScalarOp::eq, m, 0);
  m = loop::select(other_sign & ~is_zero & loop::binary(ScalarOp::eq, m, m), m + b, m);
  m = loop::select(is_zero, loop::select(negative_b, -zero, zero), m);
  return loop::convert(m, x.type);
}

ScalarValue expand_remainder(const Expansion& x) {
  if (is_float(x.type))
    return float_remainder(x);
  ScalarValue a = x[0], b = x[1];
  ScalarValue m = loop::binary(ScalarOp::rem, a, b);
  ScalarValue correct = loop::binary(ScalarOp::ne, m, 0) & loop::binary(ScalarOp::lt, m ^ b, 0);
  return loop::select(correct, m + b, m);
}

double reference_remainder(std::span<const double> x) {
  double m = std::fmod(x[0], x[1]);
  if (m != 0 && (m < 0) != (x[1] < 0))
    m += x[1];
  return m == 0 ? std::copysign(0.0, x[1]) : m;
}

void product_vjp(Vjp& v) {
  if (v.wants(0))
    v.add(0, v.g() * v.operand(1));
  if (v.wants(1))
    v.add(1, v.g() * v.operand(0));
}

ScalarValue expand_sign(const Expansion& x) {
  ScalarValue one = x.constant(1);
  return loop::select(loop::binary(ScalarOp::gt, x[0], 0), one,
                      loop::select(loop::binary(ScalarOp::lt, x[0], 0), -one, x[0]));
}

// x + -0 keeps every x; x + 0 does not (-0 + 0 = 0), except for integers, where the two zeros are
// one.
constexpr SimplifyRule add_rules[] = {
    {"x + -0 => x; of integers x + 0 => x",
     [](Rewrite& r) { return first(r, r.is(1, is_int(r) ? 0.0 : -0.0)); }},
    {"-0 + x => x; of integers 0 + x => x",
     [](Rewrite& r) { return second(r, r.is(0, is_int(r) ? 0.0 : -0.0)); }},
    {"x + -y => x - y",
     [](Rewrite& r) {
       return r.producer(1) == Opcode::Negate ? (r.operand(0) - r.producer_operand(1, 0)).value
                                              : Value{};
     }},
};
constexpr SimplifyRule sub_rules[] = {
    {"x - 0 => x", [](Rewrite& r) { return first(r, r.is(1, 0.0)); }},
    {"-0 - x => -x; of integers 0 - x => -x",
     [](Rewrite& r) { return r.is(0, is_int(r) ? 0.0 : -0.0) ? (-r.operand(1)).value : Value{}; }},
    {"x - -y => x + y",
     [](Rewrite& r) {
       return r.producer(1) == Opcode::Negate ? (r.operand(0) + r.producer_operand(1, 0)).value
                                              : Value{};
     }},
    {"x - x => 0 of integers",
     [](Rewrite& r) {
       bool same = is_int(r) && r.operand(0).value == r.operand(1).value;
       return same ? constant_like(r.operand(0), 0).value : Value{};
     }},
};
constexpr SimplifyRule mul_rules[] = {
    {"x * 1 => x", [](Rewrite& r) { return first(r, r.is(1, 1)); }},
    {"1 * x => x", [](Rewrite& r) { return second(r, r.is(0, 1)); }},
    {"x * -1 => -x", [](Rewrite& r) { return r.is(1, -1) ? (-r.operand(0)).value : Value{}; }},
    {"-1 * x => -x", [](Rewrite& r) { return r.is(0, -1) ? (-r.operand(1)).value : Value{}; }},
    {"x * 0 => 0 of integers", [](Rewrite& r) { return second(r, is_int(r) && r.is(1, 0.0)); }},
    {"0 * x => 0 of integers", [](Rewrite& r) { return first(r, is_int(r) && r.is(0, 0.0)); }},
    {"-x * c => x * -c, c one constant",
     [](Rewrite& r) {
       double c = 0;
       bool holds = r.producer(0) == Opcode::Negate && !is_int(r) &&
                    r.builder().constant_value(r.operand(1).value, c);
       return holds ? (r.producer_operand(0, 0) * constant_like(r.operand(1), -c)).value : Value{};
     }},
    {"-x * -y => x * y",
     [](Rewrite& r) {
       bool both = r.producer(0) == Opcode::Negate && r.producer(1) == Opcode::Negate;
       return both ? (r.producer_operand(0, 0) * r.producer_operand(1, 0)).value : Value{};
     }},
};
constexpr SimplifyRule div_rules[] = {
    {"x / 1 => x", [](Rewrite& r) { return first(r, r.is(1, 1)); }},
    {"x / -1 => -x", [](Rewrite& r) { return r.is(1, -1) ? (-r.operand(0)).value : Value{}; }},
    {"x / 2^k => x * 2^-k of floats, where 2^-k is a normal number",
     [](Rewrite& r) {
       double c = 0;
       int exponent = 0;
       if (!is_float(r.type().dtype) || !r.builder().constant_value(r.operand(1).value, c))
         return Value{};
       bool power = std::isfinite(c) && std::fabs(std::frexp(c, &exponent)) == 0.5;
       if (!power || std::abs(exponent) > 120)
         return Value{};
       return (r.operand(0) * constant_like(r.operand(1), 1 / c)).value;
     }},
};
constexpr SimplifyRule neg_rules[] = {
    {"-(-x) => x",
     [](Rewrite& r) {
       return r.producer(0) == Opcode::Negate ? r.producer_operand(0, 0).value : Value{};
     }},
};
constexpr SimplifyRule abs_rules[] = {
    {"abs(-x) => abs(x)",
     [](Rewrite& r) {
       return r.producer(0) == Opcode::Negate ? apply(Opcode::Abs, r.producer_operand(0, 0)).value
                                              : Value{};
     }},
    {"abs(abs(x)) => abs(x)", [](Rewrite& r) { return first(r, r.producer(0) == Opcode::Abs); }},
};
constexpr SimplifyRule square_rules[] = {
    {"square(-x) => square(x); square(abs(x)) => square(x)",
     [](Rewrite& r) {
       bool sign_only = r.producer(0) == Opcode::Negate || r.producer(0) == Opcode::Abs;
       return sign_only ? apply(Opcode::Square, r.producer_operand(0, 0)).value : Value{};
     }},
};
constexpr SimplifyRule relu_rules[] = {
    {"relu(relu(x)) => relu(x)",
     [](Rewrite& r) { return first(r, r.producer(0) == Opcode::Relu); }},
};

constexpr SampleRange divisor[] = {{-3, 3}, {0.5, 3}};

} // namespace

constinit const OpBlock blocks::Add = {
    .summary = "sum of two tensors",
    .formula = "a + b",
    .infer = rules::number_pointwise,
    .vjp =
        [](Vjp& v) {
          v.add(0, v.g());
          v.add(1, v.g());
        },
    .expand = one_operation<ScalarOp::add>,
    .reference = [](std::span<const double> x) { return x[0] + x[1]; },
    .simplifications = add_rules,
};

constinit const OpBlock blocks::Subtract = {
    .summary = "difference of two tensors",
    .formula = "a - b",
    .infer = rules::number_pointwise,
    .vjp =
        [](Vjp& v) {
          v.add(0, v.g());
          if (v.wants(1))
            v.add(1, -v.g());
        },
    .expand = one_operation<ScalarOp::sub>,
    .reference = [](std::span<const double> x) { return x[0] - x[1]; },
    .simplifications = sub_rules,
};

constinit const OpBlock blocks::Multiply = {
    .summary = "product, element by element",
    .formula = "a * b",
    .infer = rules::number_pointwise,
    .vjp = product_vjp,
    .expand = one_operation<ScalarOp::mul>,
    .reference = [](std::span<const double> x) { return x[0] * x[1]; },
    .simplifications = mul_rules,
};

constinit const OpBlock blocks::Fma = {
    .summary = "product and sum, element by element, of floats rounded once",
    .formula = "a * b + c",
    .infer = rules::number_pointwise,
    .vjp =
        [](Vjp& v) {
          product_vjp(v);
          v.add(2, v.g());
        },
    .expand =
        [](const Expansion& x) {
          return is_float(x.type) ? loop::fma(x[0], x[1], x[2]) : x[0] * x[1] + x[2];
        },
    .reference = [](std::span<const double> x) { return std::fma(x[0], x[1], x[2]); },
};

constinit const OpBlock blocks::Divide = {
    .summary = "quotient, element by element",
    .formula = "a / b; of integers truncated toward 0",
    .domain = "integers: x / 0 = 0, MIN / -1 = MIN",
    .infer = rules::number_pointwise,
    .vjp =
        [](Vjp& v) {
          double c = 0; // 0 / c is 0 for every other constant c
          bool safe = v.builder().constant_value(v.operand(1).value, c) && c != 0 && !std::isnan(c);
          if (v.wants(0))
            v.add(0, safe ? v.g() / v.operand(1) : v.guarded(1 / v.operand(1)));
          if (v.wants(1))
            v.add(1, v.guarded(-(v.result() / v.operand(1))));
        },
    .expand = one_operation<ScalarOp::div>,
    .reference = [](std::span<const double> x) { return x[0] / x[1]; },
    .simplifications = div_rules,
    .samples = divisor,
};

constinit const OpBlock blocks::Remainder = {
    .summary = "remainder with the sign of the divisor, as in Python",
    .formula = "a - floor(a / b) * b",
    .domain = "floats: NaN for b = 0 or infinite a, 0 where |a / b| >= 2^53; integers: "
              "remainder(x, 0) = x",
    .infer = rules::number_pointwise,
    .vjp =
        [](Vjp& v) {
          v.add(0, v.g());
          if (v.wants(1)) // the quotient, an integer, found again without its rounding
            v.add(1, v.guarded(-apply(Opcode::Round, (v.operand(0) - v.result()) / v.operand(1))));
        },
    .expand = expand_remainder,
    .reference = reference_remainder,
    .samples = divisor,
};

constinit const OpBlock blocks::Negate = {
    .summary = "the negative",
    .formula = "-x; the sign bit flips, integers wrap",
    .infer = rules::number_pointwise,
    .vjp = [](Vjp& v) { v.add(0, -v.g()); },
    .expand = one_operation<ScalarOp::neg>,
    .reference = [](std::span<const double> x) { return -x[0]; },
    .simplifications = neg_rules,
};

constinit const OpBlock blocks::Abs = {
    .summary = "absolute value",
    .formula = "|x|; |x|' at 0 is 0; integers wrap",
    .infer = rules::number_pointwise,
    .vjp = [](Vjp& v) { v.add(0, v.g() * apply(Opcode::Sign, v.operand(0))); },
    .expand = one_operation<ScalarOp::abs>,
    .reference = [](std::span<const double> x) { return std::fabs(x[0]); },
    .simplifications = abs_rules,
};

constinit const OpBlock blocks::Sign = {
    .summary = "sign of x",
    .formula = "x > 0 ? 1 : x < 0 ? -1 : x",
    .infer = rules::number_pointwise,
    .not_differentiable = "piecewise constant",
    .zero_gradient = true,
    .expand = expand_sign,
    .reference = [](std::span<const double> x) { return x[0] > 0   ? 1
                                                        : x[0] < 0 ? -1
                                                                   : x[0]; },
};

constinit const OpBlock blocks::Square = {
    .summary = "x times x",
    .formula = "x * x",
    .infer = rules::number_pointwise,
    .vjp = [](Vjp& v) { v.add(0, v.g() * 2 * v.operand(0)); },
    .expand = [](const Expansion& x) { return x[0] * x[0]; },
    .reference = [](std::span<const double> x) { return x[0] * x[0]; },
    .simplifications = square_rules,
};

constinit const OpBlock blocks::Relu = {
    .summary = "rectified linear unit",
    .formula = "x < 0 ? 0 : x; NaN and -0 pass, relu'(0) = 0",
    .infer = rules::number_pointwise,
    .vjp =
        [](Vjp& v) {
          Expr zero = constant_like(v.g(), 0);
          v.add(0, select(apply(Opcode::Greater, v.operand(0), zero), v.g(), zero));
        },
    .expand =
        [](const Expansion& x) {
          return loop::select(loop::binary(ScalarOp::lt, x[0], 0), x.constant(0), x[0]);
        },
    .reference = [](std::span<const double> x) { return x[0] < 0 ? 0 : x[0]; },
    .simplifications = relu_rules,
};

} // namespace gdjit
