// compile: the whole way of a graph, from what a user declared to native code, as far as wanted.
#pragma once

#include "gdjit/Driver/CompileOptions.h"
#include "gdjit/Transforms/PassManager.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace gdjit {

class Executable; // native code of a step, ready to be bound and called

/// A step as far as it came.
struct Compilation {
  Work work;              ///< Graph IR and, from Loops on, Loop IR; it goes no further than Planned
  CompileOptions options; ///< as given; last says which stage was reached
  std::shared_ptr<const Executable> executable; ///< at Object
  std::vector<PassRecord> times;    ///< passes, then the phases of code generation, in order
  std::vector<std::string> remarks; ///< what passes had to say
};

/// Compiles a declared step up to options.last. Errors are the user's (ErrorCode::graph, usage) or
/// those of code generation (compile).
Compilation compile(Step declared, const CompileOptions& options = {});

/// Goes on from any stage: work.stage says where it stands. Throws Error(ErrorCode::usage) where
/// options.last lies before it.
Compilation compile(Work work, const CompileOptions& options = {});

/// The text of the stage reached: Graph IR or Loop IR as printed, LLVM IR, or assembly (made when
/// asked for).
std::string print(const Compilation& compilation);

/// What the passes are told by these options, and how a manager runs them: for running some passes
/// only.
PassContext pass_context(const CompileOptions& options);
PassOptions pass_options(const CompileOptions& options);

/// The passes in the order they run; rows of lib/Driver/Passes.def.
std::span<const Pass> passes();

} // namespace gdjit
