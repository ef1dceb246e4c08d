// Code for subnormal numbers beside the plain one, where states fade: single operations, and nests
// of unrolled loops, of which the code for subnormal numbers is loops.
#include "KernelEmitter.h"

#include "gdjit/Loop/Rewrite.h"

#include <algorithm>
#include <llvm/IR/MDBuilder.h>

namespace gdjit_llvm {

using gdjit::loop::StatementKind;

/// True for what is computed of fading values, and their loads.
bool KernelEmitter::fades(const Statement& s) const {
  auto fading = [&](gdjit::loop::ValueId v) { return fading_[v]; };
  return s.kind == StatementKind::Load ? fading(s.result) : std::ranges::any_of(s.operands, fading);
}

bool KernelEmitter::is_gradual(const Statement& s) const {
  return is_slow_on_subnormals(s) &&
         (arithmetic_ == Arithmetic::gradual || (arithmetic_ == Arithmetic::fading && fades(s)));
}

/// The lanes in which a vector is subnormal that an operation's operands come of, a bit each; null
/// for none. They are those of the result, too.
llvm::Value* KernelEmitter::subnormal_lanes(const Statement& s) {
  Value* any = nullptr;
  for (gdjit::loop::ValueId operand : s.operands)
    if (Value* lanes = fading_[operand] ? subnormal_[operand] : nullptr)
      any = any == nullptr ? lanes : b_.CreateOr(any, lanes);
  if (fading_[s.result])
    subnormal_[s.result] = any;
  return any;
}

/// The value, null for none, of code for subnormal numbers where the condition holds, else of the
/// plain one.
llvm::Value* KernelEmitter::gradual_or_plain(Value* subnormal, llvm::function_ref<Value*()> gradual,
                                             llvm::function_ref<Value*()> plain) {
  llvm::LLVMContext& context = b_.getContext();
  auto* seldom = llvm::BasicBlock::Create(context, "subnormal", function_);
  auto* often = llvm::BasicBlock::Create(context, "normal", function_);
  auto* behind = llvm::BasicBlock::Create(context, "", function_);
  b_.CreateCondBr(subnormal, seldom, often, llvm::MDBuilder(context).createUnlikelyBranchWeights());
  auto in = [&](llvm::BasicBlock*& block, llvm::function_ref<Value*()> emit) {
    b_.SetInsertPoint(block);
    Value* value = emit();
    block = b_.GetInsertBlock();
    b_.CreateBr(behind);
    return value;
  };
  Value* values[] = {in(seldom, gradual), in(often, plain)};
  b_.SetInsertPoint(behind);
  if (values[0] == nullptr)
    return nullptr;
  llvm::PHINode* either = b_.CreatePHI(values[0]->getType(), 2);
  either->addIncoming(values[0], seldom);
  either->addIncoming(values[1], often);
  return either;
}

/// True for unrolled loops, not within such, that load fading values and change nothing but
/// buffers.
bool KernelEmitter::is_guarded(const Statement& nest) const {
  if (arithmetic_ != Arithmetic::guarded || !has_constant_variable(nest))
    return false;
  bool loads = false, simple = true;
  gdjit::loop::for_each(nest.body, [&](const Statement& s) {
    loads |= s.kind == StatementKind::Load && fades(s);
    simple &= s.kind == StatementKind::For
                  ? has_constant_variable(s)
                  : s.kind == StatementKind::Load || s.kind == StatementKind::Compute ||
                        s.kind == StatementKind::Store || s.kind == StatementKind::Get ||
                        s.kind == StatementKind::Index || s.kind == StatementKind::Prefetch;
  });
  return loads && simple;
}

/// The lanes in which any fading vector is subnormal that a statement of a nest loads; null for
/// none. Loaded as integers, lest LLVM keep in registers for the nest what this has loaded.
llvm::Value* KernelEmitter::subnormal_lanes_of_nest(const Statement& s) {
  if (s.kind == StatementKind::Load && fades(s)) {
    Offset offset = offset_of(s);
    llvm::Type* type = memory_type(b_.getContext(), {gdjit::DType::i32, s.type.lanes});
    Value* bits = b_.CreateAlignedLoad(type, address(s.buffer, offset), alignment(s, offset));
    return emit_are_subnormal(b_, b_.CreateBitCast(bits, memory_type(b_.getContext(), s.type)));
  }
  Value* any = nullptr;
  for (int64_t i = s.begin; i < s.end && s.kind == StatementKind::For; i += s.step) {
    loops_[s.loop] = {i64(i), i, true, 0, i < 0};
    for (const Statement& inner : s.body)
      if (Value* lanes = subnormal_lanes_of_nest(inner))
        any = any == nullptr ? lanes : b_.CreateOr(any, lanes);
  }
  return any;
}

/// Puts the tiles that a nest reads where loops can index them; returns those that were in
/// registers, which stay there.
std::vector<KernelEmitter::Tile*> KernelEmitter::move_tiles_to_memory(const Statement& nest) {
  std::vector<Tile*> moved;
  gdjit::loop::for_each(nest.body, [&](const Statement& s) {
    Tile* tile = s.kind == StatementKind::Get ? &tiles_[s.tile] : nullptr;
    if (tile == nullptr || tile->array != nullptr)
      return;
    llvm::Type* type = memory_type(b_.getContext(), tile->type);
    {
      llvm::IRBuilderBase::InsertPointGuard guard(b_);
      b_.SetInsertPoint(allocas_end_);
      tile->array = b_.CreateAlloca(type, i64(static_cast<int64_t>(tile->elements.size())));
    }
    for (size_t i = 0; i < tile->elements.size(); ++i)
      b_.CreateStore(b_.CreateLoad(type, tile->elements[i]),
                     b_.CreateConstInBoundsGEP1_64(type, tile->array, i));
    moved.push_back(tile);
  });
  return moved;
}

void KernelEmitter::guard(const Statement& nest) {
  gradual_or_plain(
      b_.CreateOrReduce(subnormal_lanes_of_nest(nest)),
      [&]() -> Value* {
        arithmetic_ = Arithmetic::fading;
        std::vector<Tile*> moved = move_tiles_to_memory(nest);
        for_loop(nest);
        for (Tile* tile : moved)
          tile->array = nullptr;
        return nullptr;
      },
      [&]() -> Value* {
        arithmetic_ = Arithmetic::plain;
        for_loop(nest);
        return nullptr;
      });
  arithmetic_ = Arithmetic::guarded;
}

} // namespace gdjit_llvm
