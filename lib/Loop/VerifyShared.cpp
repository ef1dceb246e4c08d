// Ranges of what one turn touches, lanes that a mask leaves out not counted.
#include "VerifyShared.h"

#include "gdjit/Loop/Rewrite.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace gdjit::loop {

namespace {

class SharingRule {
public:
  SharingRule(const Program& program, const Kernel& kernel, const Statement& shared)
      : program_(program), shared_(shared), loops_(kernel.loops), defined_(kernel.values) {
    for_each(shared.body, [&](const Statement& s) {
      if (s.kind == StatementKind::For)
        loops_[s.loop] = &s;
      if (s.result != none)
        defined_[s.result] = &s;
      if (s.buffer == none)
        return;
      const BufferId memory = storage(program, s.buffer);
      accesses_[memory].push_back(&s);
      stored_[memory] |= s.kind == StatementKind::Store;
    });
  }

  std::string problem() const {
    for (const auto& [memory, stored] : stored_) {
      const std::vector<const Statement*>& accesses = accesses_.at(memory);
      bool apart = false;
      for (size_t axis = 0; stored && axis < accesses[0]->index.size(); ++axis)
        apart = apart || keeps_apart(accesses, axis);
      if (stored && !apart)
        return fmt::format("turns of a parallel loop share elements of '{}'",
                           program_.buffers[memory].name);
    }
    return "";
  }

private:
  /// What a coordinate adds to the part that moves with the shared loop.
  struct Range {
    int64_t low, high;
  };

  bool keeps_apart(const std::vector<const Statement*>& accesses, size_t axis) const {
    const int64_t stride = factor(accesses[0]->index[axis].affine, shared_.loop);
    Range all{INT64_MAX, INT64_MIN};
    for (const Statement* s : accesses) {
      if (program_.buffers[s->buffer].type.shape !=
          program_.buffers[accesses[0]->buffer].type.shape)
        return false; // a view names elements by other coordinates
      const Index& index = s->index[axis];
      if (index.dynamic != none || factor(index.affine, shared_.loop) != stride)
        return false;
      const Range range = range_of(*s, index);
      all = {std::min(all.low, range.low), std::max(all.high, range.high)};
    }
    return all.high - all.low < std::abs(stride) * shared_.step;
  }

  Range range_of(const Statement& s, const Index& index) const {
    Range range{index.affine.constant, index.affine.constant};
    auto add = [&](int64_t a, int64_t b) {
      range.low += std::min(a, b);
      range.high += std::max(a, b);
    };
    for (const Term& term : index.affine.terms)
      if (const Statement* l = loops_[term.loop]; l != nullptr && turns(*l) > 0)
        add(term.factor * l->begin, term.factor * last_value(*l));
    add(0, index.lane * (std::max<int64_t>(active_lanes(s), 1) - 1));
    return range;
  }

  /// Lanes of an access below which all active ones lie.
  int64_t active_lanes(const Statement& s) const {
    return s.mask == none ? s.type.lanes : std::min<int64_t>(s.type.lanes, lanes_below(s.mask));
  }
  int64_t lanes_below(ValueId mask) const {
    const Statement* m = defined_[mask];
    if (m == nullptr || m->kind != StatementKind::Compute)
      return INT64_MAX;
    if (m->op == ScalarOp::bit_and)
      return std::min(lanes_below(m->operands[0]), lanes_below(m->operands[1]));
    if (m->op != ScalarOp::lt)
      return INT64_MAX;
    const Statement *lane = defined_[m->operands[0]], *count = defined_[m->operands[1]];
    const bool known = lane != nullptr && lane->kind == StatementKind::Index &&
                       lane->index[0].lane == 1 && lane->index[0].dynamic == none &&
                       lane->index[0].affine.terms.empty() && count != nullptr &&
                       count->kind == StatementKind::Compute && count->op == ScalarOp::constant;
    return known ? static_cast<int64_t>(count->bits) - lane->index[0].affine.constant : INT64_MAX;
  }

  const Program& program_;
  const Statement& shared_;
  std::vector<const Statement*> loops_, defined_;
  std::map<BufferId, std::vector<const Statement*>> accesses_; ///< by memory
  std::map<BufferId, bool> stored_;                            ///< likewise
};

} // namespace

std::string sharing_problem(const Program& program, const Kernel& kernel) {
  const Statement* shared = shared_loop(kernel);
  return shared ? SharingRule(program, kernel, *shared).problem() : "";
}

} // namespace gdjit::loop
