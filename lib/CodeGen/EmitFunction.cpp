// The functions of a kernel: what their parameters promise, and the entry that loads arguments.
#include "EmitKernel.h"

#include "KernelEmitter.h"
#include "Target.h"

namespace gdjit_llvm {

namespace {

using gdjit::codegen::KernelShape;

void add_facts(llvm::Function* function, unsigned number, const gdjit::codegen::Parameter& p) {
  llvm::AttrBuilder facts(function->getContext());
  facts.addAttribute(llvm::Attribute::NoCapture);
  if (p.alone)
    facts.addAttribute(llvm::Attribute::NoAlias);
  if (!p.written)
    facts.addAttribute(llvm::Attribute::ReadOnly);
  if (p.bytes > 0) {
    facts.addDereferenceableAttr(static_cast<uint64_t>(p.bytes));
    facts.addAlignmentAttr(llvm::Align(static_cast<uint64_t>(p.alignment)));
  }
  function->addParamAttrs(number, facts);
}

/// void(ptr noalias buffers..., ptr numbers where there are some, ptr status)
llvm::Function* declare(llvm::Module& module, const gdjit::loop::Program& program,
                        const KernelShape& shape, const std::string& name) {
  llvm::LLVMContext& context = module.getContext();
  auto* pointer = llvm::PointerType::getUnqual(context);
  const bool numbers = !shape.passed.empty();
  std::vector<llvm::Type*> parameters(shape.parameters.size() + 1 + numbers, pointer);
  auto* function = llvm::Function::Create(
      llvm::FunctionType::get(llvm::Type::getVoidTy(context), parameters, false),
      llvm::Function::InternalLinkage, name, module);
  function->setDoesNotThrow();
  for (unsigned i = 0; i < shape.parameters.size(); ++i) {
    add_facts(function, i, shape.parameters[i]);
    function->getArg(i)->setName(program.buffers[shape.parameters[i].memory].name);
  }
  if (numbers) {
    llvm::Argument* table = function->getArg(function->arg_size() - 2);
    table->setName("numbers");
    llvm::AttrBuilder facts(context);
    facts.addAttribute(llvm::Attribute::NoAlias);
    facts.addAttribute(llvm::Attribute::NoCapture);
    facts.addAttribute(llvm::Attribute::ReadOnly);
    facts.addDereferenceableAttr(8 * shape.passed.size());
    table->addAttrs(facts);
  }
  llvm::Argument* status = function->getArg(function->arg_size() - 1);
  status->setName("status");
  status->addAttr(llvm::Attribute::NoAlias);
  status->addAttr(llvm::Attribute::NoCapture);
  return function;
}

/// As a jump: the entry has nothing left to do.
void call(Builder& b, llvm::Function* function, llvm::ArrayRef<llvm::Value*> arguments) {
  b.CreateCall(function, arguments)->setTailCallKind(llvm::CallInst::TCK_Tail);
  b.CreateRetVoid();
}

/// `gradual`, null for none, where one of the parameters `telling` holds subnormal numbers.
llvm::Function* emit_entry(llvm::Function* kernel, llvm::Function* gradual,
                           const KernelShape& shape, llvm::ArrayRef<uint32_t> telling) {
  llvm::Module& module = *kernel->getParent();
  llvm::LLVMContext& context = module.getContext();
  auto* pointer = llvm::PointerType::getUnqual(context);
  auto* entry = llvm::Function::Create(
      llvm::FunctionType::get(llvm::Type::getVoidTy(context), {pointer, pointer}, false),
      llvm::Function::ExternalLinkage, kernel->getName() + ".entry", module);
  entry->setDoesNotThrow();
  entry->getArg(0)->setName("buffers");
  entry->getArg(1)->setName("status");
  Builder b(llvm::BasicBlock::Create(context, "", entry));
  std::vector<llvm::Value*> arguments;
  for (uint64_t i = 0; i + 1 < kernel->arg_size(); ++i)
    arguments.push_back(
        b.CreateLoad(pointer, b.CreateConstInBoundsGEP1_64(pointer, entry->getArg(0), i)));
  arguments.push_back(entry->getArg(1));
  if (gradual == nullptr) {
    call(b, kernel, arguments);
    return entry;
  }
  llvm::Value* subnormal = b.getFalse();
  for (uint32_t i : telling)
    subnormal =
        b.CreateOr(subnormal, emit_meets_subnormals(b, arguments[i], shape.parameters[i].bytes));
  auto* often = llvm::BasicBlock::Create(context, "normal", entry);
  auto* seldom = llvm::BasicBlock::Create(context, "subnormal", entry);
  b.CreateCondBr(subnormal, seldom, often);
  b.SetInsertPoint(often);
  call(b, kernel, arguments);
  b.SetInsertPoint(seldom);
  call(b, gradual, arguments);
  return entry;
}

} // namespace

EmittedKernel emit_kernel(llvm::Module& module, const gdjit::loop::Program& program,
                          const gdjit::loop::Kernel& kernel, const KernelShape& shape,
                          const std::string& name, int64_t calls, DebugInfo* debug,
                          const gdjit::CodeGenOptions& options) {
  const int vector_bytes = gdjit::machine_table(options.target).vector_bytes;
  const bool slow = slow_on_subnormals(options.target);
  auto emit = [&](const std::string& function_name, Arithmetic arithmetic) {
    llvm::Function* function = declare(module, program, shape, function_name);
    if (debug != nullptr)
      debug->begin(function, kernel);
    KernelEmitter(function, program, kernel, shape, debug, vector_bytes, arithmetic).emit();
    return function;
  };
  EmittedKernel emitted;
  emitted.kernel = emit(name, slow ? Arithmetic::guarded : Arithmetic::plain);
  std::vector<uint32_t> telling;
  if (slow)
    telling = telling_parameters(kernel, shape, calls, vector_bytes);
  if (!telling.empty())
    emitted.gradual = emit(name + ".gradual", Arithmetic::gradual);
  emitted.entry = emit_entry(emitted.kernel, emitted.gradual, shape, telling);
  return emitted;
}

} // namespace gdjit_llvm
