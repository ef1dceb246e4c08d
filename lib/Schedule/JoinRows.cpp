// Finds loops over joined accumulations; takes as many results and rows at once as the registers
// hold.
#include "JoinRows.h"

#include "Independence.h"
#include "Jam.h"
#include "JoinedLoops.h"
#include "Widen.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>
#include <iterator>

namespace gdjit::scheduling {

namespace {

/// The join of sums that another loop made, whole vectors of them, in front of what stands between
/// it and the loop that takes them, such as a moment's decay, which waits for none.
void put_joins_first(std::vector<Statement>& body, const MachineTable& machine) {
  auto is_straight = [](const Statement& s) {
    return s.kind == StatementKind::Compute || s.kind == StatementKind::Load ||
           s.kind == StatementKind::Index;
  };
  for (Statement& loop : body) {
    put_joins_first(loop.body, machine);
    auto join = std::ranges::find(loop.body, StatementKind::Join, &Statement::kind);
    if (join == loop.body.end())
      continue;
    const auto tile = std::ranges::find_if(loop.body, [&](const Statement& s) {
      return s.kind == StatementKind::Tile && s.tile == join->tile;
    });
    if (tile == loop.body.end() ||
        tile->type.lanes * byte_size(tile->type.dtype) < machine.vector_bytes)
      continue;
    auto first = join;
    while (first != loop.body.begin() && is_straight(*std::prev(first)))
      --first;
    if (first == loop.body.begin() || std::prev(first)->kind != StatementKind::For)
      continue;
    bool loads = false;
    for_each(std::prev(first)->body,
             [&](const Statement& s) { loads |= s.kind == StatementKind::Load; });
    if (!loads)
      std::rotate(first, join, std::next(join));
  }
}

class RowJoiner {
public:
  RowJoiner(const Program& program, Kernel& kernel, PassContext& context, Settled& settled)
      : program_(program), kernel_(kernel), context_(context), settled_(settled),
        loops_(program, kernel.body, context.machine) {}

  void run() {
    kernel_.body = rewrite(std::move(kernel_.body));
    for_each(kernel_.body, [&](Statement& s) {
      if (s.kind == StatementKind::Tile && wide_.contains(s.tile)) {
        s.type.lanes = static_cast<uint16_t>(loops_.lanes_of_sums());
        s.extents[0] /= loops_.lanes_of_sums();
      }
    });
  }

private:
  std::vector<Statement> rewrite(std::vector<Statement> body) {
    std::vector<Statement> out;
    for (Statement& s : body) {
      if (s.kind != StatementKind::For) {
        out.push_back(std::move(s));
      } else if (loops_.vectors(s) > 0) {
        std::vector<Statement> done;
        results(done, s, false);
        settle(done, settled_);
        std::move(done.begin(), done.end(), std::back_inserter(out));
      } else if (s.body.size() == 1 && s.step == 1 && turns(s) > 0 &&
                 loops_.vectors(s.body[0]) > 0 && dependence(program_, s).empty()) {
        rows(out, std::move(s));
      } else {
        s.body = rewrite(std::move(s.body));
        out.push_back(std::move(s));
      }
    }
    return out;
  }

  /// Several results at once; returns how many.
  int64_t results(std::vector<Statement>& out, const Statement& loop, bool has_rows) {
    const int64_t at_once = loops_.results(loop);
    const std::set<TileId> sums = loops_.sums(loop);
    if (!has_rows)
      remark(loop, at_once, 1, !sums.empty());
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
      const auto lanes = std::bit_ceil(static_cast<uint64_t>(sums.empty() ? count : at_once));
      out.push_back(group(std::move(part), count, static_cast<int>(lanes), sums));
      begin = end;
    }
    return at_once;
  }

  /// The loop in steps of `count` results: chains side by side, then one join and what follows it
  /// in lanes.
  Statement group(Statement loop, int64_t count, int lanes, const std::set<TileId>& sums) {
    auto join = std::find_if(loop.body.begin(), loop.body.end(),
                             [](const Statement& s) { return s.kind == StatementKind::Join; });
    std::vector<Statement> behind(join, loop.body.end());
    const TileId tile = join->tile;
    loop.body.erase(join, loop.body.end());
    if (lanes > 1) {
      std::set<TileId> moved = sums;
      moved.insert(tile);
      widen(kernel_, behind, loop.loop, lanes, {count}, moved);
      std::vector<Statement> chains;
      jam(kernel_, loop, count, chains);
      loop = std::move(chains.front());
      if (count == 1)
        as_one_row(loop.body, tile);
    }
    loop.body.insert(loop.body.end(), behind.begin(), behind.end());
    if (!sums.empty())
      count_vectors(loop, lanes, sums);
    return loop;
  }

  /// A tile of one result as jam makes them of several: with an axis for results.
  static void as_one_row(std::vector<Statement>& body, TileId tile) {
    for_each(body, [&](Statement& s) {
      if (s.tile == tile && s.kind == StatementKind::Tile)
        s.extents.insert(s.extents.begin(), 1);
      else if (s.tile == tile)
        s.index.insert(s.index.begin(), Index{});
    });
  }

  /// The elements of `sums` are vectors: the loop counts them.
  void count_vectors(Statement& loop, int lanes, const std::set<TileId>& sums) {
    for_each(loop.body, [&](Statement& s) {
      if (!sums.contains(s.tile))
        for (Index& i : s.index)
          substitute(i.affine, loop.loop, variable(loop.loop, lanes));
    });
    loop.begin /= lanes;
    loop.end = (loop.end + lanes - 1) / lanes;
    loop.step = 1;
    wide_.insert(sums.begin(), sums.end());
  }

  void rows(std::vector<Statement>& out, Statement loop) {
    std::vector<Statement> body;
    Statement inner = std::move(loop.body[0]);
    const int64_t vectors = loops_.vectors(inner);
    const int64_t at_once = results(body, inner, true);
    loop.body = std::move(body);
    const int64_t rows =
        std::clamp<int64_t>(loops_.accumulators() / (at_once * vectors), 1, turns(loop));
    remark(loop, at_once, rows, false);
    std::vector<Statement> done;
    jam(kernel_, std::move(loop), rows, done);
    settle(done, settled_);
    std::move(done.begin(), done.end(), std::back_inserter(out));
  }

  void remark(const Statement& loop, int64_t results, int64_t rows, bool sums) {
    context_.remarks.push_back(
        fmt::format("{}: partial sums of {} results, of {} rows of loop {}, are added up at "
                    "once, each in a lane, since each addition waits for the one before{}",
                    kernel_.name, results, rows, kernel_.loop_names[loop.loop],
                    sums ? "; so are the sums that the results go into" : ""));
  }

  const Program& program_;
  Kernel& kernel_;
  PassContext& context_;
  Settled& settled_;
  const JoinedLoops loops_;
  std::set<TileId> wide_; ///< sums that became vectors
};

} // namespace

void join_rows(const Program& program, Kernel& kernel, PassContext& context, Settled& settled) {
  put_joins_first(kernel.body, context.machine);
  RowJoiner(program, kernel, context, settled).run();
}

} // namespace gdjit::scheduling
