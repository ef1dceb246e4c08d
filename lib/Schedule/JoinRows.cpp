// Finds loops over joined accumulations; takes as many results and rows at once as the registers
// hold.
#include "JoinRows.h"

#include "Independence.h"
#include "Jam.h"
#include "VectorCost.h"
#include "Widen.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

namespace gdjit::scheduling {

namespace {

constexpr int64_t most_results = 16; ///< of one join

/// Vectors of the tile that each iteration of the loop joins; 0 where the loop is not one over
/// joined accumulations: a tile, loops that accumulate, a join, straight statements to the end.
int64_t joined_vectors(const Statement& loop) {
  int64_t vectors = 0;
  bool joined = false;
  for (const Statement& s : loop.body) {
    if (s.kind == StatementKind::Tile && vectors == 0 && s.type.lanes > 1) {
      vectors = 1;
      for (int64_t e : s.extents)
        vectors *= e;
    } else if (s.kind == StatementKind::Join && !joined && s.tile == loop.body.front().tile &&
               s.type.lanes == 1 && s.index.empty()) {
      joined = true;
    } else if (joined ? s.kind == StatementKind::For || s.type.lanes > 1 ||
                            s.kind == StatementKind::Check || s.tile != loop::none
                      : s.kind != StatementKind::For) {
      return 0;
    }
  }
  return joined ? vectors : 0;
}

class RowJoiner {
public:
  RowJoiner(const Program& program, Kernel& kernel, PassContext& context, Settled& settled)
      : program_(program), kernel_(kernel), context_(context), settled_(settled) {}

  std::vector<Statement> rewrite(std::vector<Statement> body) {
    std::vector<Statement> out;
    for (Statement& s : body) {
      if (s.kind != StatementKind::For) {
        out.push_back(std::move(s));
      } else if (int64_t vectors = vectors_of(s)) {
        std::vector<Statement> done;
        results(done, s, vectors, false);
        settle(done, settled_);
        std::move(done.begin(), done.end(), std::back_inserter(out));
      } else if (s.body.size() == 1 && s.step == 1 && turns(s) > 0 && vectors_of(s.body[0]) > 0 &&
                 dependence(program_, s).empty()) {
        rows(out, std::move(s));
      } else {
        s.body = rewrite(std::move(s.body));
        out.push_back(std::move(s));
      }
    }
    return out;
  }

private:
  /// The same, where the loop can be taken.
  int64_t vectors_of(const Statement& s) const {
    if (s.kind != StatementKind::For || s.step != 1 || turns(s) < 2 ||
        s.loop_kind != loop::LoopKind::sequential)
      return 0;
    int64_t vectors = joined_vectors(s);
    bool possible = vectors > 0 && dependence(program_, s).empty() &&
                    stores_contiguous(program_, s.body, s.loop);
    return possible ? vectors : 0;
  }

  /// Vectors of accumulators that fit the registers, beside their operands.
  int64_t accumulators() const { return context_.machine.vector_registers * 3 / 4; }

  /// Several results at once; returns how many.
  int64_t results(std::vector<Statement>& out, const Statement& loop, int64_t vectors,
                  bool has_rows) {
    int64_t at_once = std::clamp<int64_t>(accumulators() / vectors, 1, most_results);
    const int64_t n = turns(loop);
    if (n > at_once) // a power of two fills the lanes of what is joined
      at_once = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(at_once)));
    at_once = std::min(at_once, n);
    if (!has_rows)
      remark(loop, at_once, 1);
    for (int64_t begin = loop.begin; begin < loop.end;) {
      const int64_t count = std::min(at_once, loop.end - begin);
      const int64_t end = begin + (loop.end - begin) / count * count;
      Statement part = loop;
      if (end < loop.end) {
        part.body = copy_fresh(kernel_, loop.body);
        part.loop = fresh_loop(kernel_, loop.loop);
        substitute(part.body, loop.loop, variable(part.loop));
      }
      part.begin = begin;
      part.end = end;
      out.push_back(group(std::move(part), count));
      begin = end;
    }
    return at_once;
  }

  /// The loop in steps of `count` results: chains side by side, then one join and what follows it
  /// in lanes.
  Statement group(Statement loop, int64_t count) {
    auto join = std::find_if(loop.body.begin(), loop.body.end(),
                             [](const Statement& s) { return s.kind == StatementKind::Join; });
    std::vector<Statement> behind(join, loop.body.end());
    const TileId tile = join->tile;
    loop.body.erase(join, loop.body.end());
    const auto lanes = static_cast<int>(std::bit_ceil(static_cast<uint64_t>(count)));
    if (count > 1) {
      widen(kernel_, behind, loop.loop, lanes, {count}, {tile});
      std::vector<Statement> chains;
      jam(kernel_, loop, count, chains);
      loop = std::move(chains.front());
    }
    loop.body.insert(loop.body.end(), behind.begin(), behind.end());
    return loop;
  }

  void rows(std::vector<Statement>& out, Statement loop) {
    std::vector<Statement> body;
    Statement inner = std::move(loop.body[0]);
    const int64_t vectors = vectors_of(inner);
    const int64_t at_once = results(body, inner, vectors, true);
    loop.body = std::move(body);
    const int64_t rows = std::clamp<int64_t>(accumulators() / (at_once * vectors), 1, turns(loop));
    remark(loop, at_once, rows);
    std::vector<Statement> done;
    jam(kernel_, std::move(loop), rows, done);
    settle(done, settled_);
    std::move(done.begin(), done.end(), std::back_inserter(out));
  }

  void remark(const Statement& loop, int64_t results, int64_t rows) {
    context_.remarks.push_back(
        fmt::format("{}: partial sums of {} results, of {} rows of loop {}, are added up at "
                    "once, each in a lane, since each addition waits for the one before",
                    kernel_.name, results, rows, kernel_.loop_names[loop.loop]));
  }

  const Program& program_;
  Kernel& kernel_;
  PassContext& context_;
  Settled& settled_;
};

} // namespace

void join_rows(const Program& program, Kernel& kernel, PassContext& context, Settled& settled) {
  kernel.body = RowJoiner(program, kernel, context, settled).rewrite(std::move(kernel.body));
}

} // namespace gdjit::scheduling
