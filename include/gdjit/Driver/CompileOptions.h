// CompileOptions: how a step is compiled, and what is looked at on the way.
#pragma once

#include "gdjit/IR/Stage.h"

#include <cstdint>
#include <string>
#include <vector>

namespace gdjit {

class PassObserver;  // Transforms/PassManager.h
struct MachineTable; // IR/PassContext.h

struct CompileOptions {
  Stage last = Stage::Object;    ///< how far to go
  std::string target = "native"; ///< native, x86-64-v4, x86-64-v3, x86-64: the same bits on all
  int level = 2;                 ///< of LLVM's optimization, 0, 2 or 3: the same bits at all
  /// That share a call of the compiled step, at least 1: the same bits with any. Steps too small to
  /// share run on their caller's thread alone.
  int threads = 1;
  static constexpr int most_threads = 1024;
  int compile_threads = 0;           ///< that compile, at most; 0 for one per core
  bool training = true;              ///< what the scalar `training` becomes
  std::vector<std::string> disabled; ///< passes to leave out
  int stop_after = -1;        ///< leave out optional passes behind the n-th, to bisect; -1 for none
  bool verify = false;        ///< check the IR after each pass instead of once per stage
  bool verify_values = false; ///< interpret after each pass and name the first that changed a bit
  /// What the schedule takes for the machine, instead of what the target has: the same bits with
  /// any; not owned.
  const MachineTable* machine = nullptr;
  /// Each call of the step throws Error(non_finite) where it gives NaN or infinity, naming the op
  /// that did first, forward or backward, with the user's line. For finding a mistake: it copies
  /// the step's arguments at every call.
  bool check_nan = false;
  bool debug_info = false;          ///< lead perf and gdb to the user's lines
  PassObserver* observer = nullptr; ///< told of each pass; not owned
};

} // namespace gdjit
