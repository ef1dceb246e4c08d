// The functions of a kernel: what their parameters promise, and the choice among two of them.
#include "EmitKernel.h"

#include "KernelEmitter.h"
#include "Target.h"

namespace gdjit_llvm {

namespace {

using gdjit::codegen::KernelShape;

/// void(ptr buffers, ptr status), a KernelFunction.
llvm::Function* declare(llvm::Module& module, const KernelShape& shape, const std::string& name,
                        llvm::GlobalValue::LinkageTypes linkage) {
  llvm::LLVMContext& context = module.getContext();
  auto* pointer = llvm::PointerType::getUnqual(context);
  auto* function = llvm::Function::Create(
      llvm::FunctionType::get(llvm::Type::getVoidTy(context), {pointer, pointer}, false), linkage,
      name, module);
  function->setDoesNotThrow();
  const char* names[] = {"buffers", "status"};
  for (unsigned i : {0, 1}) {
    llvm::AttrBuilder facts(context);
    facts.addAttribute(llvm::Attribute::NoAlias);
    facts.addAttribute(llvm::Attribute::NoCapture);
    if (i == 0) {
      facts.addAttribute(llvm::Attribute::ReadOnly);
      facts.addDereferenceableAttr(8 * (shape.parameters.size() + !shape.passed.empty()));
    }
    function->getArg(i)->setName(names[i]);
    function->addParamAttrs(i, facts);
  }
  return function;
}

/// As a jump: nothing is left to do.
void call(Builder& b, llvm::Function* function, llvm::ArrayRef<llvm::Value*> arguments) {
  b.CreateCall(function, arguments)->setTailCallKind(llvm::CallInst::TCK_Tail);
  b.CreateRetVoid();
}

/// Fills `chosen`, which calls `gradual` where one of the parameters `telling` holds subnormal
/// numbers, else `normal`.
void emit_choice(llvm::Function* chosen, llvm::Function* normal, llvm::Function* gradual,
                 const KernelShape& shape, llvm::ArrayRef<uint32_t> telling) {
  llvm::LLVMContext& context = chosen->getContext();
  Builder b(llvm::BasicBlock::Create(context, "", chosen));
  llvm::Value* arguments[] = {chosen->getArg(0), chosen->getArg(1)};
  llvm::Value* subnormal = b.getFalse();
  for (uint32_t i : telling) {
    llvm::Value* address =
        b.CreateLoad(b.getPtrTy(), b.CreateConstInBoundsGEP1_64(b.getPtrTy(), arguments[0], i));
    subnormal = b.CreateOr(subnormal, emit_meets_subnormals(b, address, shape.parameters[i].bytes));
  }
  auto* often = llvm::BasicBlock::Create(context, "normal", chosen);
  auto* seldom = llvm::BasicBlock::Create(context, "subnormal", chosen);
  b.CreateCondBr(subnormal, seldom, often);
  b.SetInsertPoint(often);
  call(b, normal, arguments);
  b.SetInsertPoint(seldom);
  call(b, gradual, arguments);
}

} // namespace

std::vector<llvm::Function*> emit_kernel(llvm::Module& module, const gdjit::loop::Program& program,
                                         const gdjit::loop::Kernel& kernel,
                                         const KernelShape& shape, const std::string& name,
                                         int64_t calls, DebugInfo* debug,
                                         const gdjit::CodeGenOptions& options) {
  const int vector_bytes = gdjit::machine_table(options.target).vector_bytes;
  const bool slow = slow_on_subnormals(options.target);
  auto emit = [&](const std::string& function_name, Arithmetic arithmetic,
                  llvm::GlobalValue::LinkageTypes linkage) {
    llvm::Function* function = declare(module, shape, function_name, linkage);
    if (debug != nullptr)
      debug->begin(function, kernel);
    KernelEmitter(function, program, kernel, shape, debug, vector_bytes, arithmetic).emit();
    return function;
  };
  const Arithmetic arithmetic = slow ? Arithmetic::guarded : Arithmetic::plain;
  std::vector<uint32_t> telling;
  if (slow)
    telling = telling_parameters(kernel, shape, calls, vector_bytes);
  if (telling.empty())
    return {emit(name, arithmetic, llvm::Function::ExternalLinkage)};
  llvm::Function* chosen = declare(module, shape, name, llvm::Function::ExternalLinkage);
  llvm::Function* normal = emit(name + normal_suffix, arithmetic, llvm::Function::InternalLinkage);
  llvm::Function* gradual =
      emit(name + gradual_suffix, Arithmetic::gradual, llvm::Function::InternalLinkage);
  emit_choice(chosen, normal, gradual, shape, telling);
  return {chosen, normal, gradual};
}

} // namespace gdjit_llvm
