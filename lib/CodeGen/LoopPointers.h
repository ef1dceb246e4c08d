// Pointers that move with a loop, for addresses that many accesses share.
//
// Before:  loop: k; p = x + (row + k); fma y, [p + 0], …; fma z, [p + 256], …
// After:   loop: k, p (from x + row on, one element further each turn)
//
// An fma that takes its factor from memory by base and index is two operations to the processor, by
// a base alone it is one. 784x10x64 goes from 46 to 55 % of the peak.
#pragma once

#include <llvm/IR/PassManager.h>

namespace gdjit_llvm {

/// Needs what LICM leaves: nothing that a loop does not move is computed in it. Looks at loops of
/// one block only, which the innermost ones are.
struct LoopPointersPass : llvm::PassInfoMixin<LoopPointersPass> {
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses);
};

} // namespace gdjit_llvm
