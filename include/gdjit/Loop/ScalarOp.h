// Scalar operations: the closed set of exact operations that every pointwise op is made of.
//
// The interpreters run them by evaluate(), CodeGen emits one or a few instructions for each; both
// give the same bits. Nothing else computes numbers in a compiled step.
#pragma once

#include "gdjit/IR/Element.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace gdjit::loop {

enum class ScalarOp : uint8_t {
#define GDJIT_SCALAR(enumerator, name, operands, summary) enumerator,
#include "gdjit/Loop/ScalarOps.def"
};

inline constexpr int scalar_op_count = 0
#define GDJIT_SCALAR(enumerator, name, operands, summary) +1
#include "gdjit/Loop/ScalarOps.def"
    ;

std::string_view name(ScalarOp op);
constexpr int operand_count(ScalarOp op) {
  constexpr uint8_t counts[] = {
#define GDJIT_SCALAR(enumerator, name, operands, summary) operands,
#include "gdjit/Loop/ScalarOps.def"
  };
  return counts[static_cast<int>(op)];
}
bool find_scalar_op(std::string_view name, ScalarOp& op);

using gdjit::Bits; // an element of any type
using gdjit::load_bits;
using gdjit::same_bits;
using gdjit::store_bits;
using gdjit::to_bits;
using gdjit::to_double;

/// `result` of `op` over operands of type `operand` (the type of the last operand; the condition of
/// select is bool).
Bits evaluate(ScalarOp op, DType result, DType operand, std::span<const Bits> operands);

/// Evaluates `op` over `count` elements held as Bits, one loop per op and type: the interpreters'
/// inner loop.
void evaluate_many(ScalarOp op, DType result, DType operand, const Bits* a, const Bits* b,
                   const Bits* c, Bits* out, int64_t count);

} // namespace gdjit::loop
