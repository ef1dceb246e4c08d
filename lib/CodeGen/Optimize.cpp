// The pipelines.
//  0: nothing; tiles stay in memory.
//  2: three function passes. Loop IR is vectorized and tiled already: what is left is to put tiles
//  into registers, to
//     share address arithmetic and loads, and to hoist them. InstCombine, SimplifyCFG and a second
//     round cost a tenth to a fifth of compile time and were measured to gain nothing on networks
//     and softmax; instruction selection at LLVM's level 1 takes a tenth less than at 2 for the
//     same step time. Of the passes to machine code, those in `left_out` were measured to take a
//     fifth of compile time and to gain nothing on products, networks and lessons, those in `idle`
//     to do nothing; sinking costs registers, since it leaves loads before a branch for subnormal
//     numbers and takes what uses them behind it.
//  3: the function passes of LLVM's O3 but those that make vectors, which is our schedule's, and
//     all of the passes to machine code, to see what the short list leaves on the table. LLVM's own
//     PassBuilder would bring 11 MB of passes for modules and for other languages, whose options
//     and tables take 0.5 to 0.9 ms of a process.
#include "Optimize.h"

#include "LoopPointers.h"

#include <llvm/ADT/StringSet.h>
#include <llvm/Analysis/AliasAnalysis.h>
#include <llvm/Analysis/AssumptionCache.h>
#include <llvm/Analysis/BasicAliasAnalysis.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/MemoryDependenceAnalysis.h>
#include <llvm/Analysis/MemorySSA.h>
#include <llvm/Analysis/OptimizationRemarkEmitter.h>
#include <llvm/Analysis/PostDominators.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/Analysis/TargetTransformInfo.h>
#include <llvm/Analysis/TypeBasedAliasAnalysis.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/PassInstrumentation.h>
#include <llvm/Pass.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/DeadStoreElimination.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/GVN.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/LoopRotation.h>
#include <llvm/Transforms/Scalar/LoopUnrollPass.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>

namespace gdjit_llvm {

namespace {

auto hoisting() {
  return llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()),
                                               /*UseMemorySSA=*/true);
}

llvm::FunctionPassManager short_list() {
  llvm::FunctionPassManager passes;
  passes.addPass(llvm::SROAPass(llvm::SROAOptions::PreserveCFG));
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  passes.addPass(hoisting());
  passes.addPass(LoopPointersPass());
  return passes;
}

llvm::FunctionPassManager long_list() {
  llvm::FunctionPassManager passes;
  passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  passes.addPass(llvm::SimplifyCFGPass());
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LoopRotatePass()));
  passes.addPass(hoisting());
  passes.addPass(llvm::LoopUnrollPass(llvm::LoopUnrollOptions(/*OptLevel=*/3)));
  passes.addPass(llvm::GVNPass());
  passes.addPass(llvm::DSEPass());
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(hoisting());
  passes.addPass(llvm::SimplifyCFGPass());
  return passes;
}

/// What passes know of one function, made when one of them asks for it.
struct Analyses {
  explicit Analyses(llvm::TargetMachine& machine) {
    functions.registerPass([] { return llvm::PassInstrumentationAnalysis(); });
    functions.registerPass([&] { return machine.getTargetIRAnalysis(); });
    functions.registerPass([] { return llvm::TargetLibraryAnalysis(); });
    functions.registerPass([] { return llvm::AssumptionAnalysis(); });
    functions.registerPass([] { return llvm::DominatorTreeAnalysis(); });
    functions.registerPass([] { return llvm::PostDominatorTreeAnalysis(); });
    functions.registerPass([] { return llvm::LoopAnalysis(); });
    functions.registerPass([] { return llvm::ScalarEvolutionAnalysis(); });
    functions.registerPass([] { return llvm::BasicAA(); });
    functions.registerPass([] { return llvm::TypeBasedAA(); });
    functions.registerPass([] {
      llvm::AAManager aliases;
      aliases.registerFunctionAnalysis<llvm::BasicAA>();
      aliases.registerFunctionAnalysis<llvm::TypeBasedAA>(); // of buffers (EmitAddresses.cpp)
      return aliases;
    });
    functions.registerPass([] { return llvm::MemorySSAAnalysis(); });
    functions.registerPass([] { return llvm::MemoryDependenceAnalysis(); });
    functions.registerPass([] { return llvm::OptimizationRemarkEmitterAnalysis(); });
    functions.registerPass([&] { return llvm::LoopAnalysisManagerFunctionProxy(loops); });
    functions.registerPass([&] { return llvm::ModuleAnalysisManagerFunctionProxy(modules); });
    loops.registerPass([] { return llvm::PassInstrumentationAnalysis(); });
    loops.registerPass([&] { return llvm::FunctionAnalysisManagerLoopProxy(functions); });
  }

  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::ModuleAnalysisManager modules; ///< empty: nothing is asked of a whole module
};

/// By name, since most have no other public mark. A name that LLVM does not have is none left out.
/// Addresses are sums that loops carry and the statements of a tile stand in the order in which
/// registers suffice; constants are vectors, which live in memory.
constexpr llvm::StringRef left_out[] = {
    "Canonicalize Freeze Instructions in Loops",
    "Loop Strength Reduction",
    "Constant Hoisting",
    "Machine Instruction Scheduler",
};

