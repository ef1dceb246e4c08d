// Finds loops over rows with several vector loops, and what of large arrays they walk.
#include "AskForRows.h"

#include "Panel.h"

#include <fmt/format.h>

namespace gdjit::scheduling {

namespace {

constexpr int64_t least_rows = 8;
constexpr int64_t least_row_bytes = 1024; ///< shorter rows are fetched before one notices
constexpr int64_t followed_bytes = 2048;  ///< hardware asks for what is so far apart
constexpr int64_t most_side_by_side = 16; ///< turns of a loop that is written out
constexpr int64_t rows_ahead = 24;        ///< of a few lines each, as long as memory takes
constexpr int64_t work_of_a_line = 8; ///< in statements: of less the processor sees enough ahead

class RowAsker {
public:
  RowAsker(const Program& program, Kernel& kernel, PassContext& context)
      : program_(program), kernel_(kernel), context_(context) {
    for_each(kernel.body, [&](const Statement& s) {
      if (s.kind == StatementKind::Load)
        loaded_.insert(storage(program, s.buffer));
      if (s.kind == StatementKind::Store)
        stored_.insert(storage(program, s.buffer));
    });
  }

  void rewrite(std::vector<Statement>& body) {
    for (Statement& s : body)
      if (s.kind == StatementKind::For && !asks(s) && !asks_ahead(s)) {
        around_.push_back(&s);
        rewrite(s.body);
        around_.pop_back();
      }
  }

private:
  /// True where the loop is one over such rows.
  bool asks(Statement& rows) {
    if (rows.loop_kind != loop::LoopKind::sequential || rows.step != 1 || turns(rows) < least_rows)
      return false;
    std::vector<Statement*> passes;
    for (Statement& s : rows.body)
      if (s.kind == StatementKind::For && s.loop_kind == loop::LoopKind::sequential && s.step > 1)
        passes.push_back(&s);
    if (passes.size() < 2)
      return false;
    std::map<loop::BufferId, Statement> walked; ///< with what asks for one of its accesses
    for (const Statement* pass : passes)
      for_each(pass->body, [&](const Statement& s) {
        if (std::optional<Statement> prefetch =
                walks(s, rows, *pass) ? prefetch_of(s) : std::nullopt)
          walked.try_emplace(s.buffer, std::move(*prefetch));
      });
    if (walked.empty())
      return false;
    Statement& longest = **std::ranges::max_element(
        passes, {}, [](const Statement* s) { return code_size(s->body) * turns(*s) / s->step; });
    std::vector<Statement> asked;
    for (const auto& [buffer, prefetch] : walked)
      append(asked, prefetch, rows.loop, longest);
    longest.body.insert(longest.body.begin(), asked.begin(), asked.end());
    context_.remarks.push_back(fmt::format(
        "{}: loop {} asks for the next row of {}, since it passes over each several times "
        "and the second cache does not hold them",
        kernel_.name, kernel_.loop_names[rows.loop],
        counted(static_cast<int64_t>(walked.size()), "array")));
    return true;
  }

  /// An access along a row of an array that the second cache does not hold.
  bool walks(const Statement& s, const Statement& rows, const Statement& pass) const {
    if ((s.kind != StatementKind::Load && s.kind != StatementKind::Store) || s.streaming ||
        s.index.size() < 2 || s.index.back().lane != 1 ||
        factor(s.index.back().affine, pass.loop) != 1)
      return false;
    const TensorType& type = program_.buffers[s.buffer].type;
    const loop::BufferId memory = storage(program_, s.buffer);
    if ((loaded_.count(memory) != 0 && stored_.count(memory) != 0) ||
        type.bytes() <= context_.machine.l2_bytes || row_bytes(type) < least_row_bytes)
      return false;
    bool moves = false;
    for (size_t axis = 0; axis + 1 < s.index.size(); ++axis) {
      const Index& i = s.index[axis];
      if (factor(i.affine, pass.loop) != 0 || moves_within(i.affine, pass))
        return false;
      moves = moves || factor(i.affine, rows.loop) != 0;
    }
    return moves;
  }

  static bool moves_within(const Affine& affine, const Statement& pass) {
    bool found = false;
    for_each(pass.body, [&](const Statement& s) {
      found = found || (s.kind == StatementKind::For && factor(affine, s.loop) != 0);
    });
    return found;
  }

