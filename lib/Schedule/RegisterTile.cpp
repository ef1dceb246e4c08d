// Chooses rows and vectors of a tile from the registers of the machine and the shape of the loops.
#include "RegisterTile.h"

#include "Accumulators.h"
#include "Independence.h"
#include "Jam.h"
#include "NestReads.h"
#include "Pack.h"
#include "Panel.h"
#include "RowBlocks.h"
#include "ShortRows.h"
#include "SoftwarePipeline.h"

#include <algorithm>
#include <fmt/format.h>

namespace gdjit::scheduling {

namespace {

constexpr int64_t vectors_side_by_side = 2;
constexpr int64_t most_side_by_side = 4;      ///< where rows are read from far away
constexpr int64_t most_results_of_tile = 64;  ///< lines side by side in memory, loaded or stored
constexpr int64_t panels_in_second_cache = 8; ///< of such vectors: rows have the rest
constexpr int64_t least_rows = 4;             ///< fewer chains do not hide the latency of fma
constexpr int64_t most_rows = 16;           ///< more read from more lines at once, and hide no more
constexpr int64_t most_equal_tiles = 4;     ///< more are worth a last tile of other code
constexpr int64_t least_rows_with_work = 8; ///< that leave registers to the work between terms
constexpr int64_t rows_where_they_vary = 8;
constexpr int64_t least_element_bytes = 4;       ///< of what is added up in lanes
constexpr int64_t least_tiles = 8;               ///< of rows, for which columns are copied
constexpr int64_t least_tiles_strided = 2;       ///< the same where they are copied in any case
constexpr int64_t least_turns_again = 4;         ///< of a loop without tiles, for which they are
constexpr int64_t vectors_without_rows = 8;      ///< enough chains to hide the latency of fma
constexpr int64_t statements_side_by_side = 128; ///< of such vectors: the code grows

/// As many rows as fit the registers; fewer where a few tiles are then the same code, or where what
/// remains would be too few chains to hide the latency of fma.
int64_t choose_rows(int64_t all, int64_t most) {
  most = std::clamp<int64_t>(most, 1, std::max<int64_t>(all, 1));
  for (int64_t rows = most; 2 * rows > most && rows * most_equal_tiles >= all; --rows)
    if (all % rows == 0)
      return rows;
  for (int64_t rows = most; 2 * rows > most; --rows)
    if (all % rows == 0 || all % rows >= least_rows)
      return rows;
  return most;
}

/// As many rows that what remains of them is a tile of `least` to `most_first`: the first one,
/// which turns what all columns read between its terms (FirstTile.h). 0 where no number leaves
/// that.
int64_t choose_rows_behind_first(int64_t all, int64_t most, int64_t least, int64_t most_first) {
  for (int64_t rows = most; 2 * rows > most; --rows)
    if (all > rows && all % rows >= least && all % rows <= most_first)
      return rows;
  return 0;
}

class RegisterTiler {
public:
  RegisterTiler(Program& program, Kernel& kernel, PassContext& context, const Settled& settled,
                Varying& varying)
      : program_(program), kernel_(kernel), context_(context), settled_(settled),
        varying_(varying) {}

