// Chooses rows and vectors of a tile from the registers of the machine and the shape of the loops.
#include "RegisterTile.h"

#include "Independence.h"
#include "Jam.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace gdjit::scheduling {

namespace {

constexpr int64_t least_chain = 4; ///< a shorter accumulation is not worth a tile
constexpr int64_t vectors_side_by_side = 2;
constexpr int64_t most_rows = 14;           ///< more loads no less often, and the code grows
constexpr int64_t vectors_without_rows = 8; ///< enough chains to hide the latency of fma

/// Tiles of vectors that a loop inside `body` accumulates into; 0 where there is none.
int64_t accumulators(const std::vector<Statement>& body) {
  std::set<TileId> declared, accumulated;
  for_each(body, [&](const Statement& s) {
    if (s.kind == StatementKind::Tile && s.type.lanes > 1)
      declared.insert(s.tile);
    if (s.kind == StatementKind::For && trips(s) >= least_chain)
      for_each(s.body, [&](const Statement& t) {
        if (t.kind == StatementKind::Set && declared.count(t.tile))
          accumulated.insert(t.tile);
      });
  });
  return static_cast<int64_t>(accumulated.size());
}

/// A loop over vectors that holds an accumulation.
bool is_vector_loop(const Statement& s) {
  return s.kind == StatementKind::For && s.step > 1 && accumulators(s.body) > 0;
}

/// As many rows as fit the registers, a divisor of all rows where one is near.
int64_t choose_rows(int64_t all, int64_t most) {
  most = std::clamp<int64_t>(most, 1, most_rows);
  all = std::max<int64_t>(all, 1);
  for (int64_t rows = std::min(most, all); 2 * rows > most; --rows)
    if (all % rows == 0)
      return rows;
  return std::min(most, all);
}

class RegisterTiler {
public:
  RegisterTiler(const Program& program, Kernel& kernel, PassContext& context)
      : program_(program), kernel_(kernel), context_(context) {}

  std::vector<Statement> rewrite(std::vector<Statement> body, bool has_rows) {
    std::vector<Statement> out;
    for (Statement& s : body) {
      if (s.kind != StatementKind::For) {
        out.push_back(std::move(s));
      } else if (is_vector_loop(s)) {
        vectors(out, std::move(s), has_rows);
      } else {
        rows(out, std::move(s));
      }
    }
    return out;
  }

private:
  /// Several vectors of a row at once.
  void vectors(std::vector<Statement>& out, Statement loop, bool has_rows) {
    int64_t count = std::min(trips(loop), has_rows ? vectors_side_by_side : vectors_without_rows);
    if (count > 1 && loop.loop_kind == loop::LoopKind::sequential && can_jam(loop))
      jam(kernel_, std::move(loop), count, out);
    else
      out.push_back(std::move(loop));
  }

  /// Several rows at once, where the loop holds vector loops and its iterations are independent.
  void rows(std::vector<Statement>& out, Statement loop) {
    int64_t tiles = 0;
    int64_t side_by_side = 1;
    for (const Statement& s : loop.body)
      if (is_vector_loop(s)) {
        tiles = std::max(tiles, accumulators(s.body));
        side_by_side = std::max(side_by_side, std::min(trips(s), vectors_side_by_side));
      }
    bool is_row_loop =
        tiles > 0 && loop.step == 1 && can_jam(loop) && dependence(program_, loop).empty();
    loop.body = rewrite(std::move(loop.body), is_row_loop);
    if (!is_row_loop) {
      out.push_back(std::move(loop));
      return;
    }
    int64_t registers =
        context_.machine.vector_registers - side_by_side - 4; // operands and addresses
    int64_t count = choose_rows(trips(loop), registers / (side_by_side * tiles));
    context_.remarks.push_back(fmt::format("{}: tile of {} rows by {} vectors over loop {}",
                                           kernel_.name, count, side_by_side,
                                           kernel_.loop_names[loop.loop]));
    if (count > 1)
      jam(kernel_, std::move(loop), count, out);
    else
      out.push_back(std::move(loop));
  }

  const Program& program_;
  Kernel& kernel_;
  PassContext& context_;
};

} // namespace

void register_tile(const Program& program, Kernel& kernel, PassContext& context) {
  RegisterTiler tiler(program, kernel, context);
  kernel.body = tiler.rewrite(std::move(kernel.body), false);
}

} // namespace gdjit::scheduling
