// Marks loops as unrolled, innermost first, as long as the code stays small.
#include "Unroll.h"

#include <algorithm>
#include <fmt/ranges.h>
#include <string>

namespace gdjit::scheduling {

namespace {

constexpr int64_t most_statements = 256; ///< of one loop written out
/// The same where the loop moves along a tile: written out, it leaves the tile in registers.
constexpr int64_t most_along_tile = 512;
/// The same where no loop repeats it, in one of many kernels: all of them are compiled, and none
/// runs so short that counting a loop once is noticed.
constexpr int64_t most_once_of_many = 128;
/// The same in code that at least one in `large_part` kernels of the step runs: a product of
/// 8x16x16 as straight code.
constexpr int64_t most_once_in_part = 576;
constexpr int64_t large_part = 4;
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

class Unroller {
public:
  Unroller(const Program& program, Kernel& kernel, const Settled& settled, const Varying& varying,
           int64_t most_once)
      : program_(program), kernel_(kernel), settled_(settled), varying_(varying),
        most_once_(most_once), room_(most_in_kernel - code_size(kernel.body, &program)) {}

  /// Those along tiles have the first room: a tile that one of them leaves in memory costs more
  /// than the counting of all others.
  void run() {
    unroll(kernel_.body, false, Which::along_tiles);
    unroll(kernel_.body, false, Which::all);
  }

  /// What was done, and why; "" where nothing was.
  std::string remark() const {
    constexpr size_t most_named = 4;
    if (loops_.empty())
      return {};
    const size_t named = std::min(most_named, loops_.size());
    return fmt::format(
        "{}: unrolled, to at most {} statements each, so that no iteration is counted{}: loop {}{}",
        kernel_.name, longest_, along_tile_ ? " and tiles are registers" : "",
        fmt::join(loops_.begin(), loops_.begin() + static_cast<ptrdiff_t>(named), ", "),
        loops_.size() > named ? fmt::format(", … ({} in all)", loops_.size()) : "");
  }

private:
  enum class Which : uint8_t { along_tiles, all };

  void unroll(std::vector<Statement>& body, bool repeated, Which which) {
    for (Statement& s : body) {
      if (s.kind != StatementKind::For)
        continue;
      const bool varies = varying_.loops.count(s.loop) != 0;
      unroll(s.body, repeated || varies || turns(s) > 1, which);
      if (varies || settled_.count(s.loop) || s.loop_kind != loop::LoopKind::sequential)
        continue;
      const bool along_tile = moves_along_tile(s);
      if (which == Which::along_tiles && !along_tile)
        continue;
      const int64_t once = code_size(s.body, &program_), all = once * turns(s);
      const int64_t most =
          std::max(along_tile ? most_along_tile : 0, repeated ? most_statements : most_once_);
      if (!holds_loop(s.body) && all <= most && all - once <= room_) {
        s.loop_kind = loop::LoopKind::unrolled;
        room_ -= all - once;
        note(s, all, along_tile);
      }
    }
  }

  void note(const Statement& loop, int64_t statements, bool along_tile) {
    if (std::string name =
            fmt::format("{} ({} iterations)", kernel_.loop_names[loop.loop], turns(loop));
        turns(loop) > 1 && std::ranges::find(loops_, name) == loops_.end())
      loops_.push_back(std::move(name));
    longest_ = std::max(longest_, statements);
    along_tile_ |= along_tile;
  }

  const Program& program_;
  Kernel& kernel_;
  const Settled& settled_;
  const Varying& varying_;
  int64_t most_once_;
  int64_t room_; ///< statements that the kernel may still gain
  std::vector<std::string> loops_;
  int64_t longest_ = 0;
  bool along_tile_ = false;
};

} // namespace

int64_t most_once(int64_t same, size_t kernels) {
  return same * large_part >= static_cast<int64_t>(kernels) ? most_once_in_part : most_once_of_many;
}

void unroll(const Program& program, Kernel& kernel, PassContext& context, const Settled& settled,
            const Varying& varying, int64_t most_once) {
  Unroller unroller(program, kernel, settled, varying, most_once);
  unroller.run();
  if (std::string remark = unroller.remark(); !remark.empty())
    context.remarks.push_back(std::move(remark));
}

} // namespace gdjit::scheduling
