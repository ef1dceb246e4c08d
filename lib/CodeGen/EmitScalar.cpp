// The scalar operations as LLVM IR. What LLVM leaves undefined or poison (division by zero, MIN /
// -1, counts beyond the width, conversions out of range) is defined here as the contract says.
#include "EmitScalar.h"

#include "gdjit/Support/Error.h"

#include <limits>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/IntrinsicsX86.h>
#include <numeric>

namespace gdjit_llvm {

namespace {

using gdjit::DType;
using gdjit::is_float;
using gdjit::loop::ScalarOp;
using gdjit::loop::ValueType;
using llvm::CmpInst;
using llvm::Value;
namespace Intrinsic = llvm::Intrinsic;

Value* unary(Builder& b, Intrinsic::ID id, Value* a) { return b.CreateUnaryIntrinsic(id, a); }
Value* binary(Builder& b, Intrinsic::ID id, Value* x, Value* y) {
  return b.CreateBinaryIntrinsic(id, x, y);
}

/// x / 0 = 0 and MIN / -1 = MIN, x rem 0 = x and x rem -1 = 0: the division itself sees neither
/// divisor.
Value* divide(Builder& b, Value* x, Value* y, bool remainder) {
  Value* zero = llvm::Constant::getNullValue(x->getType());
  Value* is_zero = b.CreateICmpEQ(y, zero);
  Value* is_minus_one = b.CreateICmpEQ(y, llvm::Constant::getAllOnesValue(x->getType()));
  Value* one = llvm::ConstantInt::get(x->getType(), 1);
  Value* safe = b.CreateSelect(b.CreateOr(is_zero, is_minus_one), one, y);
  if (remainder)
    return b.CreateSelect(is_zero, x, b.CreateSRem(x, safe)); // x rem 1 = 0 serves for -1
  Value* quotient = b.CreateSelect(is_minus_one, b.CreateNeg(x), b.CreateSDiv(x, safe));
  return b.CreateSelect(is_zero, zero, quotient);
}

Value* shift(Builder& b, llvm::Instruction::BinaryOps op, Value* x, Value* count) {
  unsigned width = x->getType()->getScalarSizeInBits();
  return b.CreateBinOp(op, x, b.CreateAnd(count, llvm::ConstantInt::get(x->getType(), width - 1)));
}

/// Vectors of the greater: of x > y ? x : y and y > x ? y : x, each one instruction, one is the
/// NaN where there is any, and they differ in nothing but the zeros' signs otherwise. So the bits
/// of either, and the sign that both have: 6 cycles from operand to result in place of the 10 of
/// LLVM's own. The lesser likewise, with the sign of either.
Value* vector_min_max(Builder& b, bool min, Value* x, Value* y) {
  const CmpInst::Predicate wins = min ? CmpInst::FCMP_OLT : CmpInst::FCMP_OGT;
  auto* bits = llvm::VectorType::getInteger(llvm::cast<llvm::VectorType>(x->getType()));
  Value* first = b.CreateBitCast(b.CreateSelect(b.CreateFCmp(wins, x, y), x, y), bits);
  Value* second = b.CreateBitCast(b.CreateSelect(b.CreateFCmp(wins, y, x), y, x), bits);
  Value* either = b.CreateOr(first, second);
  if (!min) {
    const unsigned width = bits->getScalarSizeInBits();
    Value* magnitude = llvm::ConstantInt::get(bits, llvm::APInt::getSignedMaxValue(width));
    either = b.CreateOr(b.CreateAnd(first, second), b.CreateAnd(either, magnitude));
  }
  return b.CreateBitCast(either, x->getType());
}

Value* min_max(Builder& b, DType type, bool min, Value* x, Value* y) {
  if (is_float(type))
    return x->getType()->isVectorTy() && !llvm::isa<llvm::Constant>(x) &&
                   !llvm::isa<llvm::Constant>(y)
               ? vector_min_max(b, min, x, y)
               : binary(b, min ? Intrinsic::minimum : Intrinsic::maximum, x, y);
  if (type == DType::boolean)
    return min ? b.CreateAnd(x, y) : b.CreateOr(x, y);
  return binary(b, min ? Intrinsic::smin : Intrinsic::smax, x, y);
}

Value* compare(Builder& b, DType type, CmpInst::Predicate floats, CmpInst::Predicate integers,
               CmpInst::Predicate booleans, Value* x, Value* y) {
  if (is_float(type))
    return b.CreateFCmp(floats, x, y);
  return b.CreateICmp(type == DType::boolean ? booleans : integers, x, y);
}

Value* to_boolean(Builder& b, DType from, Value* x) {
  Value* zero = llvm::Constant::getNullValue(x->getType());
  return is_float(from) ? b.CreateFCmpONE(x, zero) : b.CreateICmpNE(x, zero);
}

Value* narrow_saturating(Builder& b, Value* x, llvm::Type* to) {
  llvm::Type* from = x->getType();
  Value* low = llvm::ConstantInt::getSigned(from, INT32_MIN);
  Value* high = llvm::ConstantInt::getSigned(from, INT32_MAX);
  return b.CreateTrunc(binary(b, Intrinsic::smin, binary(b, Intrinsic::smax, x, low), high), to);
}

/// Between floats, behind a fence, which is no instruction: InstCombine moves such a conversion out
/// of `x < 0 ? 0 : convert(x)` by turning the comparison round, and gives +0 for -0.
Value* convert_float(Builder& b, DType to, llvm::Type* type, Value* x) {
  Value* y = to == DType::f64 ? b.CreateFPExt(x, type) : b.CreateFPTrunc(x, type);
  return llvm::isa<llvm::Constant>(y) ? y : b.CreateArithmeticFence(y, type);
}

Value* convert(Builder& b, DType from, DType to, llvm::Type* type, Value* x) {
  if (from == to)
    return x;
  if (to == DType::boolean)
    return to_boolean(b, from, x);
  if (is_float(to)) {
    if (from == DType::boolean)
      return b.CreateSelect(x, llvm::ConstantFP::get(type, 1), llvm::ConstantFP::get(type, 0));
    if (!is_float(from))
      return b.CreateSIToFP(x, type);
    return convert_float(b, to, type, x);
  }
  if (is_float(from))
    return b.CreateIntrinsic(Intrinsic::fptosi_sat, {type, x->getType()}, {x});
  if (from == DType::boolean)
    return b.CreateZExt(x, type);
  return to == DType::i64 ? b.CreateSExt(x, type) : narrow_saturating(b, x, type);
}

/// a * 2^floor(n) in f64, which holds every product that matters exactly: where no instruction does
/// it.
Value* scale_by_power(Builder& b, Value* a, Value* n) {
  llvm::Type* type = n->getType();
  auto with = [&](llvm::Type* element) { return type->getWithNewType(element); };
  auto constant = [&](double x) { return llvm::ConstantFP::get(type, x); };
  constexpr double most = 400; // beyond it every a but 0 overflows or vanishes
  Value* within = b.CreateSelect(b.CreateFCmpOLT(n, constant(-most)), constant(-most), n);
  within = b.CreateSelect(b.CreateFCmpOGT(within, constant(most)), constant(most), within);
  Value* is_nan = b.CreateFCmpUNO(n, n);
  within = b.CreateSelect(is_nan, constant(0), within);
  llvm::Type* i64 = with(b.getInt64Ty());
  Value* exponent =
      b.CreateSExt(b.CreateFPToSI(unary(b, Intrinsic::floor, within), with(b.getInt32Ty())), i64);
  constexpr int bias = 1023, significand = 52; // bits
  Value* bits = b.CreateShl(b.CreateAdd(exponent, llvm::ConstantInt::get(i64, bias)),
                            llvm::ConstantInt::get(i64, significand));
  llvm::Type* f64 = with(b.getDoubleTy());
  constexpr double infinity = std::numeric_limits<double>::infinity();
  auto infinite = [&](double sign, double power, Value* otherwise) {
    return b.CreateSelect(b.CreateFCmpOEQ(n, constant(sign * infinity)),
                          llvm::ConstantFP::get(f64, power), otherwise);
  };
  Value* power = infinite(1, infinity, infinite(-1, 0, b.CreateBitCast(bits, f64)));
  Value* product = b.CreateFMul(convert_float(b, DType::f64, f64, a), power);
  return b.CreateSelect(is_nan, n, convert_float(b, DType::f32, type, product));
}

llvm::Type* element_type(llvm::LLVMContext& context, DType type, unsigned boolean_bits) {
  switch (type) {
  case DType::f32:
    return llvm::Type::getFloatTy(context);
  case DType::f64:
    return llvm::Type::getDoubleTy(context);
  case DType::i32:
    return llvm::Type::getInt32Ty(context);
  case DType::i64:
    return llvm::Type::getInt64Ty(context);
  case DType::boolean:
    return llvm::Type::getIntNTy(context, boolean_bits);
  }
  gdjit::fail_check("an element type", __FILE__, __LINE__);
}

llvm::Type* with_lanes(llvm::Type* element, uint16_t lanes) {
  return lanes == 1 ? element : llvm::FixedVectorType::get(element, lanes);
}

} // namespace

llvm::Type* value_type(llvm::LLVMContext& context, ValueType type) {
  return with_lanes(element_type(context, type.dtype, 1), type.lanes);
}

llvm::Type* memory_type(llvm::LLVMContext& context, ValueType type) {
  return with_lanes(element_type(context, type.dtype, 8), type.lanes);
}

llvm::Constant* literal(llvm::LLVMContext& context, ValueType type, gdjit::loop::Bits bits) {
  llvm::Type* element = element_type(context, type.dtype, 1);
  llvm::APInt pattern(element->getScalarSizeInBits(),
                      type.dtype == DType::boolean
                          ? bits & 1
                          : bits & (~0ull >> (64 - element->getScalarSizeInBits())));
  llvm::Constant* one = is_float(type.dtype)
                            ? static_cast<llvm::Constant*>(llvm::ConstantFP::get(
                                  context, llvm::APFloat(element->getFltSemantics(), pattern)))
                            : llvm::ConstantInt::get(context, pattern);
  return type.lanes == 1
             ? one
             : llvm::ConstantVector::getSplat(llvm::ElementCount::getFixed(type.lanes), one);
}

Value* widen(Builder& builder, Value* value, uint16_t lanes) {
  if (lanes == 1 || value->getType()->isVectorTy())
    return value;
  return builder.CreateVectorSplat(lanes, value);
}

Value* emit_scalef(Builder& b, Value* x, Value* n, bool bounded) {
  auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(x->getType());
  if (vector == nullptr) {
    auto* wide = llvm::FixedVectorType::get(b.getFloatTy(), 4);
    auto in_vector = [&](Value* of) {
      return b.CreateInsertElement(llvm::Constant::getNullValue(wide), of, uint64_t{0});
    };
    return b.CreateExtractElement(emit_scalef(b, in_vector(x), in_vector(n), bounded), uint64_t{0});
  }
  const unsigned lanes = vector->getNumElements();
  // Lanes from `first` on, as many as `count`; behind the last one anything.
  auto part = [&](Value* of, unsigned first, unsigned count) {
    llvm::SmallVector<int, 64> from;
    for (unsigned lane = first; lane < first + count; ++lane)
      from.push_back(lane < lanes ? static_cast<int>(lane) : -1);
    return b.CreateShuffleVector(of, from);
  };
  auto all = [&](Value* low, Value* high) {
    llvm::SmallVector<int, 64> own(lanes);
    std::iota(own.begin(), own.end(), 0);
    return b.CreateShuffleVector(low, high, own);
  };
  constexpr unsigned most = 16;
  if (lanes > most) {
    const unsigned half = (lanes + 1) / 2;
    return all(emit_scalef(b, part(x, 0, half), part(n, 0, half), bounded),
               emit_scalef(b, part(x, half, half), part(n, half, half), bounded));
  }
  if (const unsigned width = lanes > 8 ? most : lanes > 4 ? 8 : 4; lanes != width) {
    Value* result = emit_scalef(b, part(x, 0, width), part(n, 0, width), bounded);
    return all(result, result);
  }
  // Of a NaN and an infinite exponent the instruction makes infinity or 0: such lanes stay.
  Value* number = bounded ? llvm::Constant::getAllOnesValue(b.getIntNTy(lanes))
                          : b.CreateBitCast(b.CreateFCmpORD(x, x), b.getIntNTy(lanes));
  if (lanes == 4)
    number = b.CreateZExt(number, b.getInt8Ty());
  constexpr uint32_t nearest = 4; // as MXCSR says
  if (lanes == most)
    return b.CreateIntrinsic(Intrinsic::x86_avx512_mask_scalef_ps_512, {},
                             {x, n, x, number, b.getInt32(nearest)});
  return b.CreateIntrinsic(lanes == 8 ? Intrinsic::x86_avx512_mask_scalef_ps_256
                                      : Intrinsic::x86_avx512_mask_scalef_ps_128,
                           {}, {x, n, x, number});
}

Value* emit_xor_of_three(Builder& b, Value* x, Value* y) {
  auto* inner = llvm::dyn_cast<llvm::BinaryOperator>(x);
  if (inner == nullptr || inner->getOpcode() != llvm::Instruction::Xor ||
      inner->getType() != llvm::FixedVectorType::get(b.getInt64Ty(), 8))
    return nullptr;
  constexpr uint32_t odd = 0x96; // the table of a ^ b ^ c
  return b.CreateIntrinsic(Intrinsic::x86_avx512_pternlog_q_512, {},
                           {inner->getOperand(0), inner->getOperand(1), y, b.getInt32(odd)});
}

Value* emit_scalar(Builder& b, ScalarOp op, ValueType result, DType type,
                   llvm::ArrayRef<Value*> x) {
  bool floats = is_float(type);
  llvm::Type* to = value_type(b.getContext(), result);
  switch (op) {
  case ScalarOp::add:
    return floats ? b.CreateFAdd(x[0], x[1]) : b.CreateAdd(x[0], x[1]);
  case ScalarOp::sub:
    return floats ? b.CreateFSub(x[0], x[1]) : b.CreateSub(x[0], x[1]);
  case ScalarOp::mul:
    return floats ? b.CreateFMul(x[0], x[1]) : b.CreateMul(x[0], x[1]);
  case ScalarOp::div:
    return floats ? b.CreateFDiv(x[0], x[1]) : divide(b, x[0], x[1], false);
  case ScalarOp::rem:
    return divide(b, x[0], x[1], true);
  case ScalarOp::neg:
    return floats ? b.CreateFNeg(x[0]) : b.CreateNeg(x[0]);
  case ScalarOp::abs:
    return floats ? unary(b, Intrinsic::fabs, x[0])
                  : binary(b, Intrinsic::abs, x[0], b.getFalse()); // MIN stays MIN
  case ScalarOp::fma:
    return b.CreateIntrinsic(Intrinsic::fma, {to}, {x[0], x[1], x[2]});
  case ScalarOp::scaleb:
    return scale_by_power(b, x[0], x[1]);
  case ScalarOp::sqrt:
    return unary(b, Intrinsic::sqrt, x[0]);
  case ScalarOp::floor:
    return unary(b, Intrinsic::floor, x[0]);
  case ScalarOp::ceil:
    return unary(b, Intrinsic::ceil, x[0]);
  case ScalarOp::trunc:
    return unary(b, Intrinsic::trunc, x[0]);
  case ScalarOp::round:
    return unary(b, Intrinsic::roundeven, x[0]);
  case ScalarOp::min:
    return min_max(b, type, true, x[0], x[1]);
  case ScalarOp::max:
    return min_max(b, type, false, x[0], x[1]);
  case ScalarOp::eq:
    return compare(b, type, CmpInst::FCMP_OEQ, CmpInst::ICMP_EQ, CmpInst::ICMP_EQ, x[0], x[1]);
  case ScalarOp::ne:
    return compare(b, type, CmpInst::FCMP_UNE, CmpInst::ICMP_NE, CmpInst::ICMP_NE, x[0], x[1]);
  case ScalarOp::lt:
    return compare(b, type, CmpInst::FCMP_OLT, CmpInst::ICMP_SLT, CmpInst::ICMP_ULT, x[0], x[1]);
  case ScalarOp::le:
    return compare(b, type, CmpInst::FCMP_OLE, CmpInst::ICMP_SLE, CmpInst::ICMP_ULE, x[0], x[1]);
  case ScalarOp::gt:
    return compare(b, type, CmpInst::FCMP_OGT, CmpInst::ICMP_SGT, CmpInst::ICMP_UGT, x[0], x[1]);
  case ScalarOp::ge:
    return compare(b, type, CmpInst::FCMP_OGE, CmpInst::ICMP_SGE, CmpInst::ICMP_UGE, x[0], x[1]);
  case ScalarOp::bit_and:
    return b.CreateAnd(x[0], x[1]);
  case ScalarOp::bit_or:
    return b.CreateOr(x[0], x[1]);
  case ScalarOp::bit_xor:
    return b.CreateXor(x[0], x[1]);
  case ScalarOp::bit_not:
    return b.CreateNot(x[0]);
  case ScalarOp::shl:
    return shift(b, llvm::Instruction::Shl, x[0], x[1]);
  case ScalarOp::ashr:
    return shift(b, llvm::Instruction::AShr, x[0], x[1]);
  case ScalarOp::lshr:
    return shift(b, llvm::Instruction::LShr, x[0], x[1]);
  case ScalarOp::select:
    return b.CreateSelect(x[0], x[1], x[2]);
  case ScalarOp::convert:
    return convert(b, type, result.dtype, to, x[0]);
  case ScalarOp::bitcast:
    return b.CreateBitCast(x[0], to);
  case ScalarOp::low32:
    return b.CreateTrunc(x[0], to);
  case ScalarOp::zext:
    return b.CreateZExt(x[0], to);
  case ScalarOp::constant:
  case ScalarOp::lookup: // a load, by the time code is made
  case ScalarOp::call:   // written out by then
    break;
  }
  gdjit::fail_check("a scalar operation with operands", __FILE__, __LINE__);
}

} // namespace gdjit_llvm
