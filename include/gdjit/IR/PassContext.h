// PassContext: what a pass is told besides its input.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gdjit {

/// What the schedule knows of the machine; one small table, never part of the bits.
struct MachineTable {
  int vector_bytes = 64;
  int vector_registers = 32;
  int64_t l1_bytes = 32 << 10;
  int64_t l2_bytes = 1 << 20;
  /// Statements of a loop nest, each as often as it runs, from which threads share it: some 15 us,
  /// against one or two for threads to meet and to fetch what another core wrote.
  int64_t least_shared = 3 << 20;
  /// Bytes from which an array that the step writes and never reads goes past the caches: less may
  /// still be there when the caller reads it.
  int64_t streamed_bytes = 8 << 20;
  /// Kernels that differ in numbers only, up to which each has code for its own numbers (large ones
  /// up to twice as many); more share code that takes them as arguments. One takes LLVM 20 to 100
  /// ms.
  int64_t most_shapes = 16;
  /// Of all tiles of a kernel: an eighth of a thread's usual stack.
  int64_t stack_bytes = 1 << 20;
};

struct PassContext {
  bool training = true; ///< what the scalar `training` becomes (specialize)
  MachineTable machine;
  int threads = 1;
  /// Set by a pass that changed anything; the pass manager clears it and checks it by a structural
  /// hash.
  bool changed = false;
  /// Facts a pass wants to be seen: "matmul %7: tile 8x32, because …".
  std::vector<std::string> remarks;
};

} // namespace gdjit
