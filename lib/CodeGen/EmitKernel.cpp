// Statements of Loop IR as LLVM IR: loops, values, tiles, checks.
//
// Unrolled loops are expanded here, so that the indices of tiles become constant and LLVM keeps
// each element in a register; no pass of LLVM's has to find that out.
#include "KernelEmitter.h"

#include "gdjit/Runtime/Abi.h"
#include "gdjit/Support/Error.h"

#include <algorithm>
#include <cstddef>
#include <fmt/format.h>
#include <llvm/IR/IntrinsicsX86.h>
#include <numeric>

namespace gdjit_llvm {

using gdjit::loop::Index;
using gdjit::loop::LoopKind;
using gdjit::loop::StatementKind;
using gdjit::loop::TileId;
using gdjit::loop::ValueId;

KernelEmitter::KernelEmitter(llvm::Function* function, const gdjit::loop::Program& program,
                             const gdjit::loop::Kernel& kernel,
                             const gdjit::codegen::KernelShape& shape, DebugInfo* debug,
                             int vector_bytes, Arithmetic arithmetic)
    : program_(program), kernel_(kernel), shape_(shape), debug_(debug), vector_bytes_(vector_bytes),
      arithmetic_(arithmetic), function_(function), b_(function->getContext()),
      values_(kernel.values), types_(kernel.values), loops_(kernel.loops), tiles_(kernel.tiles),
      fading_(fading_values(program, kernel, vector_bytes)), subnormal_(kernel.values),
      bounded_(bounded_values(kernel, shape)), dynamic_tile_(kernel.tiles),
      constant_loop_(kernel.loops) {}

void KernelEmitter::emit() {
  b_.SetInsertPoint(llvm::BasicBlock::Create(b_.getContext(), "entry", function_));
  if (debug_ != nullptr)
    b_.SetCurrentDebugLocation(debug_->location(gdjit::no_node));
  load_addresses();
  llvm::BasicBlock* body = llvm::BasicBlock::Create(b_.getContext(), "body", function_);
  allocas_end_ = b_.CreateBr(body);
  b_.SetInsertPoint(body);
  survey(kernel_.body);
  if (shape_.repeats)
    repeat();
  else
    statements(kernel_.body);
  if (streams_) // else a core that is told of the end might read what memory held before
    b_.CreateIntrinsic(llvm::Intrinsic::x86_sse_sfence, {}, {});
  b_.CreateRetVoid();
  tag_accesses();
}

/// The body as often as the call says. What one step leaves in memory for the next, LLVM keeps in
/// registers where no loop indexes it.
void KernelEmitter::repeat() {
  llvm::Type* integer = b_.getInt64Ty();
  Value* steps = status(offsetof(gdjit::KernelStatus, steps));
  Value* wanted = b_.CreateLoad(integer, steps);
  Value* number =
      shape_.step_number == gdjit::loop::none ? nullptr : addresses_[shape_.step_number];
  Value* first = number == nullptr ? nullptr : b_.CreateLoad(integer, number);
  if (shape_.passes_over_rows)
    begin_row_pass();
  llvm::BasicBlock* before = b_.GetInsertBlock();
  llvm::BasicBlock* body = llvm::BasicBlock::Create(b_.getContext(), "step", function_);
  b_.CreateBr(body);
  b_.SetInsertPoint(body);
  llvm::PHINode* left = b_.CreatePHI(integer, 2, "left");
  left->addIncoming(wanted, before);
  if (shape_.passes_over_rows)
    take_batch(wanted, left);
  statements(kernel_.body);
  if (shape_.passes_over_rows)
    add_results();
  if (number != nullptr)
    b_.CreateStore(b_.CreateAdd(b_.CreateLoad(integer, number), i64(1)), number);
  Value* left_now = b_.CreateNSWSub(left, i64(1));
  left->addIncoming(left_now, b_.GetInsertBlock());
  Value* more = b_.CreateICmpSGT(left_now, i64(0));
  if (!shape_.checks.empty()) {
    Value* failed = b_.CreateLoad(integer, status(offsetof(gdjit::KernelStatus, check)));
    more = b_.CreateAnd(more, b_.CreateICmpSLT(failed, i64(0)));
  }
  llvm::BasicBlock* done = llvm::BasicBlock::Create(b_.getContext(), "done", function_);
  b_.CreateCondBr(more, body, done);
  b_.SetInsertPoint(done);
  b_.CreateStore(left_now, steps);
  if (shape_.passes_over_rows)
    end_row_pass();
  if (number != nullptr)
    b_.CreateStore(first, number);
}

void KernelEmitter::statements(const std::vector<Statement>& body) {
  for (const Statement& s : body) {
    if (debug_ != nullptr)
      b_.SetCurrentDebugLocation(debug_->location(s.node));
    statement(s);
  }
}

void KernelEmitter::statement(const Statement& s) {
  switch (s.kind) {
  case StatementKind::For:
    return for_loop(s);
  case StatementKind::Compute:
    return compute(s);
  case StatementKind::Index:
    return define(s, index_value(s.index[0], s.type.lanes));
  case StatementKind::Load:
    return load(s);
  case StatementKind::Store:
    return store(s);
  case StatementKind::Tile:
    return declare(s);
  case StatementKind::Get: {
    const Tile& tile = tiles_[s.tile];
    return define(s, read(tile, tile_element(tile, s.index)));
  }
  case StatementKind::Set:
    return set(s);
  case StatementKind::Join:
    return join(s);
  case StatementKind::Transpose:
    return transpose(s);
  case StatementKind::Check:
    return check(s);
  case StatementKind::Prefetch:
    return prefetch(s);
  }
}

/// Code for subnormal numbers stays short: it keeps loops, and tiles in memory.
bool KernelEmitter::has_constant_variable(const Statement& s) const {
  const bool unrolls = arithmetic_ == Arithmetic::guarded || arithmetic_ == Arithmetic::plain;
  return (s.loop_kind == LoopKind::unrolled && unrolls) ||
         (gdjit::loop::turns(s) <= 1 && !is_passed(&s.begin) && !is_passed(&s.end));
}

/// The parallel loop that is all of a kernel does the turns that the call names; any other one all
/// of its turns, in order.
void KernelEmitter::for_loop(const Statement& s) {
  Loop& loop = loops_[s.loop];
  if (is_guarded(s))
    return guard(s);
  if (has_constant_variable(s)) {
    for (int64_t i = s.begin; i < s.end; i += s.step) {
      loop = {i64(i), i, true, 0, i < 0};
      statements(s.body);
    }
    return;
  }
  if (&s != gdjit::loop::shared_loop(kernel_)) {
    Value *begin = number(s.begin), *end = number(s.end);
    if (llvm::isa<llvm::Constant>(begin) && llvm::isa<llvm::Constant>(end))
      return turns(s, begin, end);
    llvm::BasicBlock* behind = begin_if(b_.CreateICmpSLT(begin, end), "some");
    turns(s, begin, end);
    return end_if(behind);
  }
  auto value_of_turn = [&](size_t field) {
    Value* turn = b_.CreateLoad(b_.getInt64Ty(), status(field));
    return b_.CreateNSWAdd(b_.CreateNSWMul(turn, i64(s.step)), number(s.begin));
  };
  Value* begin = value_of_turn(offsetof(gdjit::KernelStatus, first_turn));
  turns(s, begin, value_of_turn(offsetof(gdjit::KernelStatus, end_turn)));
}

/// At least one turn from `begin` on.
void KernelEmitter::turns(const Statement& s, Value* begin, Value* end) {
  const std::string& name =
      s.loop < kernel_.loop_names.size() ? kernel_.loop_names[s.loop] : std::string();
  llvm::BasicBlock* before = b_.GetInsertBlock();
  llvm::BasicBlock* body = llvm::BasicBlock::Create(b_.getContext(), "for." + name, function_);
  b_.CreateBr(body);
  b_.SetInsertPoint(body);
  llvm::PHINode* variable = b_.CreatePHI(b_.getInt64Ty(), 2, name);
  variable->addIncoming(begin, before);
  const int64_t divisor = is_passed(&s.begin) ? 1 : std::gcd(s.begin, s.step);
  loops_[s.loop] = {variable, 0, false, divisor, s.begin < 0};
  statements(s.body);
  Value* next = b_.CreateNSWAdd(variable, i64(s.step));
  Value* more = b_.CreateICmpSLT(next, end);
  llvm::BasicBlock* behind = llvm::BasicBlock::Create(b_.getContext(), "end." + name, function_);
  variable->addIncoming(next, b_.GetInsertBlock());
  b_.CreateCondBr(more, body, behind);
  b_.SetInsertPoint(behind);
}

void KernelEmitter::compute(const Statement& s) {
  if (s.op == gdjit::loop::ScalarOp::constant)
    return define(s, constant(s));
  llvm::SmallVector<Value*, 3> operands;
  for (ValueId operand : s.operands)
    operands.push_back(value(operand, s.type.lanes));
  Value* subnormal = arithmetic_ == Arithmetic::guarded ? subnormal_lanes(s) : nullptr;
  if (subnormal != nullptr && is_slow_on_subnormals(s))
    define(s, gradual_or_plain(
                  b_.CreateIsNotNull(subnormal), [&] { return call_gradual(b_, s.op, operands); },
                  [&] { return plain(s, operands); }));
  else
    define(s, is_gradual(s) ? emit_gradual(b_, s.op, operands) : plain(s, operands));
}

llvm::Value* KernelEmitter::plain(const Statement& s, llvm::ArrayRef<Value*> operands) {
  if (s.op == gdjit::loop::ScalarOp::scaleb && vector_bytes_ == vector_bytes_of_avx512)
    return emit_scalef(b_, operands[0], operands[1], bounded_[s.operands[1]]);
  if (s.op == gdjit::loop::ScalarOp::bit_xor && vector_bytes_ == vector_bytes_of_avx512)
    if (Value* xored = emit_xor_of_three(b_, operands[0], operands[1]))
      return xored;
  return emit_scalar(b_, s.op, s.type, types_[s.operands.back()].dtype, operands);
}

/// A literal; from the table where kernels that are one with this differ in it.
llvm::Value* KernelEmitter::constant(const Statement& s) {
  return is_passed(&s.bits) ? widen(b_, argument(&s.bits, s.type.dtype), s.type.lanes)
                            : literal(b_.getContext(), s.type, s.bits);
}

/// A number of the kernel that is passed, loaded once at its beginning.
llvm::Value* KernelEmitter::argument(const void* field, gdjit::DType type) {
  const uint32_t slot = shape_.slots.at(field);
  Value*& known = arguments_[{slot, type}];
  if (known != nullptr)
    return known;
  llvm::IRBuilderBase::InsertPointGuard guard(b_);
  b_.SetInsertPoint(allocas_end_);
  known = b_.CreateAlignedLoad(memory_type(b_.getContext(), {type, 1}),
                               b_.CreateConstInBoundsGEP1_64(b_.getInt64Ty(), numbers_, slot),
                               llvm::Align(8));
  if (type == gdjit::DType::boolean)
    known = b_.CreateTrunc(known, b_.getInt1Ty());
  return known;
}

/// An extent or a bound.
llvm::Value* KernelEmitter::number(const int64_t& field) {
  return is_passed(&field) ? argument(&field, gdjit::DType::i64) : i64(field);
}

void KernelEmitter::check(const Statement& s) {
  uint16_t lanes = s.type.lanes;
  Value* bad = b_.CreateNot(value(s.operands[0], lanes));
  if (s.mask != gdjit::loop::none)
    bad = b_.CreateAnd(bad, value(s.mask, lanes));
  Value* any = lanes == 1 ? bad : b_.CreateOrReduce(bad);
  llvm::BasicBlock* behind = begin_if(any, "bad");
  Value* number = status(offsetof(gdjit::KernelStatus, check));
  Value* first = b_.CreateICmpSLT(b_.CreateLoad(b_.getInt64Ty(), number), i64(0));
  llvm::BasicBlock* reported = begin_if(first, "report");
  Value* position = index_value(s.index[0], lanes);
  if (lanes > 1) {
    Value* bits = b_.CreateBitCast(bad, b_.getIntNTy(lanes));
    Value* lane = b_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, bits, b_.getFalse());
    position = b_.CreateExtractElement(position, b_.CreateZExtOrTrunc(lane, b_.getInt64Ty()));
  }
  b_.CreateStore(i64(check_number_.at(&s)), number);
  b_.CreateStore(position, status(offsetof(gdjit::KernelStatus, position)));
  end_if(reported);
  end_if(behind);
}

