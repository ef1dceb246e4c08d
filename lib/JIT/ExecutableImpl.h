// What an Executable and the Frames of its callers share.
#pragma once

#include "LoadedCode.h"

#include "gdjit/JIT/Executable.h"

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace gdjit {

/// Where in the table the address of one buffer stands.
struct Uses {
  std::vector<uint32_t> slots;
};

struct Call {
  KernelFunction function = nullptr;
  uint32_t first = 0; ///< slot of its first buffer
  int64_t turns = 0;  ///< that threads share; 0: one thread does it all
  bool meets = false; ///< threads meet behind it
};

/// Code of the same step as a pass over rows.
struct RowPassCode {
  Code code;
  std::unique_ptr<gdjit_llvm::LoadedCode> loaded;
};

struct Executable::Impl {
  Signature signature;
  std::vector<loop::Note> notes;
  std::vector<loop::Buffer> buffers;
  int64_t arena_bytes = 0;
  Code code; ///< objects are dropped once loaded
  std::unique_ptr<gdjit_llvm::LoadedCode> loaded;
  std::vector<Call> calls;
  int threads = 1;
  uint32_t slots = 0;
  std::vector<std::pair<uint32_t, loop::BufferId>> fixed; ///< slots of arena and constants
  /// Slots of tables of numbers, which stand in code.launches.
  std::vector<std::pair<uint32_t, const loop::Bits*>> numbers;
  std::vector<Uses> inputs, states, scalars; ///< per row of the signature
  std::vector<loop::BufferId> outputs,
      updates;                          ///< memory per row; none where no buffer has the role
  std::optional<loop::Program> program; ///< of a step that passes over rows
  ExecutableOptions options;            ///< for its pass
  mutable std::once_flag row_pass_once;
  mutable RowPassCode row_pass; ///< compiled when first asked for
};

inline double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

} // namespace gdjit
