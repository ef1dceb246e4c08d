// The scalar operations as LLVM IR, on scalars and vectors alike.
#pragma once

#include "gdjit/Loop/Program.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/IR/IRBuilder.h>

namespace gdjit_llvm {

using Builder = llvm::IRBuilder<>;

/// The type of a value: bool is i1 (in memory it is a byte, see memory_type).
llvm::Type* value_type(llvm::LLVMContext& context, gdjit::loop::ValueType type);
llvm::Type* memory_type(llvm::LLVMContext& context, gdjit::loop::ValueType type);

/// The element whose bits these are, in all lanes.
llvm::Constant* literal(llvm::LLVMContext& context, gdjit::loop::ValueType type,
                        gdjit::loop::Bits bits);

/// `value`, repeated where it is one element and `lanes` are wanted.
llvm::Value* widen(Builder& builder, llvm::Value* value, uint16_t lanes);

/// `op` over operands of type `operand` (the type of the last one) giving `result`; all have
/// result.lanes lanes.
llvm::Value* emit_scalar(Builder& builder, gdjit::loop::ScalarOp op, gdjit::loop::ValueType result,
                         gdjit::DType operand, llvm::ArrayRef<llvm::Value*> operands);

/// ScalarOp::scaleb by the instruction of AVX-512, of whose targets this is the width of vectors;
/// `bounded`: the exponent is never infinite.
inline constexpr int vector_bytes_of_avx512 = 64;
llvm::Value* emit_scalef(Builder& builder, llvm::Value* value, llvm::Value* exponent, bool bounded);

/// a ^ b by one instruction of AVX-512 where `a` is an exclusive or itself, of 8 i64; else null.
/// LLVM finds it as well, but asks first of each which bits are known, by way of all that it
/// follows from: of the ten rounds of a random number that took half of instruction selection.
llvm::Value* emit_xor_of_three(Builder& builder, llvm::Value* a, llvm::Value* b);

} // namespace gdjit_llvm
