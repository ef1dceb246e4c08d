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
    collect(shared.body);
  }

  std::string problem() const {
    for (const auto& [memory, stored] : stored_) {
      const std::vector<const Statement*>& accesses = accesses_.at(memory);
      if (stored && !keep_apart(accesses) && !keep_apart(that_meet_stores(accesses)))
        return fmt::format("turns of a parallel loop share elements of '{}'",
                           program_.buffers[memory].name);
    }
    return "";
  }

private:
  /// Of a loop without turns nothing is touched.
  void collect(const std::vector<Statement>& body) {
    for (const Statement& s : body) {
      if (s.kind == StatementKind::For) {
        loops_[s.loop] = &s;
        if (turns(s) > 0)
          collect(s.body);
      }
      if (s.result != none)
        defined_[s.result] = &s;
      if (s.buffer == none || s.kind == StatementKind::Prefetch)
        continue;
      const BufferId memory = storage(program_, s.buffer);
      accesses_[memory].push_back(&s);
      stored_[memory] |= s.kind == StatementKind::Store;
    }
  }

  /// What a coordinate adds to the part that moves with the shared loop.
  struct Range {
    int64_t low, high;
  };

  /// The accesses but for loads of what no turn stores.
  std::vector<const Statement*> that_meet_stores(const std::vector<const Statement*>& all) const {
    std::vector<const Statement*> some;
    for (const Statement* s : all)
      if (std::ranges::any_of(all, [&](const Statement* other) {
            return other->kind == StatementKind::Store && may_meet(*s, *other);
          }))
        some.push_back(s);
    return some;
  }

  /// False where a coordinate that does not move with the shared loop keeps two accesses apart.
  bool may_meet(const Statement& a, const Statement& b) const {
    if (program_.buffers[a.buffer].type.shape != program_.buffers[b.buffer].type.shape)
      return true;
    for (size_t axis = 0; axis < a.index.size(); ++axis) {
      const Index &x = a.index[axis], &y = b.index[axis];
      if (x.dynamic != none || y.dynamic != none || factor(x.affine, shared_.loop) != 0 ||
          factor(y.affine, shared_.loop) != 0)
        continue;
      const Range i = range_of(a, x), j = range_of(b, y);
      if (i.high < j.low || j.high < i.low)
        return false;
    }
    return true;
  }

  bool keep_apart(const std::vector<const Statement*>& accesses) const {
    for (size_t axis = 0; !accesses.empty() && axis < accesses[0]->index.size(); ++axis)
      if (keeps_apart(accesses, axis))
        return true;
    return false;
  }

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
    Range range = range_of(index.affine);
    const int64_t lanes = index.lane * (s.type.lanes - 1);
    range.low += std::min<int64_t>(lanes, 0);
    range.high += std::max<int64_t>(lanes, 0);
    if (s.mask != none)
      leave_out(range, index, s.mask);
    return range;
  }

  Range range_of(const Affine& affine) const {
    Range range{affine.constant, affine.constant};
    auto add = [&](int64_t a, int64_t b) {
      range.low += std::min(a, b);
      range.high += std::max(a, b);
    };
    for (const Term& term : affine.terms)
      if (const Statement* l = loops_[term.loop]; l != nullptr)
        add(term.factor * l->begin, term.factor * last_value(*l));
    return range;
  }

  /// What a mask "first + lane < count" says of a coordinate times * (first + lane) + further.
  void leave_out(Range& range, const Index& index, ValueId mask) const {
    const Statement* m = defined_[mask];
    if (m == nullptr || m->kind != StatementKind::Compute)
      return;
    if (m->op == ScalarOp::bit_and)
      for (ValueId both : m->operands)
        leave_out(range, index, both);
    if (m->op != ScalarOp::lt)
      return;
    const Statement *first = defined_[m->operands[0]], *count = defined_[m->operands[1]];
    const bool known = first != nullptr && first->kind == StatementKind::Index &&
                       first->index[0].dynamic == none && count != nullptr &&
                       count->kind == StatementKind::Compute && count->op == ScalarOp::constant;
    if (!known || factor(first->index[0].affine, shared_.loop) < 0 || shared_.begin < 0)
      return; // the range leaves out what moves with the shared loop: here it would add to it
    const int64_t lane = first->index[0].lane, times = lane == 0 ? 1 : index.lane / lane;
    if (times * lane != index.lane)
      return;
    Affine further = index.affine;
    add_scaled(further, first->index[0].affine, -times);
    const int64_t last = times * (static_cast<int64_t>(count->bits) - 1);
    if (times > 0)
      range.high = std::min(range.high, range_of(further).high + last);
    else
      range.low = std::max(range.low, range_of(further).low + last);
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
