// Goes through the kernels in their order, with those behind the last meeting at hand.
#include "gdjit/Memory/Meetings.h"

#include "gdjit/Loop/KernelView.h"
#include "gdjit/Loop/Rewrite.h"
#include "gdjit/Support/Error.h"

#include <algorithm>

namespace gdjit {

namespace {

using loop::Buffer;
using loop::BufferRole;
using loop::Place;
using loop::Program;

/// Bytes of the arena (space 0) or of state number `space` - 1. What a step only reads has none.
struct Range {
  uint32_t space = 0;
  int64_t begin = 0, end = 0;
  bool operator==(const Range&) const = default;
};

/// What a kernel touches.
struct Touched {
  bool shared = false;
  std::vector<Range> reads, writes;
};

bool meet(const std::vector<Range>& a, const std::vector<Range>& b) {
  return std::any_of(a.begin(), a.end(), [&](const Range& x) {
    return std::any_of(b.begin(), b.end(), [&](const Range& y) {
      return x.space == y.space && x.begin < y.end && y.begin < x.end;
    });
  });
}

/// True where the order of two kernels matters and different threads may do them.
bool needs_meeting(const Touched& a, const Touched& b) {
  return (a.shared || b.shared) &&
         (meet(a.writes, b.writes) || meet(a.writes, b.reads) || meet(a.reads, b.writes));
}

Touched touched_by(const Program& program, const loop::Kernel& kernel) {
  const loop::KernelView view(program, kernel);
  Touched touched;
  touched.shared = shared_loop(view.holder_of_statements()) != nullptr;
  for_each(view.body(), [&](const loop::Statement& s) {
    if (s.buffer == loop::none || s.kind == loop::StatementKind::Prefetch)
      return;
    const Buffer& memory = program.buffers[storage(program, view.buffer(s.buffer))];
    Range range{0, memory.offset, memory.offset + memory.type.bytes()};
    if (memory.role == BufferRole::state)
      range = {memory.number + 1, 0, memory.type.bytes()};
    else if (memory.place != Place::arena)
      return;
    std::vector<Range>& ranges =
        s.kind == loop::StatementKind::Store ? touched.writes : touched.reads;
    if (std::find(ranges.begin(), ranges.end(), range) == ranges.end())
      ranges.push_back(range);
  });
  return touched;
}

} // namespace

std::vector<bool> meetings(const Program& program) {
  GDJIT_CHECK(program.stage == Stage::Planned);
  constexpr size_t most_between =
      64; // kernels looked at, so that the effort grows with their number
  const size_t kernels = program.kernels.size();
  std::vector<bool> meetings(kernels, false);
  std::vector<Touched> touched;
  for (const loop::Kernel& kernel : program.kernels)
    touched.push_back(touched_by(program, kernel));
  size_t first = 0;        // behind the last meeting
  size_t shared = kernels; // the last shared one
  for (size_t k = 0; k < kernels; ++k) {
    const bool any = shared < kernels && shared >= first;
    if (any && k - first > most_between) {
      meetings[k - 1] = true;
      first = k;
    }
    if (touched[k].shared)
      shared = k;
    else if (!any) // one thread alone since then
      continue;
    for (size_t before = k; before-- > first;) {
      if (!needs_meeting(touched[before], touched[k]))
        continue;
      const size_t last = touched[k].shared ? before : k - 1;
      meetings[last] = true;
      first = last + 1;
      break;
    }
  }
  return meetings;
}

} // namespace gdjit
