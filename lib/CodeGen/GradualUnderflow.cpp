// Multiplications of f32 by way of f64, and when to take them.
#include "GradualUnderflow.h"

#include "EmitScalar.h"

#include "gdjit/Loop/Rewrite.h"

#include <algorithm>
#include <llvm/IR/IntrinsicsX86.h>
#include <llvm/IR/Module.h>

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

/// Vectors of a state that a loop must update for code of its own: at least so many, and at least
/// this part of all.
constexpr int64_t least_vectors = 64;
constexpr int64_t least_part = 8;

/// Of a kernel in a step. What vanishes does so through many layers, which share their kernels; and
/// few kernels are compiled twice.
constexpr int64_t least_calls = 8;

/// How an operation is rounded, with exceptions left alone, as the instructions encode it.
enum Rounding : uint32_t { nearest = 8, down = 9, up = 10 };

/// Calls visit(statement, how often it runs), a loop before its body.
template <class Visit>
void for_each_counted(const std::vector<Statement>& body, int64_t times, const Visit& visit) {
  for (const Statement& s : body) {
    visit(s, times);
    if (s.kind == StatementKind::For)
      for_each_counted(s.body, times * gdjit::loop::turns(s), visit);
  }
}

int64_t slow_operations(const std::vector<Statement>& body) {
  int64_t sum = 0;
  for_each_counted(body, 1, [&](const Statement& s, int64_t times) {
    if (is_slow_on_subnormals(s))
      sum += times;
  });
  return sum;
}

/// True for a load of whole vectors, side by side, of most of a state.
bool is_of_state(const gdjit::loop::Program& program, const Statement& load, int64_t times) {
  const gdjit::loop::Buffer& buffer = program.buffers[load.buffer];
  bool plain = buffer.role == gdjit::loop::BufferRole::state &&
               load.type == gdjit::loop::ValueType{DType::f32, lanes} &&
               load.mask == gdjit::loop::none && !load.index.empty() && load.index.back().lane == 1;
  for (const gdjit::loop::Index& index : load.index)
    plain &=
        index.dynamic == gdjit::loop::none && (index.lane == 0 || &index == &load.index.back());
  return plain && times >= least_vectors &&
         times * lanes * least_part >= buffer.type.shape.elements();
}

Value* half(llvm::IRBuilder<>& b, Value* x, bool high) {
  llvm::SmallVector<int, lanes / 2> from;
  for (int lane = 0; lane < lanes / 2; ++lane)
    from.push_back(lane + (high ? lanes / 2 : 0));
  return b.CreateFPExt(b.CreateShuffleVector(x, from),
                       llvm::FixedVectorType::get(b.getDoubleTy(), lanes / 2));
}

/// An operation that subnormal numbers slow down, and the instruction that does it in f64.
struct Slow {
  ScalarOp op;
  Intrinsic::ID in_double;
};
constexpr Slow slow[] = {{ScalarOp::mul, Intrinsic::x86_avx512_mul_pd_512},
                         {ScalarOp::fma, Intrinsic::x86_avx512_vfmadd_pd_512},
                         {ScalarOp::div, Intrinsic::x86_avx512_div_pd_512},
                         {ScalarOp::sqrt, Intrinsic::x86_avx512_sqrt_pd_512}};

/// Null for an operation that is as fast on any number.
const Slow* find_slow(ScalarOp op) {
  const Slow* found = std::ranges::find(slow, op, &Slow::op);
  return found == std::end(slow) ? nullptr : found;
}

/// The product of two f32 is exact in f64; a quotient or root that is not lies further from the
/// numbers where f32 rounds up or down, subnormal or not, than f64 rounds it. A sum that is not
/// exact is rounded to odd: down where that gives an odd significand, else up. Two more bits than
/// f32 has would do for the rounding behind it to give what a single one gives.
Value* in_double(llvm::IRBuilder<>& b, ScalarOp op, llvm::ArrayRef<Value*> x) {
  if (op != ScalarOp::fma) {
    llvm::SmallVector<Value*, 3> operands(x);
    operands.push_back(b.getInt32(nearest));
    return b.CreateIntrinsic(find_slow(op)->in_double, {}, operands);
  }
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
  return s.kind == StatementKind::Compute && find_slow(s.op) != nullptr &&
         s.type == gdjit::loop::ValueType{DType::f32, lanes};
}

