// Finds loops over rows with several vector loops, and what of large arrays they walk.
#include "AskForRows.h"

#include <fmt/format.h>

namespace gdjit::scheduling {

namespace {

constexpr int64_t least_rows = 8;
constexpr int64_t line_bytes = 64;
constexpr int64_t least_row_bytes = 1024; ///< shorter rows are fetched before one notices

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
      if (s.kind == StatementKind::For && !asks(s))
        rewrite(s.body);
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
        "{}: loop {} asks for the next row of {} array{}, since it passes over each several times "
        "and the second cache does not hold them",
        kernel_.name, kernel_.loop_names[rows.loop], walked.size(), walked.size() == 1 ? "" : "s"));
    return true;
  }

  /// An access along a row of an array that the second cache does not hold.
  bool walks(const Statement& s, const Statement& rows, const Statement& pass) const {
    if ((s.kind != StatementKind::Load && s.kind != StatementKind::Store) || s.index.size() < 2 ||
        s.index.back().lane != 1 || factor(s.index.back().affine, pass.loop) != 1)
      return false;
    const TensorType& type = program_.buffers[s.buffer].type;
    const loop::BufferId memory = storage(program_, s.buffer);
    if ((loaded_.count(memory) != 0 && stored_.count(memory) != 0) ||
        type.bytes() <= context_.machine.l2_bytes ||
        type.shape[type.shape.rank() - 1] * byte_size(type.dtype) < least_row_bytes)
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
};

} // namespace

void ask_for_rows(const Program& program, Kernel& kernel, PassContext& context) {
  RowAsker(program, kernel, context).rewrite(kernel.body);
}

} // namespace gdjit::scheduling
