// The rows of Ops.def.
#include "gdjit/IR/Opcode.h"

namespace gdjit {

namespace {
struct Row {
  std::string_view name;
  OpKind kind;
  int operands;
  double f32_ulp;
};
constexpr Row rows[opcode_count] = {
#define GDJIT_OP(enumerator, name, kind, operands, f32_ulp, f64_ulp)                               \
  {#name, OpKind::kind, operands, f32_ulp},
#include "gdjit/IR/Ops.def"
};
} // namespace

std::string_view name(Opcode op) { return rows[static_cast<int>(op)].name; }
OpKind kind(Opcode op) { return rows[static_cast<int>(op)].kind; }
int operand_count(Opcode op) { return rows[static_cast<int>(op)].operands; }
bool is_elementary(Opcode op) {
  const Row& row = rows[static_cast<int>(op)];
  return row.kind == OpKind::Pointwise && row.f32_ulp > 0.5;
}

bool find_opcode(std::string_view name, Opcode& op) {
  for (int i = 0; i < opcode_count; ++i)
    if (rows[i].name == name) {
      op = static_cast<Opcode>(i);
      return true;
    }
  return false;
}

} // namespace gdjit
