// with_bounds_checks: one walk over the statements, the loops around them at hand.
#include "gdjit/Loop/Bounds.h"

#include <algorithm>
#include <utility>

namespace gdjit::loop {

namespace {

class BoundsChecks {
public:
  BoundsChecks(Program& program, Kernel& kernel) : program_(program), kernel_(kernel) {}

  void run() { kernel_.body = body(std::move(kernel_.body)); }

private:
  std::vector<Statement>
  body(std::vector<Statement> statements) { // nested TextLimits::nesting deep
    std::vector<Statement> result;
    for (Statement& s : statements) {
      if (s.kind == StatementKind::For) {
        loops_.push_back({s.loop, s.begin, last_value(s)});
        s.body = body(std::move(s.body));
        loops_.pop_back();
      } else if (s.kind == StatementKind::Load || s.kind == StatementKind::Store) {
        guard(s, result);
      }
      result.push_back(std::move(s));
    }
    return result;
  }

  void guard(Statement& s, std::vector<Statement>& out) {
    const Buffer& buffer = program_.buffers[s.buffer];
    ValueId all = none;
    for (size_t axis = 0; axis < s.index.size(); ++axis) {
      int64_t extent = buffer.type.shape[static_cast<int>(axis)];
      if (stays_within(s, s.index[axis], extent))
        continue;
      ValueId at = give(out, StatementKind::Index, {DType::i64, s.type.lanes});
      out.back().index = {s.index[axis]};
      ValueId from = compare(out, ScalarOp::ge, at, 0), to = compare(out, ScalarOp::lt, at, extent);
      ValueId ok = both(out, from, to, s.type.lanes);
      Statement check;
      check.kind = StatementKind::Check;
      check.type = {DType::boolean, s.type.lanes};
      check.operands = {ok};
      check.index = {s.index[axis]};
      check.mask = s.mask;
      check.node = note(s, buffer, axis);
      out.push_back(std::move(check));
      all = both(out, all, ok, s.type.lanes);
    }
    if (all == none)
      return;
    s.mask = both(out, s.mask, all, s.type.lanes);
    if (s.kind == StatementKind::Load && s.fill == none)
      s.fill = constant(out, {s.type.dtype, 1}, 0);
  }

  bool stays_within(const Statement& s, const Index& index, int64_t extent) const {
    if (index.dynamic != none)
      return false;
    int64_t low = index.affine.constant, high = low; // the verifier has seen that nothing overflows
    auto widen = [&](int64_t a, int64_t b) {
      low += std::min(a, b);
      high += std::max(a, b);
    };
    for (const Term& term : index.affine.terms)
      for (const Loop& l : loops_)
        if (l.loop == term.loop)
          widen(term.factor * l.first, term.factor * l.last);
    widen(0, index.lane * (s.type.lanes - 1));
    return low >= 0 && high < extent;
  }

  // Statements that give a value.

  ValueId give(std::vector<Statement>& out, StatementKind kind, ValueType type) {
    Statement s;
    s.kind = kind;
    s.type = type;
    s.result = kernel_.values++;
    out.push_back(std::move(s));
    return out.back().result;
  }
  ValueId constant(std::vector<Statement>& out, ValueType type, Bits bits) {
    ValueId value = give(out, StatementKind::Compute, type);
    out.back().bits = bits;
    return value;
  }
  ValueId compare(std::vector<Statement>& out, ScalarOp op, ValueId at, int64_t bound) {
    uint16_t lanes = out.back().type.lanes;
    ValueId limit = constant(out, {DType::i64, 1}, static_cast<Bits>(bound));
    ValueId value = give(out, StatementKind::Compute, {DType::boolean, lanes});
    out.back().op = op;
    out.back().operands = {at, limit};
    return value;
  }
  ValueId both(std::vector<Statement>& out, ValueId a, ValueId b, uint16_t lanes) {
    if (a == none)
      return b;
    ValueId value = give(out, StatementKind::Compute, {DType::boolean, lanes});
    out.back().op = ScalarOp::bit_and;
    out.back().operands = {a, b};
    return value;
  }

  /// A new note that says which access it is.
  NodeId note(const Statement& s, const Buffer& buffer, size_t axis) {
    Note note;
    note.node = program_.notes.empty() ? 0 : program_.notes.back().node + 1;
    note.name = std::string(s.kind == StatementKind::Load ? "load" : "store") + " of " +
                buffer.name + ", axis " + std::to_string(axis);
    if (const Note* known = find_note(program_.notes, s.node))
      note.location = known->location;
    program_.notes.push_back(note);
    return note.node;
  }

  struct Loop {
    LoopId loop;
    int64_t first, last;
  };
  Program& program_;
  Kernel& kernel_;
  std::vector<Loop> loops_;
};

} // namespace

Program with_bounds_checks(const Program& program) {
  Program result = program;
  result.from_text = false;
  for (Kernel& kernel : result.kernels)
    BoundsChecks(result, kernel).run();
  return result;
}

} // namespace gdjit::loop
