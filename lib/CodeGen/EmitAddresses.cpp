// Where the buffers of a kernel are, and which accesses reach the same memory.
//
// A kernel loads the addresses of its buffers from the table that it is called with. That no two of
// them reach the same bytes, a function whose parameters they were would say by noalias; here each
// buffer has a type of its own for LLVM's alias analysis by types. A second function, which loaded
// them for the first one, took 3 % of compilation.
#include "KernelEmitter.h"

#include <llvm/Analysis/ValueTracking.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/MDBuilder.h>

namespace gdjit_llvm {

void KernelEmitter::load_addresses() {
  llvm::LLVMContext& context = b_.getContext();
  auto address = [&](uint64_t slot, int64_t bytes, int64_t alignment) {
    Value* at = b_.CreateConstInBoundsGEP1_64(b_.getPtrTy(), function_->getArg(0), slot);
    llvm::LoadInst* load = b_.CreateAlignedLoad(b_.getPtrTy(), at, llvm::Align(8));
    auto say = [&](unsigned what, int64_t number) {
      load->setMetadata(what,
                        llvm::MDNode::get(context, llvm::ConstantAsMetadata::get(i64(number))));
    };
    if (bytes > 0) {
      say(llvm::LLVMContext::MD_dereferenceable, bytes);
      say(llvm::LLVMContext::MD_align, alignment);
    }
    for (unsigned what : {llvm::LLVMContext::MD_invariant_load, llvm::LLVMContext::MD_noundef})
      load->setMetadata(what, llvm::MDNode::get(context, {}));
    return load;
  };
  for (const gdjit::codegen::Parameter& p : shape_.parameters) {
    addresses_.push_back(address(addresses_.size(), p.bytes, p.alignment));
    addresses_.back()->setName(program_.buffers[p.memory].name);
  }
  if (!shape_.passed.empty()) {
    numbers_ = address(addresses_.size(), 8 * static_cast<int64_t>(shape_.passed.size()), 8);
    numbers_->setName("numbers");
  }
  buffers_ = addresses_;
}

void KernelEmitter::tag_accesses() {
  llvm::MDBuilder metadata(b_.getContext());
  llvm::MDNode* root = metadata.createTBAARoot("gdjit");
  auto tag = [&](llvm::StringRef name, bool constant) {
    llvm::MDNode* type = metadata.createTBAAScalarTypeNode(name, root);
    return metadata.createTBAAStructTagNode(type, type, 0, constant);
  };
  std::unordered_map<const Value*, llvm::MDNode*> tags;
  for (size_t i = 0; i < addresses_.size(); ++i) {
    const gdjit::codegen::Parameter& p = shape_.parameters[i];
    const bool gathered = buffers_[i] != addresses_[i]; // written, where its rows are copied to
    tags[addresses_[i]] = tags[buffers_[i]] =
        p.alone ? tag(std::to_string(i), !p.written && !gathered) : tag("shared", false);
  }
  if (numbers_ != nullptr)
    tags[numbers_] = tag("numbers", true);
  for (llvm::Instruction& access : llvm::instructions(function_)) {
    const Value* address = llvm::getLoadStorePointerOperand(&access);
    if (const auto* call = llvm::dyn_cast<llvm::CallBase>(&access))
      for (const llvm::Use& argument : call->args())
        if (argument->getType()->getScalarType()->isPointerTy())
          address = argument;
    if (address == nullptr)
      continue;
    if (auto known = tags.find(llvm::getUnderlyingObject(address, /*MaxLookup=*/0));
        known != tags.end())
      access.setMetadata(llvm::LLVMContext::MD_tbaa, known->second);
  }
}

} // namespace gdjit_llvm
