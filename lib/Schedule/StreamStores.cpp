// Finds the outputs, then their stores.
#include "StreamStores.h"

#include "gdjit/Loop/KernelView.h"

#include <fmt/format.h>

namespace gdjit::scheduling {

namespace {

int64_t row_bytes(const TensorType& type) {
  return type.shape.rank() == 0 ? 0 : type.shape[type.shape.rank() - 1] * byte_size(type.dtype);
}

class Streamer {
public:
  explicit Streamer(const std::set<loop::BufferId>& outputs) : outputs_(outputs) {}

  void rewrite(std::vector<Statement>& body) {
    for (Statement& s : body) {
      if (s.kind == StatementKind::For) {
        loops_[s.loop] = &s;
        rewrite(s.body);
      } else if (s.kind == StatementKind::Store && outputs_.contains(s.buffer) && is_aligned(s)) {
        s.streaming = true;
        streamed_.insert(s.buffer);
      }
    }
  }

  const std::set<loop::BufferId>& streamed() const { return streamed_; }

private:
  /// True for a vector at a multiple of its size, so that neighbours fill lines.
  bool is_aligned(const Statement& s) const {
    if (s.type.lanes == 1 || s.mask != loop::none || s.index.back().lane != 1)
      return false;
    for (const Index& i : s.index)
      if (i.dynamic != loop::none || (i.lane != 0 && &i != &s.index.back()))
        return false;
    const Affine& column = s.index.back().affine;
    int64_t off = column.constant % s.type.lanes;
    for (const loop::Term& term : column.terms) {
      const auto loop = loops_.find(term.loop); // else the one that threads share
      off |= term.factor * (loop == loops_.end() ? 0 : loop->second->begin) % s.type.lanes;
      off |= term.factor * (loop == loops_.end() ? 1 : loop->second->step) % s.type.lanes;
    }
    return off == 0;
  }

  const std::set<loop::BufferId>& outputs_;
  std::map<LoopId, const Statement*> loops_;
  std::set<loop::BufferId> streamed_;
};

} // namespace

std::set<loop::BufferId> streamed_outputs(const Program& program, const PassContext& context) {
  std::set<loop::BufferId> outputs;
  for (loop::BufferId b = 0; b < program.buffers.size(); ++b) {
    const loop::Buffer& buffer = program.buffers[b];
    if (buffer.role == loop::BufferRole::output && buffer.same_as == loop::none &&
        buffer.type.bytes() >= context.machine.streamed_bytes && row_bytes(buffer.type) > 0 &&
        row_bytes(buffer.type) % line_bytes == 0)
      outputs.insert(b);
  }
  if (outputs.empty())
    return outputs;
  std::set<size_t> shared;
  for (const Kernel& kernel : program.kernels)
    if (kernel.same_as != loop::none)
      shared.insert(kernel.same_as);
  for (size_t k = 0; k < program.kernels.size(); ++k) {
    const loop::KernelView view(program, program.kernels[k]);
    const bool has_equals = shared.contains(holder(program, k));
    for_each(view.body(), [&](const Statement& s) {
      if (s.kind == StatementKind::Load || (s.kind == StatementKind::Store && has_equals))
        outputs.erase(storage(program, view.buffer(s.buffer)));
    });
  }
  return outputs;
}

void stream_stores(const Program& program, Kernel& kernel, PassContext& context,
                   const std::set<loop::BufferId>& outputs) {
  if (outputs.empty())
    return;
  std::set<loop::BufferId> left = outputs; // but what the schedule reads again
  for_each(kernel.body, [&](const Statement& s) {
    if (s.kind == StatementKind::Load)
      left.erase(storage(program, s.buffer));
  });
  Streamer streamer(left);
  streamer.rewrite(kernel.body);
  for (loop::BufferId b : streamer.streamed())
    context.remarks.push_back(fmt::format(
        "{}: streaming stores to {}, which takes {:.4g} MB and which no kernel of the step reads",
        kernel.name, program.buffers[b].name,
        1e-6 * static_cast<double>(program.buffers[b].type.bytes())));
}

} // namespace gdjit::scheduling
