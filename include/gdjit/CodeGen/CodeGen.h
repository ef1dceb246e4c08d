// CodeGen: planned Loop IR to LLVM IR, optimized LLVM IR, object code. No LLVM type appears here:
// text and bytes only.
#pragma once

#include "gdjit/IR/PassContext.h"
#include "gdjit/Loop/Program.h"

#include <string>
#include <vector>

namespace gdjit {

struct CodeGenOptions {
  std::string target = "native"; ///< one of code_targets()
  int level = 2;                 ///< 0, 2 or 3; no bit of a result depends on it
  bool verify = false;           ///< run LLVM's verifier; on in tests
  bool debug_info = false;       ///< lines of the user's source, for debuggers and profilers
  int threads = 0;               ///< that compile; 0 for one per core
  /// Of a step that repeats: as a pass over rows (RowPassStatus), which takes the rows of its
  /// inputs in front of each step and adds its single numbers up behind it.
  bool row_pass = false;
  /// Kernels that differ in numbers only, beyond which one is compiled for all.
  int64_t most_shapes = MachineTable{}.most_shapes;
};

/// native, x86-64-v4, x86-64-v3, x86-64.
std::vector<std::string> code_targets();
/// False for a target that this machine does not run, or that there is not.
bool runs_here(const std::string& target);
/// Throws Error(usage) naming what is unknown, or what this machine cannot run, and the values that
/// are possible.
void check(const CodeGenOptions& options);
/// What the schedule should know of a target. Throws as check() does.
MachineTable machine_table(const std::string& target);

/// One kernel called: a function and the buffers that become its arguments.
struct Launch {
  uint32_t function = 0;               ///< into Code::functions
  std::vector<loop::BufferId> buffers; ///< each the one whose memory is meant (never Place::shared)
  std::vector<NodeId> checks;          ///< node per Check statement, in order of appearance
  std::vector<loop::Bits> numbers; ///< that differ; if any, their address is the argument behind
                                   ///< the buffers
  int64_t turns = 0; ///< of the parallel loop that the kernel is, for threads to share; 0 for none
  bool repeats = false;    ///< it does as many steps as it is told (KernelStatus::steps)
  int64_t batch_bytes = 0; ///< of a pass: memory for the rows that it gathers
};

/// Where the time of a compilation went, in milliseconds of wall clock (per phase the sum over
/// threads).
struct CodeTimes {
  double emit = 0;     ///< Loop IR to LLVM IR
  double optimize = 0; ///< LLVM's passes
  double select = 0;   ///< instruction selection and object code
  double link = 0;     ///< loading into memory, by the JIT
};

/// Native code of a program, relocatable, free of addresses. Symbols it leaves open are libm's and
/// memcpy's family.
struct Code {
  std::vector<std::string> objects; ///< ELF
  std::vector<std::string>
      functions; ///< symbols of type KernelFunction, kernels equal up to their buffers once
  std::vector<Launch> launches; ///< one per kernel of the program, in order
  CodeTimes times;
};

/// Compiles a planned program; one from a text behind loop::with_bounds_checks(). Throws
/// Error(usage) for options as check() does, Error(compile) where LLVM fails.
Code generate_code(const loop::Program& program, const CodeGenOptions& options);

/// The text of Stage::LLVM, Stage::Optimized, or Stage::Object (assembly).
std::string print_code(const loop::Program& program, Stage stage, const CodeGenOptions& options);

} // namespace gdjit
