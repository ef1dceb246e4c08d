// Scalar operations: the closed set of exact operations that every pointwise op is made of.
//
// The interpreters run them by evaluate(), CodeGen emits one or a few instructions for each; both
// give the same bits. Nothing else computes numbers in a compiled step.
#pragma once

#include "gdjit/IR/DType.h"

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
int operand_count(ScalarOp op);
bool find_scalar_op(std::string_view name, ScalarOp& op);

/// An element of any type, by its bits: f32 and i32 in the low 32, bool 0 or 1. Upper bits are
/// zero.
using Bits = uint64_t;

/// `result` of `op` over operands of type `operand` (the type of the last operand; the condition of
/// select is bool).
Bits evaluate(ScalarOp op, DType result, DType operand, std::span<const Bits> operands);

/// Conversions between elements and bits.
Bits to_bits(DType type, double value); ///< by the rules of convert from f64
double to_double(DType type, Bits bits);
Bits load_bits(DType type, const void* element);
void store_bits(DType type, void* element, Bits bits);
/// Equal bits, all NaNs being one value.
bool same_bits(DType type, Bits a, Bits b);

/// Evaluates `op` over `count` elements held as Bits, one loop per op and type: the interpreters'
/// inner loop.
void evaluate_many(ScalarOp op, DType result, DType operand, const Bits* a, const Bits* b,
                   const Bits* c, Bits* out, int64_t count);

} // namespace gdjit::loop