  /// True where each turn of the loop reads a few lines of other rows, or of several rows at once.
  bool asks_ahead(Statement& terms) {
    bool straight =
        terms.loop_kind == loop::LoopKind::sequential && terms.end - terms.begin > rows_ahead;
    for_each(terms.body, [&](const Statement& s) {
      straight = straight && (s.kind != StatementKind::For || turns(s) <= most_side_by_side);
    });
    if (!straight)
      return false;
    std::vector<Statement> prefetches, asked;
    std::vector<const Statement*> around;
    int64_t furthest = 0;
    const Statement* rows = nullptr;
    for_each_load(terms.body, around, [&](const Statement& s) {
      const Statement* const over = steps(s, terms) ? &terms : rows_walked_at_once(s, terms);
      std::optional<Statement> prefetch = over != nullptr ? prefetch_of(s) : std::nullopt;
      if (!prefetch || std::ranges::any_of(asked, [&](const Statement& a) {
            return a.buffer == s.buffer && a.index == s.index;
          }))
        return;
      asked.push_back(s);
      const int64_t ahead = over == &terms ? turns_ahead(s, terms) * terms.step : over->step;
      if (over == &terms)
        furthest = std::max(furthest, ahead);
      else
        rows = over;
      for (Index& i : prefetch->index)
        loop::substitute(i.affine, over->loop, variable(over->loop, 1, ahead));
      for (auto l = around.rbegin(); l != around.rend(); ++l)
        if (moves(*prefetch, **l)) {
          Statement each = **l;
          if (s.type.lanes == 1) // of elements side by side one of each line
            each.step = std::min(turns(each), line_bytes / byte_size(s.type.dtype));
          each.body = {std::move(*prefetch)};
          prefetch = std::move(each);
        }
      for (Statement& own : copy_fresh(kernel_, {*prefetch}))
        prefetches.push_back(std::move(own));
    });
    if (furthest != 0)
      context_.remarks.push_back(
          fmt::format("{}: loop {} asks for rows {} ahead: each is on another page, which is where "
                      "hardware stops asking",
                      kernel_.name, kernel_.loop_names[terms.loop], furthest));
    if (rows != nullptr)
      context_.remarks.push_back(fmt::format("{}: loop {} asks for the next {} rows of loop {}: "
                                             "hardware that follows one of them stops "
                                             "at its end",
                                             kernel_.name, kernel_.loop_names[terms.loop],
                                             rows->step, kernel_.loop_names[rows->loop]));
    terms.body.insert(terms.body.begin(), std::make_move_iterator(prefetches.begin()),
                      std::make_move_iterator(prefetches.end()));
    return !prefetches.empty();
  }

  /// The loop around that takes several rows at once of an array that the second cache does not
  /// hold, where `pass` walks along them and computes enough with each line for the processor not
  /// to see the next ones.
  const Statement* rows_walked_at_once(const Statement& s, const Statement& pass) const {
    const TensorType& type = program_.buffers[s.buffer].type;
    if (s.index.size() < 2 || s.index.back().lane != 1 || s.type.lanes != pass.step ||
        factor(s.index.back().affine, pass.loop) != 1 ||
        stored_.contains(storage(program_, s.buffer)) ||
        type.bytes() <= context_.machine.l2_bytes || row_bytes(type) < least_row_bytes)
      return nullptr;
    for (auto rows = around_.rbegin(); rows != around_.rend(); ++rows)
      for (size_t axis = 0; axis + 1 < s.index.size(); ++axis)
        if (factor(s.index[axis].affine, (*rows)->loop) != 0) {
          const bool pays = (*rows)->loop_kind == loop::LoopKind::sequential && (*rows)->step > 1 &&
                            turns(**rows) >= least_rows * (*rows)->step &&
                            code_size(pass.body) >= work_of_a_line * (*rows)->step;
          return pays ? *rows : nullptr;
        }
    return nullptr;
  }

  static int64_t row_bytes(const TensorType& type) {
    return type.shape[type.shape.rank() - 1] * byte_size(type.dtype);
  }

  /// All turns where a loop around goes on behind them and one between comes back to the same rows
  /// before that.
  int64_t turns_ahead(const Statement& s, const Statement& terms) const {
    for (size_t l = 0; l + 1 < around_.size(); ++l)
      for (const Index& i : s.index)
        if (const int64_t step = factor(i.affine, terms.loop) * terms.step;
            step != 0 &&
            factor(i.affine, around_[l]->loop) * around_[l]->step == step * turns(terms))
          return turns(terms);
    return (rows_ahead + terms.step - 1) / terms.step;
  }

  static bool moves(const Statement& s, const Statement& loop) {
    const auto moved = [&](const Index& i) { return factor(i.affine, loop.loop) != 0; };
    return std::ranges::any_of(s.index, moved) ||
           std::ranges::any_of(s.body,
                               [&](const Statement& inside) { return moves(inside, loop); });
  }

  /// What lies side by side of an array that the second cache does not hold, of another row each
  /// turn.
  bool steps(const Statement& s, const Statement& terms) const {
    const TensorType& type = program_.buffers[s.buffer].type;
    if (s.index.size() < 2 || (s.type.lanes > 1 && s.index.back().lane != 1) ||
        factor(s.index.back().affine, terms.loop) != 0 ||
        stored_.contains(storage(program_, s.buffer)) || type.bytes() <= context_.machine.l2_bytes)
      return false;
    int64_t row = byte_size(type.dtype), step = 0;
    for (size_t axis = s.index.size(); axis-- > 0;) {
      step += factor(s.index[axis].affine, terms.loop) * terms.step * row;
      row *= type.shape[static_cast<int>(axis)];
    }
    return step > followed_bytes;
  }

  /// The same for the next row, line by line of what a turn of `pass` walks.
  static void append(std::vector<Statement>& out, const Statement& prefetch, LoopId rows,
                     const Statement& pass) {
    const int64_t line = line_bytes / byte_size(prefetch.type.dtype);
    for (int64_t at = 0; at < pass.step; at += line) {
      out.push_back(prefetch);
      for (Index& i : out.back().index)
        loop::substitute(i.affine, rows, variable(rows, 1, 1));
      out.back().index.back().affine = variable(pass.loop, 1, at);
    }
  }

  const Program& program_;
  Kernel& kernel_;
  PassContext& context_;
  std::set<loop::BufferId> loaded_, stored_; ///< both: what the kernel keeps for itself
  std::vector<const Statement*> around_;     ///< loops, from the outermost in
};

} // namespace

void ask_for_rows(const Program& program, Kernel& kernel, PassContext& context) {
  RowAsker(program, kernel, context).rewrite(kernel.body);
}

} // namespace gdjit::scheduling
