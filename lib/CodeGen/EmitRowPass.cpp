// A pass over rows: before each step of a kernel that repeats the rows of its inputs, behind it the
// sums of its outputs.
//
// Several rows that are taken in an order are copied side by side, for the kernel to read as it
// reads any batch; one row, and rows that stand side by side already, are read where they are. The
// copy is a step ahead, in one of two halves of its memory: a step that reads what was just written
// in other pieces waits for the cache.
#include "KernelEmitter.h"

#include "gdjit/Runtime/Abi.h"

#include <cstddef>

namespace gdjit_llvm {

using gdjit::RowPassStatus;
using gdjit::codegen::RowPassShape;

void KernelEmitter::begin_row_pass() {
  llvm::Type* type = b_.getDoubleTy();
  Value* sums = b_.CreateLoad(b_.getPtrTy(), status(offsetof(RowPassStatus, sums)));
  for (size_t i = 0; i < shape_.row_pass.sums.size(); ++i) {
    Value* start = b_.CreateLoad(type, b_.CreateConstInBoundsGEP1_64(type, sums, i));
    sums_.push_back(new llvm::AllocaInst(type, 0, "sum", allocas_end_->getIterator()));
    b_.CreateStore(start, sums_.back());
  }
  if (shape_.row_pass.bytes == 0)
    return;
  Value* order = b_.CreateLoad(b_.getPtrTy(), status(offsetof(RowPassStatus, order)));
  llvm::BasicBlock* behind = begin_if(b_.CreateIsNotNull(order), "order");
  gather(order, i64(0));
  end_if(behind);
}

/// Lets the buffers of inputs be the next batch, `left` of `wanted` being still to be done.
void KernelEmitter::take_batch(Value* wanted, Value* left) {
  const RowPassShape& pass = shape_.row_pass;
  Value* number = b_.CreateNSWSub(wanted, left);
  Value* first = b_.CreateNSWMul(number, i64(pass.rows));
  llvm::SmallVector<Value*, 4> in_place, in_order;
  for (const RowPassShape::Input& input : pass.inputs)
    in_place.push_back(row_of(input, first));
  Value* order = b_.CreateLoad(b_.getPtrTy(), status(offsetof(RowPassStatus, order)));
  llvm::BasicBlock* before = b_.GetInsertBlock();
  llvm::BasicBlock* behind = begin_if(b_.CreateIsNotNull(order), "order");
  if (pass.bytes > 0) {
    llvm::BasicBlock* last = begin_if(b_.CreateICmpSGT(left, i64(1)), "ahead");
    gather(order, b_.CreateNSWAdd(number, i64(1)));
    end_if(last);
  }
  for (const RowPassShape::Input& input : pass.inputs)
    in_order.push_back(pass.bytes > 0 ? gathered(input, number)
                                      : row_of(input, row_number(order, first)));
  llvm::BasicBlock* inside = b_.GetInsertBlock();
  end_if(behind);
  for (size_t i = 0; i < pass.inputs.size(); ++i) {
    llvm::PHINode* either = b_.CreatePHI(b_.getPtrTy(), 2);
    either->addIncoming(in_place[i], before);
    either->addIncoming(in_order[i], inside);
    buffers_[pass.inputs[i].parameter] = either;
  }
}

/// The address of a row in the data that an input's rows come from.
llvm::Value* KernelEmitter::row_of(const RowPassShape::Input& input, Value* row) {
  return b_.CreateInBoundsGEP(b_.getInt8Ty(), addresses_[input.parameter],
                              b_.CreateNSWMul(row, i64(input.row_bytes)));
}

llvm::Value* KernelEmitter::row_number(Value* order, Value* at) {
  llvm::Type* type = b_.getInt64Ty();
  return b_.CreateLoad(type, b_.CreateInBoundsGEP(type, order, at));
}

/// Where the rows of an input are that were gathered for the batch of that number.
llvm::Value* KernelEmitter::gathered(const RowPassShape::Input& input, Value* number) {
  Value* memory = b_.CreateLoad(b_.getPtrTy(), status(offsetof(RowPassStatus, batches)));
  Value* half = b_.CreateNSWMul(b_.CreateAnd(number, i64(1)), i64(shape_.row_pass.bytes / 2));
  return b_.CreateInBoundsGEP(b_.getInt8Ty(), memory, b_.CreateNSWAdd(half, i64(input.offset)));
}

/// Copies the rows of the batch of that number.
void KernelEmitter::gather(Value* order, Value* number) {
  const RowPassShape& pass = shape_.row_pass;
  Value* first = b_.CreateNSWMul(number, i64(pass.rows));
  llvm::SmallVector<Value*, 4> to;
  for (const RowPassShape::Input& input : pass.inputs)
    to.push_back(gathered(input, number));
  llvm::BasicBlock* before = b_.GetInsertBlock();
  llvm::BasicBlock* body = llvm::BasicBlock::Create(b_.getContext(), "row", function_);
  b_.CreateBr(body);
  b_.SetInsertPoint(body);
  llvm::PHINode* i = b_.CreatePHI(b_.getInt64Ty(), 2);
  i->addIncoming(i64(0), before);
  Value* row = row_number(order, b_.CreateNSWAdd(first, i));
  for (size_t k = 0; k < pass.inputs.size(); ++k) {
    const int64_t bytes = pass.inputs[k].row_bytes;
    Value* at = b_.CreateInBoundsGEP(b_.getInt8Ty(), to[k], b_.CreateNSWMul(i, i64(bytes)));
    b_.CreateMemCpy(at, llvm::MaybeAlign(), row_of(pass.inputs[k], row), llvm::MaybeAlign(),
                    static_cast<uint64_t>(bytes));
  }
  Value* next = b_.CreateNSWAdd(i, i64(1));
  i->addIncoming(next, body);
  llvm::BasicBlock* behind = llvm::BasicBlock::Create(b_.getContext(), "rows", function_);
  b_.CreateCondBr(b_.CreateICmpSLT(next, i64(pass.rows)), body, behind);
  b_.SetInsertPoint(behind);
}

/// sum += output * rows, in f64 and with two roundings.
void KernelEmitter::add_results() {
  const RowPassShape& pass = shape_.row_pass;
  llvm::Type* f64 = b_.getDoubleTy();
  for (size_t i = 0; i < pass.sums.size(); ++i) {
    const gdjit::loop::Buffer& buffer = program_.buffers[shape_.parameters[pass.sums[i]].memory];
    const gdjit::DType type = buffer.type.dtype;
    Value* number = b_.CreateLoad(memory_type(b_.getContext(), {type, 1}), buffers_[pass.sums[i]]);
    if (type == gdjit::DType::boolean)
      number = b_.CreateUIToFP(number, f64);
    else
      number = is_float(type) ? b_.CreateFPCast(number, f64) : b_.CreateSIToFP(number, f64);
    Value* weighted =
        b_.CreateFMul(number, llvm::ConstantFP::get(f64, static_cast<double>(pass.rows)));
    b_.CreateStore(b_.CreateFAdd(b_.CreateLoad(f64, sums_[i]), weighted), sums_[i]);
  }
}

void KernelEmitter::end_row_pass() {
  llvm::Type* type = b_.getDoubleTy();
  Value* sums = b_.CreateLoad(b_.getPtrTy(), status(offsetof(RowPassStatus, sums)));
  for (size_t i = 0; i < sums_.size(); ++i)
    b_.CreateStore(b_.CreateLoad(type, sums_[i]), b_.CreateConstInBoundsGEP1_64(type, sums, i));
}

} // namespace gdjit_llvm
