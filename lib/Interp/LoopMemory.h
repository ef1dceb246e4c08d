// The memory of one interpreted call: every buffer of a program, as its plan places it.
#pragma once

#include "gdjit/IR/Call.h"
#include "gdjit/Loop/Program.h"

#include <vector>

namespace gdjit {

/// Before Planned every buffer has memory of its own (a view that of what it views). From Planned
/// on temporaries and outputs lie in one arena, and updates in place in their state's memory.
class LoopMemory {
public:
  LoopMemory(const loop::Program& program, const CallArguments& arguments);

  /// Memory of a buffer's elements.
  void* data(loop::BufferId buffer) { return data_[buffer]; }
  /// Fills what no buffer holds between kernel `k - 1` and kernel `k` with a pattern that reads as
  /// NaN, so that a wrong plan shows in the bits. Nothing before Planned.
  void poison_before(size_t k);
  /// The elements of a buffer, copied.
  Array copy(loop::BufferId buffer) const;

private:
  const loop::Program& program_;
  std::vector<Array> owned_;
  std::vector<void*> data_;
  struct Slot {
    int64_t offset, bytes;
    size_t first, last; ///< kernels that touch it
  };
  std::vector<Slot> slots_;
  Array arena_;
};

} // namespace gdjit
