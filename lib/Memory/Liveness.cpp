// Walks the statements of a program once, with an explicit position per top-level statement.
#include "Liveness.h"

#include "gdjit/Loop/KernelView.h"
#include "gdjit/Support/Error.h"

namespace gdjit::memory {

namespace {

/// Calls visit(buffer, where) for each load and store of a program; loops nest a few deep, so
/// recursion is bounded.
template <class Visit> class Walker {
public:
  explicit Walker(Visit visit) : visit_(std::move(visit)) {}

  int64_t run(const loop::Program& program) {
    for (const loop::Kernel& kernel : program.kernels) {
      const loop::KernelView view(program, kernel);
      for (size_t i = 0; i < view.body().size(); ++i, ++position_)
        statement(view, view.body(), i);
    }
    return position_;
  }

private:
  void statement(const loop::KernelView& view, const std::vector<loop::Statement>& body, size_t i) {
    const loop::Statement& s = body[i];
    if (s.kind == loop::StatementKind::For) {
      loops_.push_back(&s);
      for (size_t j = 0; j < s.body.size(); ++j)
        statement(view, s.body, j);
      loops_.pop_back();
    } else if (s.buffer != loop::none && s.kind != loop::StatementKind::Prefetch) {
      visit_(view.buffer(s.buffer), body, i, position_, loops_);
    }
  }

  Visit visit_;
  int64_t position_ = 0;
  std::vector<const loop::Statement*> loops_;
};

} // namespace

std::vector<Access> collect_accesses(const loop::Program& program,
                                     const std::vector<bool>& wanted) {
  std::vector<Access> accesses;
  Walker walker([&](BufferId buffer, const std::vector<loop::Statement>& body, size_t i,
                    int64_t position, const std::vector<const loop::Statement*>& loops) {
    if (wanted[loop::storage(program, buffer)])
      accesses.push_back({buffer, &body[i], position, &body, i, {loops.begin(), loops.end()}});
  });
  walker.run(program);
  return accesses;
}

std::vector<LiveRange> live_ranges(const loop::Program& program) {
  std::vector<LiveRange> ranges(program.buffers.size());
  Walker walker([&](BufferId buffer, const std::vector<loop::Statement>&, size_t, int64_t position,
                    const std::vector<const loop::Statement*>&) {
    LiveRange& range = ranges[loop::storage(program, buffer)];
    if (!range.used())
      range.first = position;
    range.last = position;
  });
  int64_t end = walker.run(program);
  for (BufferId b = 0; b < program.buffers.size(); ++b)
    if (program.buffers[b].role == loop::BufferRole::output) {
      LiveRange& range = ranges[loop::storage(program, b)];
      if (!range.used())
        range.first = 0;
      range.last = end;
    }
  return ranges;
}

} // namespace gdjit::memory
