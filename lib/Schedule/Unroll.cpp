// Marks loops as unrolled, innermost first, as long as the code stays small.
#include "Unroll.h"

namespace gdjit::scheduling {

namespace {

constexpr int64_t most_statements = 256; ///< of one loop written out
constexpr int64_t most_in_kernel =
    2048; ///< of the whole kernel: LLVM's cost grows faster than the kernel

/// True where a loop inside stays a loop.
bool holds_loop(const std::vector<Statement>& body) {
  bool found = false;
  for_each(body, [&](const Statement& s) {
    found = found || (s.kind == StatementKind::For && s.loop_kind != loop::LoopKind::unrolled);
  });
  return found;
}

void unroll(std::vector<Statement>& body, int64_t& room) {
  for (Statement& s : body) {
    if (s.kind != StatementKind::For)
      continue;
    unroll(s.body, room);
    int64_t once = code_size(s.body), all = once * turns(s);
    if (s.loop_kind == loop::LoopKind::sequential && !holds_loop(s.body) &&
        all <= most_statements && all - once <= room) {
      s.loop_kind = loop::LoopKind::unrolled;
      room -= all - once;
    }
  }
}

} // namespace

void unroll(Kernel& kernel) {
  int64_t room = most_in_kernel - code_size(kernel.body);
  unroll(kernel.body, room);
}

} // namespace gdjit::scheduling