std::vector<bool> fading_values(const gdjit::loop::Program& program,
                                const gdjit::loop::Kernel& kernel, int vector_bytes) {
  std::vector<bool> fading(kernel.values), loaded(kernel.values), constant(kernel.values);
  if (vector_bytes != vector_bytes_of_avx512)
    return fading;
  for_each_counted(kernel.body, 1, [&](const Statement& s, int64_t times) {
    if (s.kind == StatementKind::Load)
      loaded[s.result] = is_of_state(program, s, times);
    if (s.kind == StatementKind::Compute)
      constant[s.result] = s.op == ScalarOp::constant;
    if (s.kind == StatementKind::Compute && s.op == ScalarOp::mul)
      for (size_t i : {0, 1})
        if (loaded[s.operands[i]] && constant[s.operands[1 - i]])
          fading[s.operands[i]] = true;
  });
  gdjit::loop::for_each(kernel.body, [&](const Statement& s) {
    if (s.kind == StatementKind::Compute && s.op != ScalarOp::sqrt) // roots are never subnormal
      for (gdjit::loop::ValueId operand : s.operands)
        fading[s.result] = fading[s.result] || fading[operand];
  });
  return fading;
}

std::vector<uint32_t> telling_parameters(const gdjit::loop::Kernel& kernel,
                                         const gdjit::codegen::KernelShape& shape, int64_t calls,
                                         int vector_bytes) {
  std::vector<uint32_t> telling;
  if (calls < least_calls || vector_bytes != vector_bytes_of_avx512 || shape.repeats ||
      slow_operations(kernel.body) < least_operations)
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

Value* emit_gradual(llvm::IRBuilder<>& b, ScalarOp op, llvm::ArrayRef<Value*> operands) {
  Value* halves[2];
  for (bool high : {false, true}) {
    llvm::SmallVector<Value*, 3> x;
    for (Value* operand : operands)
      x.push_back(half(b, operand, high));
    halves[high] =
        b.CreateFPTrunc(in_double(b, op, x), llvm::FixedVectorType::get(b.getFloatTy(), lanes / 2));
  }
  llvm::SmallVector<int, lanes> all;
  for (int lane = 0; lane < lanes; ++lane)
    all.push_back(lane);
  return b.CreateShuffleVector(halves[0], halves[1], all);
}

Value* call_gradual(llvm::IRBuilder<>& b, ScalarOp op, llvm::ArrayRef<Value*> operands) {
  llvm::Module& module = *b.GetInsertBlock()->getModule();
  const std::string name = std::string("gradual.") + std::string(gdjit::loop::name(op));
  llvm::Function* function = module.getFunction(name);
  if (function == nullptr) {
    auto* vector = llvm::FixedVectorType::get(b.getFloatTy(), lanes);
    llvm::SmallVector<llvm::Type*, 3> parameters(operands.size(), vector);
    function = llvm::Function::Create(llvm::FunctionType::get(vector, parameters, false),
                                      llvm::Function::InternalLinkage, name, module);
    function->setDoesNotThrow();
    function->setDoesNotAccessMemory();
    function->addFnAttr(llvm::Attribute::Cold);
    function->addFnAttr(llvm::Attribute::NoInline);
    function->addFnAttr("no_caller_saved_registers");
    llvm::IRBuilder<> inside(llvm::BasicBlock::Create(module.getContext(), "", function));
    llvm::SmallVector<Value*, 3> arguments;
    for (llvm::Argument& argument : function->args())
      arguments.push_back(&argument);
    inside.CreateRet(emit_gradual(inside, op, arguments));
  }
  llvm::CallInst* call = b.CreateCall(function, operands);
  call->addFnAttr(llvm::Attribute::get(b.getContext(), "no_caller_saved_registers"));
  return call;
}

Value* emit_are_subnormal(llvm::IRBuilder<>& b, Value* x) {
  constexpr uint32_t subnormal = 0x20; // the class, as the instruction encodes it
  return b.CreateIntrinsic(Intrinsic::x86_avx512_fpclass_ps_512, {}, {x, b.getInt32(subnormal)});
}

Value* emit_meets_subnormals(llvm::IRBuilder<>& b, Value* address, int64_t bytes) {
  auto* type = llvm::FixedVectorType::get(b.getFloatTy(), lanes);
  auto at = [&](int64_t quarter) { // a vector in the middle of it
    int64_t offset = (bytes / 4 * quarter + bytes / 8 - vector_bytes_of_avx512 / 2) / 64 * 64;
    Value* place =
        b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), address, static_cast<uint64_t>(offset));
    return emit_are_subnormal(b, b.CreateAlignedLoad(type, place, llvm::Align(4)));
  };
  auto any = [&](Value* x, Value* y) { return b.CreateOrReduce(b.CreateOr(x, y)); };
  return b.CreateAnd(any(at(0), at(1)), any(at(2), at(3)));
}

} // namespace gdjit_llvm
