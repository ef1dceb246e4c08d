// The pipelines.
//  0: nothing; tiles stay in memory.
//  2: three function passes. Loop IR is vectorized and tiled already: what is left is to put tiles
//  into registers, to
//     share address arithmetic and loads, and to hoist them. InstCombine, SimplifyCFG and a second
//     round cost a tenth to a fifth of compile time and were measured to gain nothing on networks
//     and softmax; instruction selection at LLVM's level 1 takes a tenth less than at 2 for the
//     same step time. Of the passes to machine code, those in `left_out` were measured to take a
//     fifth of compile time and to gain nothing on products, networks and lessons; sinking costs
//     registers, since it leaves loads before a branch for subnormal numbers and takes what uses
//     them behind it.
//  3: LLVM's own O3, to see what the short list leaves on the table.
#include "Optimize.h"

#include "LoopPointers.h"

#include <algorithm>
#include <llvm/Pass.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/SROA.h>

namespace gdjit_llvm {

namespace {

llvm::ModulePassManager short_list() {
  llvm::FunctionPassManager functions;
  functions.addPass(llvm::SROAPass(llvm::SROAOptions::PreserveCFG));
  functions.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  functions.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()),
                                                          /*UseMemorySSA=*/true));
  functions.addPass(LoopPointersPass());
  llvm::ModulePassManager module;
  module.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(functions)));
  return module;
}

/// By name, since most have no other public mark. Addresses are sums that loops carry and the
/// statements of a tile stand in the order in which registers suffice; constants are vectors, which
/// live in memory.
constexpr llvm::StringRef left_out[] = {
    "Canonicalize Freeze Instructions in Loops",
    "Loop Strength Reduction",
    "Constant Hoisting",
    "Machine Instruction Scheduler",
    "Machine code sinking",
};

class ShortList final : public llvm::legacy::PassManager {
public:
  void add(llvm::Pass* pass) override {
    if (std::ranges::find(left_out, pass->getPassName()) == std::end(left_out))
      llvm::legacy::PassManager::add(pass);
    else
      delete pass;
  }
};

} // namespace

std::unique_ptr<llvm::legacy::PassManager> machine_passes(const gdjit::CodeGenOptions& options) {
  if (options.level == 2)
    return std::make_unique<ShortList>();
  return std::make_unique<llvm::legacy::PassManager>();
}

void optimize(llvm::Module& module, llvm::TargetMachine& machine,
              const gdjit::CodeGenOptions& options) {
  if (options.level == 0)
    return;
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::ModulePassManager passes =
      options.level == 2 ? short_list()
                         : builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3);
  passes.run(module, modules);
}

} // namespace gdjit_llvm
