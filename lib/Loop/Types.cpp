// Types that follow from operands, and words.
#include "gdjit/Loop/Types.h"

#include <algorithm>

namespace gdjit::loop {

std::string to_string(ValueType type) {
  std::string word(gdjit::name(type.dtype));
  return type.lanes == 1 ? word : word + 'x' + std::to_string(type.lanes);
}

std::string_view name(StatementKind kind) {
  constexpr std::string_view names[] = {"for",   "compute", "index",     "load",
                                        "store", "tile",    "get",       "set",
                                        "join",  "check",   "transpose", "prefetch"};
  return names[static_cast<int>(kind)];
}

std::string_view name(LoopKind kind) {
  constexpr std::string_view names[] = {"sequential", "unrolled", "parallel"};
  return names[static_cast<int>(kind)];
}

std::string_view name(BufferRole role) {
  constexpr std::string_view names[] = {"input",     "state",  "scalar", "constant",
                                        "temporary", "output", "update"};
  return names[static_cast<int>(role)];
}

std::string_view name(Place place) {
  constexpr std::string_view names[] = {"unplanned", "argument", "arena", "constants", "shared"};
  return names[static_cast<int>(place)];
}

bool is_loop_name(std::string_view name) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || name == "lane" || !letter(name[0]))
    return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

bool is_tile_name(std::string_view name) {
  return name.size() > 1 && name[0] == 't' &&
         std::all_of(name.begin() + 1, name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_operation(std::string_view name) {
  ScalarOp op;
  Opcode function;
  return find_scalar_op(name, op) || (find_opcode(name, function) && is_elementary(function));
}

bool is_number_word(std::string_view name) {
  return name == "nan" || name == "inf" || name == "true" || name == "false";
}

const std::string* row_name(const Signature& signature, BufferRole role, uint32_t number) {
  switch (role) {
  case BufferRole::input:
    return number < signature.inputs.size() ? &signature.inputs[number].name : nullptr;
  case BufferRole::state:
    return number < signature.states.size() ? &signature.states[number].name : nullptr;
  case BufferRole::scalar:
    return number < signature.scalars.size() ? &signature.scalars[number].name : nullptr;
  case BufferRole::output:
    return number < signature.outputs.size() ? &signature.outputs[number].name : nullptr;
  case BufferRole::update:
    return number < signature.updates.size() &&
                   signature.updates[number].state < signature.states.size()
               ? &signature.states[signature.updates[number].state].name
               : nullptr;
  case BufferRole::constant:
  case BufferRole::temporary:
    break;
  }
  return nullptr;
}

bool result_type(ScalarOp op, DType operand, DType& result) {
  switch (op) {
  case ScalarOp::constant:
  case ScalarOp::convert:
  case ScalarOp::lookup:
    return false;
  case ScalarOp::eq:
  case ScalarOp::ne:
  case ScalarOp::lt:
  case ScalarOp::le:
  case ScalarOp::gt:
  case ScalarOp::ge:
    result = DType::boolean;
    return true;
  case ScalarOp::low32:
    result = DType::i32;
    return true;
  case ScalarOp::zext:
    result = DType::i64;
    return true;
  case ScalarOp::bitcast: {
    constexpr DType other[] = {DType::i32, DType::i64, DType::f32, DType::f64, DType::boolean};
    result = other[static_cast<int>(operand)];
    return true;
  }
  default:
    result = operand;
    return true;
  }
}

bool derive_type(const Program& program, const std::vector<ValueType>& values,
                 const std::vector<ValueType>& tiles, const Statement& s, ValueType& type) {
  auto of = [&](ValueId v) { return v < values.size() ? values[v] : ValueType{}; };
  uint16_t lanes = 1;
  for (ValueId operand : s.operands)
    lanes = std::max(lanes, of(operand).lanes);
  switch (s.kind) {
  case StatementKind::For:
    return false;
  case StatementKind::Tile:
    return false;
  case StatementKind::Compute:
    type.lanes = lanes;
    return !s.operands.empty() && result_type(s.op, of(s.operands.back()).dtype, type.dtype);
  case StatementKind::Index:
    type = {DType::i64, 1};
    return true;
  case StatementKind::Load:
  case StatementKind::Store:
    if (s.buffer >= program.buffers.size())
      return false;
    type = {program.buffers[s.buffer].type.dtype, lanes};
    return true;
  case StatementKind::Get:
  case StatementKind::Set:
  case StatementKind::Join:
  case StatementKind::Transpose:
    if (s.tile >= tiles.size())
      return false;
    type = tiles[s.tile];
    if (s.kind == StatementKind::Join)
      type.lanes = 1;
    return true;
  case StatementKind::Prefetch:
    return false;
  case StatementKind::Check:
    type = {DType::boolean, lanes};
    return true;
  }
  return false;
}

} // namespace gdjit::loop
