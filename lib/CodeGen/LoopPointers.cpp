// Finds addresses whose index is linear in the variable of their loop.
#include "LoopPointers.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <optional>

namespace gdjit_llvm {

namespace {

using llvm::BasicBlock;
using llvm::Value;

constexpr int least_accesses = 4; ///< that become factors of an fma: fewer do not pay for a pointer

/// A loop of one block.
struct Loop {
  BasicBlock* body = nullptr;
  BasicBlock* before = nullptr;

  bool holds(const Value* v) const {
    const auto* instruction = llvm::dyn_cast<llvm::Instruction>(v);
    return instruction != nullptr && instruction->getParent() == body;
  }
};

std::optional<Loop> loop_of(BasicBlock& block) {
  if (llvm::pred_size(&block) != 2 || !llvm::is_contained(llvm::predecessors(&block), &block))
    return std::nullopt;
  Loop loop{&block};
  for (BasicBlock* from : llvm::predecessors(&block))
    if (from != &block)
      loop.before = from;
  return loop;
}

/// What a value is in the first turn, and how much it grows each turn.
struct Linear {
  Value* first = nullptr;
  int64_t step = 0;
};

class LoopPointers {
public:
  explicit LoopPointers(Loop loop) : loop_(loop), b_(loop.before->getTerminator()) {}

  bool rewrite() {
    bool changed = false;
    for (llvm::Instruction& i : llvm::make_early_inc_range(*loop_.body))
      if (auto* pointer = llvm::dyn_cast<llvm::GetElementPtrInst>(&i))
        changed |= rewrite(*pointer);
    return changed;
  }

private:
  bool rewrite(llvm::GetElementPtrInst& pointer) {
    if (pointer.getNumIndices() != 1 || loop_.holds(pointer.getPointerOperand()) ||
        !loop_.holds(pointer.getOperand(1)) || accesses(pointer) < least_accesses)
      return false;
    llvm::Type* element = pointer.getSourceElementType();
    const std::optional<Linear> index = linear(pointer.getOperand(1));
    if (!index)
      return false;
    Value* first = b_.CreateGEP(element, pointer.getPointerOperand(), index->first);
    llvm::IRBuilder<> inside(loop_.body, loop_.body->begin());
    llvm::PHINode* moving = inside.CreatePHI(pointer.getType(), 2);
    inside.SetInsertPoint(loop_.body->getTerminator());
    moving->addIncoming(first, loop_.before);
    moving->addIncoming(
        inside.CreateGEP(element, moving, inside.getInt64(static_cast<uint64_t>(index->step))),
        loop_.body);
    pointer.replaceAllUsesWith(moving);
    pointer.eraseFromParent();
    return true;
  }

  /// Loads at a pointer and at known distances from it that instructions take as a factor.
  static int accesses(const Value& pointer) {
    int count = 0;
    for (const llvm::User* user : pointer.users())
      if (const auto* further = llvm::dyn_cast<llvm::GetElementPtrInst>(user))
        count += further->hasAllConstantIndices() ? accesses(*further) : 0;
      else
        count += is_factor(*user);
    return count;
  }

  /// True for what is loaded for one fma alone, or broadcast for it.
  static bool is_factor(const Value& load) {
    const Value* v = &load;
    while ((llvm::isa<llvm::LoadInst>(v) || llvm::isa<llvm::InsertElementInst>(v) ||
            llvm::isa<llvm::ShuffleVectorInst>(v)) &&
           v->hasOneUse())
      v = *v->user_begin();
    const auto* call = llvm::dyn_cast<llvm::IntrinsicInst>(v);
    return v != &load && call != nullptr && call->getIntrinsicID() == llvm::Intrinsic::fma;
  }

  /// Recursion is bounded: an index is a sum over the axes of a buffer.
  std::optional<Linear> linear(Value* v) {
    if (!loop_.holds(v))
      return Linear{v, 0};
    if (auto* phi = llvm::dyn_cast<llvm::PHINode>(v)) {
      const auto* next =
          llvm::dyn_cast<llvm::BinaryOperator>(phi->getIncomingValueForBlock(loop_.body));
      const auto* step = next == nullptr || next->getOpcode() != llvm::Instruction::Add ||
                                 next->getOperand(0) != phi
                             ? nullptr
                             : llvm::dyn_cast<llvm::ConstantInt>(next->getOperand(1));
      if (step == nullptr)
        return std::nullopt;
      return Linear{phi->getIncomingValueForBlock(loop_.before), step->getSExtValue()};
    }
    const auto* operation = llvm::dyn_cast<llvm::BinaryOperator>(v);
    if (operation == nullptr)
      return std::nullopt;
    const bool is_sum = operation->getOpcode() == llvm::Instruction::Add;
    if (!is_sum && operation->getOpcode() != llvm::Instruction::Mul)
      return std::nullopt;
    const auto* factor = llvm::dyn_cast<llvm::ConstantInt>(operation->getOperand(1));
    if (!is_sum && factor == nullptr)
      return std::nullopt;
    const std::optional<Linear> l = linear(operation->getOperand(0)),
                                r = linear(operation->getOperand(1));
    if (!l || !r)
      return std::nullopt;
    return is_sum ? Linear{b_.CreateAdd(l->first, r->first), l->step + r->step}
                  : Linear{b_.CreateMul(l->first, r->first), l->step * factor->getSExtValue()};
  }

  Loop loop_;
  llvm::IRBuilder<> b_; ///< in front of the loop
};

} // namespace

llvm::PreservedAnalyses LoopPointersPass::run(llvm::Function& function,
                                              llvm::FunctionAnalysisManager& /*analyses*/) {
  bool changed = false;
  for (BasicBlock& block : function)
    if (const std::optional<Loop> loop = loop_of(block))
      changed |= LoopPointers(*loop).rewrite();
  return changed ? llvm::PreservedAnalyses::none() : llvm::PreservedAnalyses::all();
}

} // namespace gdjit_llvm
