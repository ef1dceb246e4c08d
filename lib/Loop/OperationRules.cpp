// Types of scalar operations.
#include "OperationRules.h"

#include "gdjit/Loop/Types.h"

#include <fmt/format.h>

namespace gdjit::loop {

namespace {

enum class Domain : uint8_t {
  any,
  numbers,
  floats,
  integers,
  bits,
  f32_only,
  i64_only,
  i32_only,
  not_here
};

Domain domain(ScalarOp op) {
  switch (op) {
  case ScalarOp::add:
  case ScalarOp::sub:
  case ScalarOp::mul:
  case ScalarOp::div:
  case ScalarOp::neg:
  case ScalarOp::abs:
  case ScalarOp::min:
  case ScalarOp::max:
    return Domain::numbers;
  case ScalarOp::rem:
  case ScalarOp::shl:
  case ScalarOp::ashr:
  case ScalarOp::lshr:
    return Domain::integers;
  case ScalarOp::fma:
  case ScalarOp::sqrt:
  case ScalarOp::floor:
  case ScalarOp::ceil:
  case ScalarOp::trunc:
  case ScalarOp::round:
  case ScalarOp::call:
    return Domain::floats;
  case ScalarOp::scaleb:
    return Domain::f32_only;
  case ScalarOp::bit_and:
  case ScalarOp::bit_or:
  case ScalarOp::bit_xor:
  case ScalarOp::bit_not:
    return Domain::bits;
  case ScalarOp::bitcast:
    return Domain::numbers;
  case ScalarOp::low32:
    return Domain::i64_only;
  case ScalarOp::zext:
    return Domain::i32_only;
  case ScalarOp::lookup:
    return Domain::not_here;
  case ScalarOp::constant:
  case ScalarOp::eq:
  case ScalarOp::ne:
  case ScalarOp::lt:
  case ScalarOp::le:
  case ScalarOp::gt:
  case ScalarOp::ge:
  case ScalarOp::select:
  case ScalarOp::convert:
    return Domain::any;
  }
  return Domain::not_here;
}

bool allows(Domain domain, DType type) {
  switch (domain) {
  case Domain::any:
    return true;
  case Domain::numbers:
    return type != DType::boolean;
  case Domain::floats:
    return is_float(type);
  case Domain::integers:
    return is_integer(type);
  case Domain::bits:
    return !is_float(type);
  case Domain::f32_only:
    return type == DType::f32;
  case Domain::i64_only:
    return type == DType::i64;
  case Domain::i32_only:
    return type == DType::i32;
  case Domain::not_here:
    return false;
  }
  return false;
}

} // namespace

std::string operation_problem(ScalarOp op, DType result, const std::vector<DType>& operands) {
  if (domain(op) == Domain::not_here)
    return "stands in expansions only; in loops it is a load";
  size_t first = op == ScalarOp::select ? 1 : 0;
  if (op == ScalarOp::select && operands[0] != DType::boolean)
    return fmt::format("the condition is {}, expected bool", gdjit::name(operands[0]));
  for (size_t i = first; i < operands.size(); ++i) {
    if (operands[i] != operands.back())
      return fmt::format("operands are {} and {}", gdjit::name(operands[i]),
                         gdjit::name(operands.back()));
    if (!allows(domain(op), operands[i]))
      return fmt::format("does not take {}", gdjit::name(operands[i]));
  }
  DType expected = result;
  if (!operands.empty() && result_type(op, operands.back(), expected) && expected != result)
    return fmt::format("gives {}, the statement says {}", gdjit::name(expected),
                       gdjit::name(result));
  return "";
}

} // namespace gdjit::loop
