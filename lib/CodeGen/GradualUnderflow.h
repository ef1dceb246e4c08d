// Gradual underflow at speed. A multiplication, fma, division or root that takes or gives a
// subnormal number stops a processor of Intel's for some 110 cycles. The same operations in f64,
// where nothing is subnormal, give the same bits at a tenth of the speed of f32. There are two
// places where a step would take several times as long for many of them:
//
// Gradients that vanish through many layers cross that range, and a few dozen layers in it would
// take longer than a thousand others. So a kernel that multiplies much and is called often in a
// step, as those of a deep network are, is compiled twice, `k0.normal` and `k0.gradual`, and `k0`
// looks at a few numbers of what it multiplies before it calls one of them.
//
// States that fade, momentum of a weight whose input is always 0, stay in that range for good:
// 0.9 * 4 ulp is 4 ulp. They lie among others that do not. So each vector, or each unrolled nest,
// of such a state is looked at where it is updated, and code for subnormal numbers stands beside
// the plain one (EmitGradual.cpp).
//
// Nothing but time depends on what is seen. Where the target is a machine on which such numbers
// cost next to nothing (slow_on_subnormals in Target.h), all code is plain.
#pragma once

#include "KernelShape.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/IR/IRBuilder.h>

namespace gdjit_llvm {

/// How operations are compiled that are slow on subnormal numbers.
enum class Arithmetic {
  guarded, ///< plain, with code for subnormal numbers beside what computes on fading states
  plain,   ///< as the instructions
  fading,  ///< by way of f64 where they compute on fading states
  gradual, ///< by way of f64
};

/// True for what subnormal numbers slow down and emit_gradual does otherwise: mul, fma, div and
/// sqrt of as many f32 as 64 bytes hold.
bool is_slow_on_subnormals(const gdjit::loop::Statement& s);

/// By value of a kernel, true for vectors of a state that it multiplies by a constant, as momentum
/// by 0.9, and for what it computes of them.
std::vector<bool> fading_values(const gdjit::loop::Program& program,
                                const gdjit::loop::Kernel& kernel, int vector_bytes);

/// The parameters of a kernel whose numbers tell whether code for subnormal numbers pays; none
/// where a kernel of which `calls` make a step should have none.
std::vector<uint32_t> telling_parameters(const gdjit::loop::Kernel& kernel,
                                         const gdjit::codegen::KernelShape& shape, int64_t calls,
                                         int vector_bytes);

/// An operation that is slow on subnormals over operands of type <16 x float>, to the bit; for
/// targets with AVX-512.
llvm::Value* emit_gradual(llvm::IRBuilder<>& builder, gdjit::loop::ScalarOp op,
                          llvm::ArrayRef<llvm::Value*> operands);

/// The same as a call of a function of the module's, which saves all registers that it uses: where
/// it is called seldom, code beside it remains as it is.
llvm::Value* call_gradual(llvm::IRBuilder<>& builder, gdjit::loop::ScalarOp op,
                          llvm::ArrayRef<llvm::Value*> operands);

/// <16 x i1>: which of <16 x float> are subnormal.
llvm::Value* emit_are_subnormal(llvm::IRBuilder<>& builder, llvm::Value* x);

/// i1: two places of a buffer of `bytes` bytes of f32, far apart, both hold subnormal numbers.
llvm::Value* emit_meets_subnormals(llvm::IRBuilder<>& builder, llvm::Value* address, int64_t bytes);

} // namespace gdjit_llvm
