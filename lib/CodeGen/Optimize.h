// LLVM's passes, chosen for compile time: what our schedule has done is not searched for again.
#pragma once

#include "gdjit/CodeGen/CodeGen.h"

#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>
#include <memory>

namespace gdjit_llvm {

/// Runs the passes of options.level over a module.
void optimize(llvm::Module& module, llvm::TargetMachine& machine,
              const gdjit::CodeGenOptions& options);

/// Takes LLVM's passes to machine code, and leaves out what options.level, and a module whose loops
/// turn seldom, can do without.
std::unique_ptr<llvm::legacy::PassManager> machine_passes(const gdjit::CodeGenOptions& options,
                                                          bool loops_turn_often);

} // namespace gdjit_llvm