  std::vector<Statement> rewrite(std::vector<Statement> body, bool has_rows) {
    std::vector<Statement> out;
    for (Statement& s : body) {
      if (s.kind != StatementKind::For || settled_.contains(s.loop)) {
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
  bool varies(const Statement& loop) const { return varying_.loops.count(loop.loop) != 0; }

  int64_t accumulators(const Statement& loop) const {
    return scheduling::accumulators(loop.body, varying_);
  }

  /// A loop over vectors that holds an accumulation; a text may have other loops that step.
  bool is_vector_loop(const Statement& s) const {
    return s.kind == StatementKind::For && s.step > 1 && accumulators(s) > 0 &&
           keeps_order(program_, s);
  }

  /// True where each turn of the loop gathers columns of other rows, which take registers for all
  /// of them.
  bool gathers_columns(const Statement& loop) const {
    const auto moved = [&](const Index& i) {
      return i.lane != 0 && factor(i.affine, loop.loop) != 0;
    };
    bool found = false;
    for_each(loop.body, [&](const Statement& s) {
      found = found || (scheduling::gathers_columns(program_, s, context_.machine) &&
                        std::ranges::any_of(s.index, moved));
    });
    return found && varying_.empty();
  }

  /// Several vectors of a row at once.
  void vectors(std::vector<Statement>& out, Statement loop, bool has_rows) {
    const int64_t most = (context_.machine.vector_registers - 2) / accumulators(loop);
    const bool has_columns = !has_rows && std::ranges::any_of(loop.body, [&](const Statement& s) {
      return columns_beside(s) >= least_rows;
    });
    int64_t count =
        std::min({turns(loop), std::max<int64_t>(most, 1),
                  has_rows || has_columns ? vectors_side_by_side : vectors_without_rows});
    if (!has_rows) // a long body hides latencies by itself
      count = std::min(count, std::max<int64_t>(1, statements_side_by_side / code_size(loop.body)));
    if (!has_rows && gathers_columns(loop))
      count = 1;
    if (count > 1 && !varies(loop) && loop.loop_kind == loop::LoopKind::sequential &&
        can_jam(loop)) {
      std::vector<Statement> wide;
      if (!has_rows)
        context_.remarks.push_back(
            fmt::format("{}: {} vectors of loop {} side by side: chains that do not wait for one "
                        "another hide how long a multiply-add takes",
                        kernel_.name, count, kernel_.loop_names[loop.loop]));
      jam(kernel_, std::move(loop), count, wide, varying_);
      for (Statement& w : wide) {
        if (has_columns && is_vector_loop(w)) {
          columns_of_vector(w);
          copy_what_is_read_again(w);
        }
        out.push_back(std::move(w));
      }
      return;
    }
    if (!has_rows && !columns_of_vector(loop))
      copy_what_is_read_again(loop);
    out.push_back(std::move(loop));
  }

  void copy_what_is_read_again(Statement& vectors) {
    if (varying_.empty() && reads_again(vectors) && panel(program_, kernel_, vectors))
      context_.remarks.push_back(fmt::format("{}: what a vector of loop {} reads for each turn of "
                                             "a loop inside is copied to lie in order, since for "
                                             "all vectors it does not fit the first cache",
                                             kernel_.name, kernel_.loop_names[vectors.loop]));
  }

  /// Columns of a loop inside one over vectors that registers hold at once; 0 where it is none
  /// whose turns accumulate independently.
  int64_t columns_beside(const Statement& s) const {
    const int64_t tiles = s.kind == StatementKind::For ? accumulators(s) : 0;
    const bool possible = tiles > 0 && s.step == 1 && s.loop_kind == loop::LoopKind::sequential &&
                          !varies(s) && can_jam(s) && !gathers_columns(s) &&
                          dependence(program_, s).empty();
    return possible ? choose_rows(turns(s), (context_.machine.vector_registers - 2) / tiles) : 0;
  }

  /// Where rows are the lanes of vectors: several columns of them at once. False where there are
  /// none.
  bool columns_of_vector(Statement& vector) {
    bool found = false;
    std::vector<Statement> body;
    for (Statement& s : vector.body) {
      if (const int64_t count = columns_beside(s); count > 1) {
        const int64_t vectors = accumulators(s);
        context_.remarks.push_back(fmt::format(
            "{}: tile of {} by {} columns over loop {}: {} sums side by side hide how "
            "long a multiply-add takes, and use what they load {} times",
            kernel_.name, vectors == 1 ? "a vector" : fmt::format("{} vectors", vectors), count,
            kernel_.loop_names[s.loop], vectors * count, count));
        jam(kernel_, std::move(s), count, body, varying_);
        found = true;
      } else {
        body.push_back(std::move(s));
      }
    }
    vector.body = std::move(body);
    return found;
  }

  /// True where each turn of a loop inside reads the same lines, which lie apart and for all
  /// vectors do not fit the first cache.
  bool reads_again(const Statement& columns) const {
    int64_t bytes = 0;
    for (const Statement& rows : columns.body)
      if (rows.kind == StatementKind::For && turns(rows) >= least_turns_again)
        bytes += bytes_moved(rows.body, columns.loop, rows.loop, turns(columns));
    return bytes > context_.machine.l1_bytes;
  }

  /// Several rows at once, where the loop holds vector loops and its iterations are independent.
  void rows(std::vector<Statement>& out, Statement loop) {
    int64_t tiles = 0;
    int64_t widest = 1; // vectors of a row
    bool nothing_else = true;
    for (const Statement& s : loop.body) {
      const bool is_vector = is_vector_loop(s) && !settled_.contains(s.loop);
      nothing_else &= is_vector && can_jam(s);
      if (!is_vector)
        continue;
      tiles = std::max(tiles, accumulators(s));
      if (!varies(s))
        widest = std::max(widest, turns(s));
    }
    int64_t side_by_side = std::min(widest, vectors_side_by_side);
    // One turn, as a thread's block of terms, is no row beside others.
    const bool is_row_loop = tiles > 0 && loop.step == 1 && (turns(loop) > 1 || varies(loop)) &&
                             can_jam(loop) && dependence(program_, loop).empty();
    if (!is_row_loop) {
      loop.body = rewrite(std::move(loop.body), false);
      out.push_back(std::move(loop));
      return;
    }
    int64_t most = std::min(rows_beside(side_by_side, tiles), most_rows);
    const auto count_of = [&](int64_t rows) {
      return varies(loop) ? std::clamp<int64_t>(most, 1, rows_where_they_vary)
                          : choose_rows(rows, most);
    };
    const bool strided = strided_across(program_, loop);
    const bool beyond_cache = bytes_across(loop) > context_.machine.l1_bytes;
    bool columns_first =
        nothing_else && varying_.empty() && (beyond_cache || masked_across(loop)) &&
        turns(loop) >= count_of(turns(loop)) * (strided ? least_tiles_strided : least_tiles);
    bool works = false; // between the terms of the next tile
    if (const int64_t fewer = rows_beside(side_by_side, tiles, registers_for_work);
        !varies(loop) &&
        has_work_for_terms(loop, choose_rows(turns(loop), fewer), side_by_side, columns_first)) {
      most = fewer;
      works = true;
    }
    const int64_t results =
        columns_first && !works ? results_first(loop, count_of(turns(loop)), context_.machine) : 0;
    columns_first = columns_first && results == 0;
    if (results * count_of(turns(loop)) > most_results_of_tile) {
      side_by_side = std::min(widest, most_side_by_side);
      most = std::min(rows_beside(side_by_side, tiles), most_rows);
    }
    // Columns that are turned on the way come in order; all of them copied first lose the cache.
    const int64_t block =
        columns_first && !strided
            ? rows_of_block(loop, least_tiles * count_of(turns(loop)), context_.machine)
            : 0;
    if (columns_first && !works && bytes_along(loop) > context_.machine.l2_bytes) {
      side_by_side = vectors_of_far_rows(bytes_across(loop) / widest, tiles, widest);
      most = std::min(rows_beside(side_by_side, tiles), most_rows);
    }
    int64_t count = count_of(block != 0 ? block : turns(loop));
    const bool turned = columns_first && !works && strided;
    if (turned)
      if (const int64_t behind_first = rows_behind_turning(turns(loop), most, side_by_side))
        count = behind_first;
    context_.remarks.push_back(fmt::format(
        "{}: tile of {} rows by {} over loop {}: {} of {} registers hold sums, a term loads {} and "
        "{} scalars for {} multiply-adds{}{}",
        kernel_.name, count, counted(side_by_side, "vector"), kernel_.loop_names[loop.loop],
        count * side_by_side * tiles, context_.machine.vector_registers,
        counted(side_by_side, "vector"), count, count * side_by_side * tiles,
        varies(loop) || turns(loop) % count == 0
            ? ""
            : fmt::format(", the last {} rows by themselves", turns(loop) % count),
        results != 0     ? ", row by row, since their results are more than what they read"
        : !columns_first ? ""
        : beyond_cache   ? ", columns outermost, since what they read does not fit the first cache"
                       : ", columns outermost, since a part of a vector is read again and again"));
    if (block != 0)
      context_.remarks.push_back(fmt::format(
          "{}: blocks of {} rows of loop {}, since all of them do not fit the second cache",
          kernel_.name, block, kernel_.loop_names[loop.loop]));
    if (columns_first)
      return columns(out, std::move(loop), count, side_by_side, block, turned);
    loop.body = rewrite(std::move(loop.body), true);
    if (varies(loop))
      jam_varying(kernel_, std::move(loop), count, out, varying_);
    else
      jam(kernel_, std::move(loop), count, out, varying_);
  }

  /// Rows whose tiles the registers hold, beside a row of so many vectors and `others`.
  int64_t rows_beside(int64_t vectors, int64_t tiles, int64_t others = 0) const {
    return (context_.machine.vector_registers - vectors - 2 - others) / (vectors * tiles);
  }

  /// Rows of a tile where the first one has between half of the registers for its sums, and as many
  /// as the rounds of a transposition leave.
  int64_t rows_behind_turning(int64_t rows, int64_t most, int64_t vectors) const {
    const int64_t registers = context_.machine.vector_registers,
                  lanes = context_.machine.vector_bytes / least_element_bytes;
    return choose_rows_behind_first(rows, most, registers / 2 / vectors,
                                    (registers - lanes / 2) / vectors);
  }

  /// How many of `widest` vectors a tile has where all rows together do not fit the second cache:
  /// the more, the fewer panels read them again, and the fewer loads a term takes.
  int64_t vectors_of_far_rows(int64_t bytes_of_vector, int64_t tiles, int64_t widest) const {
    const int64_t panel = context_.machine.l2_bytes / panels_in_second_cache;
    int64_t vectors = std::clamp(panel / std::max<int64_t>(bytes_of_vector, 1),
                                 vectors_side_by_side, most_side_by_side);
    while (vectors > vectors_side_by_side && rows_beside(vectors, tiles) < least_rows)
      --vectors;
    return std::min(vectors, widest);
  }

  /// True where the work behind such a tile goes on between the terms of the next.
  static bool has_work_for_terms(const Statement& rows, int64_t count, int64_t side_by_side,
                                 bool columns_first) {
    return side_by_side == vectors_side_by_side && count >= least_rows_with_work &&
           std::ranges::any_of(rows.body, [&](const Statement& columns) {
             const int64_t tiles =
                 columns_first ? turns(rows) / count : turns(columns) / side_by_side;
             return scheduling::has_work_for_terms(columns.body, tiles, count * side_by_side);
           });
  }

  /// Each vector loop around the rows: a few columns, what they read packed, for all rows or, where
  /// `block` is not 0, for a block of them. Where they are `turned`, the tile of the rows that
  /// remain is the first.
  void columns(std::vector<Statement>& out, Statement rows, int64_t count, int64_t side_by_side,
               int64_t block, bool turned) {
    bool first = true;
    std::vector<Statement> nests, blocks;
    for (Statement& columns : std::vector<Statement>(std::move(rows.body))) {
      Statement inner = rows;
      inner.body = std::move(columns.body);
      if (!first) {
        inner.loop = fresh_loop(kernel_, rows.loop);
        substitute(inner.body, rows.loop, variable(inner.loop));
      }
      first = false;
      columns.body.clear();
      columns.body.push_back(std::move(inner));
      std::vector<Statement> wide;
      const int64_t vectors = std::min(turns(columns), side_by_side);
      jam(kernel_, std::move(columns), vectors, wide);
      for (Statement& w : wide) {
        std::vector<Statement> body;
        for (Statement& s : w.body)
          if (s.kind == StatementKind::For) {
            if (block != 0)
              blocks.push_back(take_block(kernel_, s, block));
            const auto tiles = static_cast<std::ptrdiff_t>(body.size());
            jam(kernel_, std::move(s), count, body);
            if (turned)
              std::reverse(body.begin() + tiles, body.end());
          } else {
            body.push_back(std::move(s));
          }
        w.body = std::move(body);
        nests.push_back(std::move(w));
      }
    }
    std::vector<Statement> copies;
    if (nests.size() > 1 || turns(nests.front()) > 1) // else each row is read once
      copies = rows_panel(program_, kernel_, nests, context_);
    if (!copies.empty())
      context_.remarks.push_back(fmt::format(
          "{}: rows of loop {}, which lie side by side, are copied once in the order in "
          "which its tiles read them for all columns",
          kernel_.name, kernel_.loop_names[rows.loop]));
    std::ranges::move(copies, std::back_inserter(out));
    bool copied = false;
    for (size_t n = 0; n < nests.size(); ++n)
      if (block != 0) {
        row_blocks(program_, kernel_, std::move(blocks[n]), std::move(nests[n]), out);
      } else {
        copied |= panel(program_, kernel_, nests[n]);
        out.push_back(std::move(nests[n]));
      }
    if (copied)
      context_.remarks.push_back(
          fmt::format("{}: what columns read is copied to lie in order, since all tiles of loop {} "
                      "read it again",
                      kernel_.name, kernel_.loop_names[rows.loop]));
  }

  Program& program_;
  Kernel& kernel_;
  PassContext& context_;
  const Settled& settled_;
  Varying& varying_;
};

} // namespace

void register_tile(Program& program, Kernel& kernel, PassContext& context, const Settled& settled,
                   Varying& varying) {
  RegisterTiler tiler(program, kernel, context, settled, varying);
  kernel.body = tiler.rewrite(std::move(kernel.body), false);
}

} // namespace gdjit::scheduling
