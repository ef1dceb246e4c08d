// What passes ask of a program.
#include "gdjit/Loop/Program.h"

#include <functional>
#include <numeric>

namespace gdjit::loop {

BufferId storage(const Program& program, BufferId buffer) {
  while (program.buffers[buffer].same_as != none)
    buffer = program.buffers[buffer].same_as;
  return buffer;
}

int64_t tile_elements(const Statement& tile) {
  return std::accumulate(tile.extents.begin(), tile.extents.end(), int64_t{1}, std::multiplies<>());
}

int64_t tile_bytes(const Statement& tile) {
  return tile_elements(tile) * tile.type.lanes * byte_size(tile.type.dtype);
}

int64_t turns(const Statement& loop) {
  return loop.end > loop.begin ? (loop.end - loop.begin - 1) / loop.step + 1 : 0;
}

const Statement* shared_loop(const Kernel& kernel) {
  const bool shared = kernel.body.size() == 1 && kernel.body[0].kind == StatementKind::For &&
                      kernel.body[0].loop_kind == LoopKind::parallel && turns(kernel.body[0]) > 1;
  return shared ? &kernel.body[0] : nullptr;
}

int64_t last_value(const Statement& loop) { return loop.begin + (turns(loop) - 1) * loop.step; }

} // namespace gdjit::loop