/// What changed no byte of any workload's code: each costs 5 to 30 us a function, 1 ms together in
/// a process that compiles once. Nothing of what they look for is in our code:
constexpr llvm::StringRef idle[] = {
    // what IR may hold and ours does not
    "Expand large div/rem",
    "Expand large fp convert",
    "Expand Atomic instructions",
    "Lower AMX intrinsics",
    "Lower AMX type for load/store",
    "Merge contiguous icmps into a memcmp",
    "Expand memcmp() to load/stores",
    "Lower Garbage Collection Instructions",
    "Shadow Stack GC Lowering",
    "Lower constant intrinsics",
    "Replace intrinsics with calls to vector library",
    "Partially inline calls to library functions",
    "Expand vector predication intrinsics",
    "TLS Variable Hoist",
    "Interleaved Access Pass",
    "X86 Partial Reduction",
    "Expand indirectbr instructions",
    "Exception handling preparation",
    "Prepare callbr",
    // what instruction selection makes of other IR, or for other systems
    "Local Dynamic TLS Access Clean-up",
    "X86 PIC Global Base Reg Initialization",
    "Argument Stack Rebase",
    "Merge disjoint stack slots",
    "Local Stack Slot Allocation",
    "X86 Windows Fixup Buffer Security Check",
    "X86 DynAlloca Expander",
    "Tile Register Pre-configure",
    "Tile Register Configure",
    "X86 Lower Tile Copy",
    "Init Undef Pass",
    "Rename Disconnected Subregister Components",
    "X86 FP Stackifier",
    "Fixup Statepoint Caller Saved",
    "Remove Redundant DEBUG_VALUE analysis",
    "Live DEBUG_VALUE analysis",
    "Analyze Machine Code For Garbage Collection",
    "StackMap Liveness Analysis",
    "Contiguously Lay Out Funclets",
    "X86 insert wait instruction",
    "Unpack machine instruction bundles",
    // what is asked for by attributes
    "Instrument function entry/exit with calls to e.g. mcount() (post inlining)",
    "Safe Stack instrumentation pass",
    "Insert KCFI indirect call checks",
    "Insert fentry calls",
    "Insert XRay ops",
    "Implement the 'patchable-function' attribute",
    "X86 Indirect Branch Tracking",
    "X86 Indirect Thunks",
    "X86 Return Thunks",
    "X86 speculative load hardening",
    "X86 Load Value Injection (LVI) Load Hardening",
    "X86 Load Value Injection (LVI) Ret-Hardening",
    "X86 Speculative Execution Side Effect Suppression",
    "X86 Discriminate Memory Operands",
    "X86 Insert Cache Prefetches",
    "Machine Sanitizer Binary Metadata",
    "Pseudo Probe Inserter",
    "Stack Frame Layout Analysis",
    "Register Allocation Pass Scoring",
    // what our schedule leaves nothing to do for
    "X86 Domain Reassignment Pass",
    "Early Tail Duplication",
    "Tail Duplication",
    "Optimize machine instruction PHIs",
    "Early If-Conversion",
    "Machine InstCombiner",
    "X86 cmov Conversion",
    "X86 Fixup SetCC",
    "X86 LEA Optimize",
    "X86 LEA Fixup",
    "X86 Avoid Store Forwarding Blocks",
    "Detect Dead Lanes",
    "PostRA Machine Sink",
    "Shrink Wrapping analysis",
    "Machine Late Instructions Cleanup Pass",
    "Post RA top-down list latency scheduler",
    "X86 Byte/Word Instruction Fixup",
    "X86 Atom pad short functions",
};

/// What pays for itself in loops that turn often, by constants kept in registers. Elsewhere they
/// take registers of what is computed: without them a lesson compiles in 1.5 ms less and runs as
/// fast, a line's step 4 % faster.
constexpr llvm::StringRef for_loops[] = {
    "Early Machine Loop Invariant Code Motion",
    "Machine Loop Invariant Code Motion",
    "Machine Common Subexpression Elimination",
    "X86 Fixup Vector Constants",
};

class ShortList final : public llvm::legacy::PassManager {
public:
  explicit ShortList(bool loops_turn_often) {
    without_.insert(std::begin(left_out), std::end(left_out));
    without_.insert(std::begin(idle), std::end(idle));
    if (loops_turn_often)
      without_.insert("Machine code sinking");
    else
      without_.insert(std::begin(for_loops), std::end(for_loops));
  }

  void add(llvm::Pass* pass) override {
    if (without_.contains(pass->getPassName()))
      delete pass;
    else
      llvm::legacy::PassManager::add(pass);
  }

private:
  llvm::StringSet<> without_;
};

} // namespace

std::unique_ptr<llvm::legacy::PassManager> machine_passes(const gdjit::CodeGenOptions& options,
                                                          bool loops_turn_often) {
  if (options.level == 2)
    return std::make_unique<ShortList>(loops_turn_often);
  return std::make_unique<llvm::legacy::PassManager>();
}

void optimize(llvm::Module& module, llvm::TargetMachine& machine,
              const gdjit::CodeGenOptions& options) {
  if (options.level == 0)
    return;
  Analyses analyses(machine);
  llvm::FunctionPassManager passes = options.level == 2 ? short_list() : long_list();
  for (llvm::Function& function : module)
    if (!function.isDeclaration())
      passes.run(function, analyses.functions);
}

} // namespace gdjit_llvm