/// Numbers checks in order of appearance and finds the tiles that some access indexes by a
/// variable, or whose extents are passed.
void KernelEmitter::survey(const std::vector<Statement>& body) {
  for (const Statement& s : body) {
    if (s.kind == StatementKind::Check)
      check_number_.emplace(&s, static_cast<int64_t>(check_number_.size()));
    if (s.kind == StatementKind::For)
      constant_loop_[s.loop] = has_constant_variable(s) ? 1 : 0;
    if (s.kind == StatementKind::Tile && (is_array(s) || is_passed(s.extents.data())))
      dynamic_tile_[s.tile] = true;
    if (s.kind == StatementKind::Get || s.kind == StatementKind::Set ||
        s.kind == StatementKind::Join || s.kind == StatementKind::Transpose)
      for (const Index& index : s.index) {
        bool constant = index.dynamic == gdjit::loop::none;
        for (const gdjit::loop::Term& term : index.affine.terms)
          constant &= constant_loop_[term.loop] != 0;
        if (!constant)
          dynamic_tile_[s.tile] = true;
      }
    survey(s.body);
  }
}

// --- values ---

void KernelEmitter::define(const Statement& s, Value* value) {
  values_[s.result] = value;
  types_[s.result] = s.type;
}

llvm::Value* KernelEmitter::value(ValueId id, uint16_t lanes) {
  return widen(b_, values_[id], lanes);
}

