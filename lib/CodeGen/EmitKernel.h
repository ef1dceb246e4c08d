// A kernel of Loop IR as an LLVM function: a plain translation, since vectors and tiles are already
// there.
#pragma once

#include "DebugInfo.h"
#include "KernelShape.h"

#include "gdjit/CodeGen/CodeGen.h"

#include <llvm/IR/Function.h>
#include <llvm/IR/Module.h>

namespace gdjit_llvm {

struct EmittedKernel {
  llvm::Function* kernel = nullptr;  ///< void(ptr noalias buffer..., ptr noalias status)
  llvm::Function* gradual = nullptr; ///< the same for subnormal numbers; null where there is none
  llvm::Function* entry = nullptr; ///< void(ptr buffers, ptr status), of type gdjit::KernelFunction
};

/// `calls` of the kernel make a step, `debug` may be null, the options' target tells the width of
/// registers and what subnormal numbers cost. Adds the function `name` and its entry, `name`.entry,
/// to the module, also `name`.gradual where it pays (GradualUnderflow.h).
EmittedKernel emit_kernel(llvm::Module& module, const gdjit::loop::Program& program,
                          const gdjit::loop::Kernel& kernel,
                          const gdjit::codegen::KernelShape& shape, const std::string& name,
                          int64_t calls, DebugInfo* debug, const gdjit::CodeGenOptions& options);

} // namespace gdjit_llvm
