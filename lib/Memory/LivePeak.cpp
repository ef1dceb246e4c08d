// The blocks of a plan, as they stand in its program.
#include "gdjit/Memory/LivePeak.h"

#include "Arena.h"

#include "gdjit/Loop/KernelView.h"

namespace gdjit {

LivePeak live_peak(const loop::Program& planned) {
  const std::vector<memory::LiveRange> ranges = memory::live_ranges(planned);
  std::vector<memory::Block> blocks;
  LivePeak result;
  for (loop::BufferId b = 0; b < planned.buffers.size(); ++b)
    if (planned.buffers[b].place == loop::Place::arena && ranges[b].used()) {
      blocks.push_back({planned.buffers[b].type.bytes(), ranges[b], 0});
      result.all += memory::in_arena(blocks.back().bytes);
    }
  const memory::Peak peak = memory::live_peak(blocks);
  result.bytes = peak.bytes;
  result.buffers = blocks.size();
  int64_t end = 0; // of the positions of a kernel
  for (result.kernel = 0; result.kernel + 1 < planned.kernels.size(); ++result.kernel) {
    const loop::Kernel& kernel = planned.kernels[result.kernel];
    end += static_cast<int64_t>(loop::holder(planned, kernel).body.size());
    if (peak.position < end)
      break;
  }
  return result;
}

} // namespace gdjit
