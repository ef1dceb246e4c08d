// Selection, conversion of types, tests of single elements.
#include "Rules.h"
#include "gdjit/Ops/Rewrite.h"
#include "gdjit/Ops/Vjp.h"

#include <cmath>

namespace gdjit {

namespace {

constexpr Attr to_dtype[] = {Attr::dtype};

/// Whether every value of `from` is one of `to`.
bool holds(DType to, DType from) {
  if (from == to || from == DType::boolean)
    return true;
  return to == DType::f64 ? from == DType::f32 || from == DType::i32
                          : to == DType::i64 && from == DType::i32;
}

constexpr SimplifyRule select_rules[] = {
    {"select(true, a, b) => a",
     [](Rewrite& r) { return r.is(0, 1) ? r.operand(1).value : Value{}; }},
    {"select(false, a, b) => b",
     [](Rewrite& r) { return r.is(0, 0) ? r.operand(2).value : Value{}; }},
    {"select(c, a, a) => a",
     [](Rewrite& r) {
       return r.operand(1).value == r.operand(2).value ? r.operand(1).value : Value{};
     }},
    {"select(not c, a, b) => select(c, b, a)",
     [](Rewrite& r) {
       if (r.producer(0) != Opcode::LogicalNot)
         return Value{};
       return select(r.producer_operand(0, 0), r.operand(2), r.operand(1)).value;
     }},
    {"select(h == 1, 1, 0) => h, for h = one_hot(..)",
     [](Rewrite& r) {
       if (r.producer(0) != Opcode::Equal || !r.is(1, 1) || !r.is(2, 0.0))
         return Value{};
       Expr h = r.producer_operand(0, 0), one = r.producer_operand(0, 1);
       bool same = r.builder().graph().op(h.value.node) == Opcode::OneHot && h.type() == r.type() &&
                   r.builder().is_constant(one.value, 1);
       return same ? h.value : Value{};
     }},
};

constexpr SimplifyRule guard_rules[] = {
    {"guard(d, c) => d, for a constant c other than 0",
     [](Rewrite& r) {
       double c = 0;
       return r.builder().constant_value(r.operand(1).value, c) && c != 0 ? r.operand(0).value
                                                                          : Value{};
     }},
};

constexpr SimplifyRule cast_rules[] = {
    {"cast to the same type => x",
     [](Rewrite& r) { return r.operand(0).type() == r.type() ? r.operand(0).value : Value{}; }},
    {"cast(cast(x)) => cast(x), where the inner type holds every x",
     [](Rewrite& r) {
       if (r.producer(0) != Opcode::Cast)
         return Value{};
       Expr x = r.producer_operand(0, 0);
       return holds(r.operand(0).dtype(), x.dtype()) ? cast(x, r.type().dtype).value : Value{};
     }},
};

constexpr SimplifyRule stop_rules[] = {
    {"stop_gradient(x) => x, as no gradient is left to stop",
     [](Rewrite& r) { return r.operand(0).value; }},
};

} // namespace

constinit const OpBlock blocks::Select = {
    .summary = "one of two values by a condition",
    .formula = "condition ? a : b",
    .infer =
        [](const TypeRequest& request) {
          if (request.operands[0].dtype != DType::boolean)
            rules::fail("the condition is " + std::string(name(request.operands[0].dtype)) +
                            ", not bool",
                        "compare it, or convert with cast");
          TensorType type = rules::equal_types(request, rules::any_type, 1);
          if (request.operands[0].shape != type.shape)
            rules::fail("condition " + to_string(request.operands[0].shape) + " for values of " +
                            to_string(type.shape),
                        "broadcast or reshape one of them");
          return type;
        },
    .vjp =
        [](Vjp& v) {
          Expr zero = constant_like(v.g(), 0);
          if (v.wants(1))
            v.add(1, select(v.operand(0), v.g(), zero));
          if (v.wants(2))
            v.add(2, select(v.operand(0), zero, v.g()));
        },
    .expand = [](const Expansion& x) { return loop::select(x[0], x[1], x[2]); },
    .reference = [](std::span<const double> x) { return x[0] != 0 ? x[1] : x[2]; },
    .simplifications = select_rules,
};

constinit const OpBlock blocks::Guard = {
    .summary = "a derivative, or 0 where it is not finite and nothing flows through it",
    .formula = "g != 0 or d is finite ? d : 0, for operands d and g; g has the gradient 0",
    .infer = rules::float_pointwise,
    .vjp =
        [](Vjp& v) {
          Expr d = v.operand(0), zero = constant_like(d, 0), infinity = constant_like(d, HUGE_VAL);
          Expr finite = apply(Opcode::Less, apply(Opcode::Abs, d), infinity);
          Expr needed = apply(Opcode::NotEqual, v.operand(1), zero);
          v.add(0, select(apply(Opcode::LogicalOr, needed, finite), v.g(), zero));
          if (v.wants(1))
            v.add(1, zero);
        },
    .expand =
        [](const Expansion& x) {
          loop::ScalarValue d = x[0],
                            needed = loop::binary(loop::ScalarOp::ne, x[1], x.constant(0)),
                            finite = loop::binary(loop::ScalarOp::lt,
                                                  loop::unary(loop::ScalarOp::abs, d),
                                                  x.constant(HUGE_VAL));
          return loop::select(loop::binary(loop::ScalarOp::bit_or, needed, finite), d,
                              x.constant(0));
        },
    .reference =
        [](std::span<const double> x) { return x[1] != 0 || std::isfinite(x[0]) ? x[0] : 0; },
    .simplifications = guard_rules,
};

constinit const OpBlock blocks::Cast = {
    .summary = "the same value in another element type",
    .formula = "to floats: rounded to nearest even; to integers: truncated, saturated, NaN gives "
               "0; to bool: x != 0, "
               "NaN gives false",
    .attributes = to_dtype,
    .infer =
        [](const TypeRequest& request) {
          rules::need(request, Attr::dtype);
          return TensorType{request.attributes.dtype(Attr::dtype), request.operands[0].shape};
        },
    .vjp =
        [](Vjp& v) {
          if (is_float(v.operand(0).dtype()))
            v.add(0, is_float(v.g().dtype()) ? cast(v.g(), v.operand(0).dtype())
                                             : constant_like(v.operand(0), 0));
        },
    .expand = [](const Expansion& x) { return loop::convert(x[0], x.type); },
    .reference = [](std::span<const double> x) { return x[0]; },
    .simplifications = cast_rules,
};

constinit const OpBlock blocks::IsNan = {
    .summary = "whether an element is NaN",
    .formula = "x != x",
    .infer =
        [](const TypeRequest& request) {
          rules::require(request, 0, rules::floats);
          return TensorType{DType::boolean, request.operands[0].shape};
        },
    .not_differentiable = "the result is a bool, piecewise constant",
    .zero_gradient = true,
    .expand = [](const Expansion& x) { return loop::binary(loop::ScalarOp::ne, x[0], x[0]); },
    .reference = [](std::span<const double> x) -> double { return std::isnan(x[0]); },
};

constinit const OpBlock blocks::StopGradient = {
    .summary = "x, taken as a constant by derivatives",
    .formula = "x",
    .infer = rules::any_pointwise,
    .not_differentiable = "stated: no gradient passes",
    .zero_gradient = true,
    .expand = [](const Expansion& x) { return x[0]; },
    .reference = [](std::span<const double> x) { return x[0]; },
    .simplifications = stop_rules,
};

} // namespace gdjit
