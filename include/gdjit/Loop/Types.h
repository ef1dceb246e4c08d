// What the text of Loop IR may leave out, because a reader finds it elsewhere; and the words of its
// enumerations. Shared by printer, parser and verifier.
#pragma once

#include "gdjit/Loop/Program.h"

#include <string>
#include <string_view>
#include <vector>

namespace gdjit::loop {

/// "f32", "f32x16".
std::string to_string(ValueType type);

/// "for", "compute" … "prefetch".
std::string_view name(StatementKind kind);
/// "sequential", "unrolled", "parallel".
std::string_view name(LoopKind kind);
/// "input", "state" … "update".
std::string_view name(BufferRole role);
/// "argument", "arena", "constants", "shared"; "unplanned".
std::string_view name(Place place);

/// True for a word that may name a loop: a letter or _, then letters, digits and _; not `lane`.
bool is_loop_name(std::string_view name);

/// True for t0, t1 …: such a word is a tile, also where a buffer bears that name.
bool is_tile_name(std::string_view name);

/// True for the name of a scalar operation or elementary function, as the text calls it.
bool is_operation(std::string_view name);

/// True for the words among the numbers: nan, inf, true, false.
bool is_number_word(std::string_view name);

/// The row of the signature that a buffer stands for, by name; null for constants and temporaries,
/// and where there is none.
const std::string* row_name(const Signature& signature, BufferRole role, uint32_t number);

/// The element type of an operation whose last operand has type `operand`; false where the text
/// must say it (constants, conversions, look-ups).
bool result_type(ScalarOp op, DType operand, DType& result);

/// The type of a statement's result (or of what it stores) as operands, buffer or tile give it;
/// false where the text must say it: constants, conversions. `values` and `tiles` are the types by
/// id, as far as defined.
bool derive_type(const Program& program, const std::vector<ValueType>& values,
                 const std::vector<ValueType>& tiles, const Statement& statement, ValueType& type);

/// The type that a number among the operands of an operation has where the text does not say it:
/// that of the other operands, the condition of a select apart. False where there is none.
template <class IsNumber> bool number_type(const Statement& operation,
                                           const std::vector<ValueType>& values,
                                           const IsNumber& is_number, DType& type) {
  for (size_t i = operation.op == ScalarOp::select ? 1 : 0; i < operation.operands.size(); ++i) {
    ValueId operand = operation.operands[i];
    if (is_number(operand))
      continue;
    type = operand < values.size() ? values[operand].dtype : DType::f32;
    return true;
  }
  return false;
}

} // namespace gdjit::loop
