// Logic on bool tensors.
#include "OneOperation.h"
#include "Rules.h"
#include "gdjit/Ops/Rewrite.h"

namespace gdjit {

using loop::ScalarOp;

namespace {

constexpr std::string_view reason = "the operands are bool";

/// The other operand, or the constant itself, where one operand is the constant `value`.
template <int value, bool gives_other> Value with_constant(Rewrite& r) {
  for (int i : {0, 1})
    if (r.is(i, value))
      return r.operand(gives_other ? 1 - i : i).value;
  return {};
}
Value of_itself(Rewrite& r) {
  return r.operand(0).value == r.operand(1).value ? r.operand(0).value : Value{};
}

constexpr SimplifyRule and_rules[] = {
    {"x and true => x", with_constant<1, true>},
    {"x and false => false", with_constant<0, false>},
    {"x and x => x", of_itself},
};
constexpr SimplifyRule or_rules[] = {
    {"x or false => x", with_constant<0, true>},
    {"x or true => true", with_constant<1, false>},
    {"x or x => x", of_itself},
};
constexpr SimplifyRule xor_rules[] = {
    {"x xor false => x", with_constant<0, true>},
};
constexpr SimplifyRule not_rules[] = {
    {"not not x => x",
     [](Rewrite& r) {
       return r.producer(0) == Opcode::LogicalNot ? r.producer_operand(0, 0).value : Value{};
     }},
};

} // namespace

constinit const OpBlock blocks::LogicalAnd = {
    .summary = "both",
    .formula = "a and b",
    .infer = rules::bool_pointwise,
    .not_differentiable = reason,
    .zero_gradient = true,
    .expand = one_operation<ScalarOp::bit_and>,
    .reference = [](std::span<const double> x) -> double { return x[0] != 0 && x[1] != 0; },
    .simplifications = and_rules,
};

constinit const OpBlock blocks::LogicalOr = {
    .summary = "one or both",
    .formula = "a or b",
    .infer = rules::bool_pointwise,
    .not_differentiable = reason,
    .zero_gradient = true,
    .expand = one_operation<ScalarOp::bit_or>,
    .reference = [](std::span<const double> x) -> double { return x[0] != 0 || x[1] != 0; },
    .simplifications = or_rules,
};

constinit const OpBlock blocks::LogicalXor = {
    .summary = "exactly one",
    .formula = "a xor b",
    .infer = rules::bool_pointwise,
    .not_differentiable = reason,
    .zero_gradient = true,
    .expand = one_operation<ScalarOp::bit_xor>,
    .reference = [](std::span<const double> x) -> double { return (x[0] != 0) != (x[1] != 0); },
    .simplifications = xor_rules,
};

constinit const OpBlock blocks::LogicalNot = {
    .summary = "the opposite",
    .formula = "not a",
    .infer = rules::bool_pointwise,
    .not_differentiable = reason,
    .zero_gradient = true,
    .expand = [](const Expansion& x) { return ~x[0]; },
    .reference = [](std::span<const double> x) -> double { return x[0] == 0; },
    .simplifications = not_rules,
};

} // namespace gdjit
