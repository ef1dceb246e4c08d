// The machine that code is made for: LLVM's target machine, set up so that no bit of a result
// depends on it.
#pragma once

#include "gdjit/CodeGen/CodeGen.h"

#include <llvm/Target/TargetMachine.h>
#include <memory>

namespace gdjit_llvm {

/// A target machine for checked options. Each thread that compiles needs its own.
std::unique_ptr<llvm::TargetMachine> make_target_machine(const gdjit::CodeGenOptions& options);

} // namespace gdjit_llvm
