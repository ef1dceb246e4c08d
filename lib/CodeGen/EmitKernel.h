// A kernel of Loop IR as an LLVM function: a plain translation, since vectors and tiles are already
// there.
#pragma once

#include "DebugInfo.h"
#include "KernelShape.h"

#include "gdjit/CodeGen/CodeGen.h"

#include <llvm/IR/Function.h>
#include <llvm/IR/Module.h>
#include <string>
#include <vector>

namespace gdjit_llvm {

/// What the name of a kernel's function ends in where there are two, of which that of its name
/// chooses.
inline constexpr const char *normal_suffix = ".normal", *gradual_suffix = ".gradual";

/// `calls` of the kernel make a step, `debug` may be null, the options' target tells the width of
/// registers and what subnormal numbers cost. Adds to the module the function `name`, of type
/// gdjit::KernelFunction, and where it pays those that it chooses among (GradualUnderflow.h).
/// Returns what it adds, `name` first.
std::vector<llvm::Function*> emit_kernel(llvm::Module& module, const gdjit::loop::Program& program,
                                         const gdjit::loop::Kernel& kernel,
                                         const gdjit::codegen::KernelShape& shape,
                                         const std::string& name, int64_t calls, DebugInfo* debug,
                                         const gdjit::CodeGenOptions& options);

} // namespace gdjit_llvm
