// Bounds: minimum, maximum, clamp.
#include "OneOperation.h"
#include "Rules.h"
#include "gdjit/Ops/Rewrite.h"
#include "gdjit/Ops/Vjp.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gdjit {

using loop::ScalarOp;

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double reference_minimum(double a, double b) {
  if (std::isnan(a) || std::isnan(b))
    return nan;
  return a == b ? (std::signbit(a) ? a : b) : std::min(a, b);
}
double reference_maximum(double a, double b) { return -reference_minimum(-a, -b); }

/// The gradient goes to the operand that is the result, the first where it `wins` over the second.
template <Opcode wins> void vjp_of_chosen(Vjp& v) {
  Expr zero = constant_like(v.g(), 0), of_first = apply(wins, v.operand(0), v.operand(1));
  if (v.wants(0))
    v.add(0, select(of_first, v.g(), zero));
  if (v.wants(1))
    v.add(1, select(of_first, zero, v.g()));
}

constexpr SimplifyRule min_max_rules[] = {
    {"minimum(x, x) => x; maximum(x, x) => x",
     [](Rewrite& r) {
       return r.operand(0).value == r.operand(1).value ? r.operand(0).value : Value{};
     }},
};

} // namespace

constinit const OpBlock blocks::Minimum = {
    .summary = "the smaller of two, IEEE 754-2019 minimum",
    .formula =
        "b < a ? b : a; NaN if either is, -0 < +0; a tie's gradient goes to the first operand",
    .infer = rules::number_pointwise,
    .vjp = vjp_of_chosen<Opcode::LessEqual>,
    .expand = one_operation<ScalarOp::min>,
    .reference = [](std::span<const double> x) { return reference_minimum(x[0], x[1]); },
    .simplifications = min_max_rules,
};

constinit const OpBlock blocks::Maximum = {
    .summary = "the greater of two, IEEE 754-2019 maximum",
    .formula =
        "a < b ? b : a; NaN if either is, -0 < +0; a tie's gradient goes to the first operand",
    .infer = rules::number_pointwise,
    .vjp = vjp_of_chosen<Opcode::GreaterEqual>,
    .expand = one_operation<ScalarOp::max>,
    .reference = [](std::span<const double> x) { return reference_maximum(x[0], x[1]); },
    .simplifications = min_max_rules,
};

constinit const OpBlock blocks::Clamp = {
    .summary = "x kept between low and high",
    .formula = "minimum(maximum(x, low), high); at a bound the gradient goes to x",
    .infer = rules::number_pointwise,
    .vjp =
        [](Vjp& v) {
          Expr x = v.operand(0), low = v.operand(1), high = v.operand(2),
               zero = constant_like(v.g(), 0);
          Expr from_x = apply(Opcode::GreaterEqual, x, low);
          Expr inside = apply(Opcode::LessEqual, apply(Opcode::Maximum, x, low), high);
          Expr kept = select(inside, v.g(), zero);
          if (v.wants(0))
            v.add(0, select(from_x, kept, zero));
          if (v.wants(1))
            v.add(1, select(from_x, zero, kept));
          if (v.wants(2))
            v.add(2, select(inside, zero, v.g()));
        },
    .expand =
        [](const Expansion& x) {
          return loop::binary(ScalarOp::min, loop::binary(ScalarOp::max, x[0], x[1]), x[2]);
        },
    .reference =
        [](std::span<const double> x) {
          return reference_minimum(reference_maximum(x[0], x[1]), x[2]);
        },
};

} // namespace gdjit