llvm::Value* KernelEmitter::lane_numbers(uint16_t lanes, int64_t step) {
  llvm::SmallVector<llvm::Constant*, 16> numbers;
  for (int64_t lane = 0; lane < lanes; ++lane)
    numbers.push_back(i64(lane * step));
  return llvm::ConstantVector::get(numbers);
}

/// The address of a field of the call's KernelStatus, by its offset in bytes.
llvm::Value* KernelEmitter::status(size_t field) {
  return b_.CreateConstInBoundsGEP1_64(b_.getInt64Ty(), function_->getArg(1),
                                       field / sizeof(int64_t));
}

llvm::Value* KernelEmitter::index_value(const Index& index, uint16_t lanes) {
  Offset offset;
  add(offset, index, 1);
  Value* result = i64(offset.constant);
  for (Value* part : {offset.variable, offset.dynamic})
    if (part != nullptr)
      result = b_.CreateAdd(widen(b_, part, lanes), widen(b_, result, lanes));
  result = widen(b_, result, lanes);
  return offset.lane == 0 || lanes == 1 ? result
                                        : b_.CreateAdd(result, lane_numbers(lanes, offset.lane));
}

llvm::BasicBlock* KernelEmitter::begin_if(Value* condition, const char* name) {
  llvm::BasicBlock* inside = llvm::BasicBlock::Create(b_.getContext(), name, function_);
  llvm::BasicBlock* behind = llvm::BasicBlock::Create(b_.getContext(), "", function_);
  b_.CreateCondBr(condition, inside, behind);
  b_.SetInsertPoint(inside);
  return behind;
}

void KernelEmitter::end_if(llvm::BasicBlock* behind) {
  b_.CreateBr(behind);
  b_.SetInsertPoint(behind);
}

} // namespace gdjit_llvm
