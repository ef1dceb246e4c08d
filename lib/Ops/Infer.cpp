// The type of a node by its op's rule: what may be appended, and what every graph keeps.
#include "gdjit/Ops/Op.h"

#include "gdjit/IR/Step.h"

#include <fmt/format.h>

#include <algorithm>

namespace gdjit {

namespace {

/// The type that the signature gives to an input, state or scalar.
TensorType signature_type(Opcode op, const Signature& signature, const Attributes& attributes) {
  if (!attributes.has(Attr::index))
    throw TypeMismatch{"attribute 'index' is missing", "name a row of the signature"};
  int64_t row = attributes.integer(Attr::index);
  size_t rows = op == Opcode::Input   ? signature.inputs.size()
                : op == Opcode::State ? signature.states.size()
                                      : signature.scalars.size();
  if (row < 0 || static_cast<size_t>(row) >= rows)
    throw TypeMismatch{fmt::format("row {} of {} in the signature", row, rows), "declare it there"};
  return op == Opcode::Input   ? signature.inputs[row].type
         : op == Opcode::State ? signature.states[row].type
                               : TensorType{signature.scalars[row].dtype, {}};
}

} // namespace

TensorType infer_type(Opcode opcode, const Signature& signature,
                      std::span<const TensorType> operands, Attributes& attributes) {
  const OpInfo& op = info(opcode);
  if (op.operands >= 0 ? operands.size() != static_cast<size_t>(op.operands) : operands.empty())
    throw TypeMismatch{fmt::format("takes {} operand{}, {} given",
                                   op.operands < 0 ? "at least 1" : std::to_string(op.operands),
                                   op.operands == 0 || op.operands > 1 ? "s" : "", operands.size()),
                       ""};
  std::span<const Attr> known = op.block->attributes;
  for (const Attributes::Entry& e : attributes.entries()) {
    if (std::find(known.begin(), known.end(), e.attr) == known.end())
      throw TypeMismatch{fmt::format("has no attribute '{}'", name(e.attr)), ""};
    if (kind(e.attr) == AttributeKind::array && !e.array)
      throw TypeMismatch{fmt::format("attribute '{}' holds no elements", name(e.attr)), ""};
  }
  if (!op.block->infer)
    return signature_type(opcode, signature, attributes);
  TensorType type = op.block->infer(TypeRequest{operands, attributes});
  std::string problem = shape_problem(type.shape.begin(), static_cast<size_t>(type.shape.rank()));
  if (!problem.empty())
    throw TypeMismatch{fmt::format("result {}: {}", to_string(type), problem), ""};
  return type;
}

} // namespace gdjit
