// The machine that code is made for: LLVM's target machine, set up so that no bit of a result
// depends on it.
#pragma once

#include "gdjit/CodeGen/CodeGen.h"

#include <llvm/Target/TargetMachine.h>
#include <memory>
#include <string>

namespace gdjit_llvm {

/// A target machine for checked options. Each thread that compiles needs its own.
std::unique_ptr<llvm::TargetMachine> make_target_machine(const gdjit::CodeGenOptions& options);

/// False where subnormal operands and results are known to cost next to nothing: of the machine
/// itself (native) where AMD made it. Targets by name are slow: their code is the same everywhere.
bool slow_on_subnormals(const std::string& target);

} // namespace gdjit_llvm
