// Marks loops as unrolled, innermost first, as long as the code stays small.
#include "Unroll.h"

namespace gdjit::scheduling {

namespace {

constexpr int64_t most_statements = 256; ///< of one loop written out
/// The same where the loop moves along a tile: written out, it leaves the tile in registers.
constexpr int64_t most_along_tile = 512;
/// The same where no loop repeats it: a product of 8x16x16 as straight code.
constexpr int64_t most_once = 576;
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

/// True where the loop reads different elements of a tile in different turns.
bool moves_along_tile(const Statement& loop) {
  bool found = false;
  for_each(loop.body, [&](const Statement& s) {
    for (const Index& index : s.index)
      found = found || (s.kind == StatementKind::Get && factor(index.affine, loop.loop) != 0);
  });
  return found;
}

void unroll(std::vector<Statement>& body, int64_t& room, bool repeated, const Varying& varying) {
  for (Statement& s : body) {
    if (s.kind != StatementKind::For)
      continue;
    const bool varies = varying.loops.count(s.loop) != 0;
    unroll(s.body, room, repeated || varies || turns(s) > 1, varying);
    if (varies)
      continue;
    int64_t once = code_size(s.body), all = once * turns(s);
    const int64_t most = !repeated             ? most_once
                         : moves_along_tile(s) ? most_along_tile
                                               : most_statements;
    if (s.loop_kind == loop::LoopKind::sequential && !holds_loop(s.body) && all <= most &&
        all - once <= room) {
      s.loop_kind = loop::LoopKind::unrolled;
      room -= all - once;
    }
  }
}

} // namespace

void unroll(Kernel& kernel, const Varying& varying) {
  int64_t room = most_in_kernel - code_size(kernel.body);
  unroll(kernel.body, room, false, varying);
}

} // namespace gdjit::scheduling
