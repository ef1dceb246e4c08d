// Multiplications of f32 by way of f64, and when to take them.
#include "GradualUnderflow.h"

#include "EmitScalar.h"

#include "gdjit/Loop/Rewrite.h"

#include <algorithm>
#include <llvm/IR/IntrinsicsX86.h>

namespace gdjit_llvm {

using gdjit::DType;
using gdjit::loop::BufferId;
using gdjit::loop::ScalarOp;
using gdjit::loop::Statement;
using gdjit::loop::StatementKind;
using llvm::Value;
namespace Intrinsic = llvm::Intrinsic;

namespace {

constexpr int lanes = 16; ///< of f32 in 64 bytes
/// Operations a call below which looking takes longer than the slow ones could: a product of
/// 8x16x16 has 128.
constexpr int64_t least_operations = 100;

/// Of a kernel in a step. What vanishes does so through many layers, which share their kernels; and
/// few kernels are compiled twice.
constexpr int64_t least_calls = 8;

/// How an operation is rounded, with exceptions left alone, as the instructions encode it.
enum Rounding : uint32_t { nearest = 8, down = 9, up = 10 };

/// How often each operation runs, the number of its loops' turns.
int64_t slow_operations(const std::vector<Statement>& body, int64_t times) {
  int64_t sum = 0;
  for (const Statement& s : body) {
    if (is_slow_on_subnormals(s))
      sum += times;
    if (s.kind == StatementKind::For)
      sum += slow_operations(s.body, times * gdjit::loop::turns(s));
  }
  return sum;
}

Value* half(llvm::IRBuilder<>& b, Value* x, bool high) {
  llvm::SmallVector<int, lanes / 2> from;
  for (int lane = 0; lane < lanes / 2; ++lane)
    from.push_back(lane + (high ? lanes / 2 : 0));
  return b.CreateFPExt(b.CreateShuffleVector(x, from),
                       llvm::FixedVectorType::get(b.getDoubleTy(), lanes / 2));
}

/// The product of two f32 is exact in f64. A sum that is not is rounded to odd: down where that
/// gives an odd significand, else up. Two more bits than f32 has would do for the rounding behind
/// it to give what a single one gives, subnormal or not.
Value* in_double(llvm::IRBuilder<>& b, llvm::ArrayRef<Value*> x) {
  if (x.size() == 2)
    return b.CreateIntrinsic(Intrinsic::x86_avx512_mul_pd_512, {},
                             {x[0], x[1], b.getInt32(nearest)});
  auto fma = [&](Rounding rounding) {
    return b.CreateIntrinsic(Intrinsic::x86_avx512_vfmadd_pd_512, {},
                             {x[0], x[1], x[2], b.getInt32(rounding)});
  };
  Value* below = fma(down);
  auto* bits = llvm::FixedVectorType::get(b.getInt64Ty(), lanes / 2);
  Value* last = b.CreateTrunc(b.CreateBitCast(below, bits),
                              llvm::FixedVectorType::get(b.getInt1Ty(), lanes / 2));
  return b.CreateSelect(last, below, fma(up));
}

} // namespace

bool is_slow_on_subnormals(const Statement& s) {
  return s.kind == StatementKind::Compute && (s.op == ScalarOp::mul || s.op == ScalarOp::fma) &&
         s.type == gdjit::loop::ValueType{DType::f32, lanes};
}

std::vector<uint32_t> telling_parameters(const gdjit::loop::Kernel& kernel,
                                         const gdjit::codegen::KernelShape& shape, int64_t calls,
                                         int vector_bytes) {
  std::vector<uint32_t> telling;
  if (calls < least_calls || vector_bytes != vector_bytes_of_avx512 || shape.repeats ||
      slow_operations(kernel.body, 1) < least_operations)
    return telling;
  std::vector<BufferId> loaded(kernel.values, gdjit::loop::none);
  gdjit::loop::for_each(kernel.body, [&](const Statement& s) {
    if (s.kind == StatementKind::Load)
      loaded[s.result] = s.buffer;
    if (!is_slow_on_subnormals(s) || s.op != ScalarOp::fma)
      return;
    for (size_t i : {0, 1})
      if (BufferId buffer = loaded[s.operands[i]]; buffer != gdjit::loop::none) {
        uint32_t number = shape.parameter(buffer);
        const gdjit::codegen::Parameter& p = shape.parameters[number];
        if (!p.written && p.bytes >= int64_t{4} * vector_bytes)
          telling.push_back(number);
      }
  });
  std::sort(telling.begin(), telling.end());
  telling.erase(std::unique(telling.begin(), telling.end()), telling.end());
  return telling;
}

Value* emit_gradual(llvm::IRBuilder<>& b, llvm::ArrayRef<Value*> operands) {
  Value* halves[2];
  for (bool high : {false, true}) {
    llvm::SmallVector<Value*, 3> x;
    for (Value* operand : operands)
      x.push_back(half(b, operand, high));
    halves[high] =
        b.CreateFPTrunc(in_double(b, x), llvm::FixedVectorType::get(b.getFloatTy(), lanes / 2));
  }
  llvm::SmallVector<int, lanes> all;
  for (int lane = 0; lane < lanes; ++lane)
    all.push_back(lane);
  return b.CreateShuffleVector(halves[0], halves[1], all);
}

Value* emit_meets_subnormals(llvm::IRBuilder<>& b, Value* address, int64_t bytes) {
  constexpr uint32_t subnormal = 0x20; // the class, as the instruction encodes it
  auto* type = llvm::FixedVectorType::get(b.getFloatTy(), lanes);
  auto at = [&](int64_t quarter) { // a vector in the middle of it
    int64_t offset = (bytes / 4 * quarter + bytes / 8 - vector_bytes_of_avx512 / 2) / 64 * 64;
    Value* place =
        b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), address, static_cast<uint64_t>(offset));
    return b.CreateIntrinsic(
        Intrinsic::x86_avx512_fpclass_ps_512, {},
        {b.CreateAlignedLoad(type, place, llvm::Align(4)), b.getInt32(subnormal)});
  };
  auto any = [&](Value* x, Value* y) { return b.CreateOrReduce(b.CreateOr(x, y)); };
  return b.CreateAnd(any(at(0), at(1)), any(at(2), at(3)));
}

} // namespace gdjit_llvm
