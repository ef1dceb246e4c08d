// Values written where they are used.
#include "Expressions.h"

#include "gdjit/Loop/Rewrite.h"

#include <unordered_set>

namespace gdjit::loop {

namespace {

constexpr int most_operations = 3; ///< of a line, beside the one that it is about

bool is_constant(const Statement& s) {
  return s.kind == StatementKind::Compute && s.op == ScalarOp::constant;
}

class Finder {
public:
  Finder(const Program& program, const Kernel& kernel) : program_(program) {
    count(kernel.body);
    keep_overwritten(kernel.body);
    body(kernel.body);
  }
  ValuesInPlace take() { return std::move(in_place_); }

private:
  /// A value whose line is not yet fixed, and the operations that its line would hold.
  struct Open {
    const Statement* statement;
    int operations;
  };

  void count(const std::vector<Statement>& statements) {
    for_each(statements, [&](const Statement& s) {
      for_each_use(s, [&](ValueId v) { ++uses_[v]; });
      if (s.mask != none)
        numbered_.insert(s.mask);
      for (const Index& i : s.index)
        if (i.dynamic != none)
          numbered_.insert(i.dynamic);
    });
  }

  /// What is read of a tile keeps its number where the tile changes before the value is used.
  void keep_overwritten(const std::vector<Statement>& statements) {
    for (const Statement& s : statements) {
      for_each_use(s, [&](ValueId v) {
        auto read = reads_.find(v);
        if (read != reads_.end() && tiles_[read->second.tile] != read->second.change)
          numbered_.insert(v);
      });
      change_tile(s);
      if (s.kind == StatementKind::Get)
        reads_[s.result] = {s.tile, tiles_[s.tile]};
      if (s.kind != StatementKind::For)
        continue;
      auto change_all = [&] { for_each(s.body, [&](const Statement& in) { change_tile(in); }); };
      change_all(); // what the turn before has written
      keep_overwritten(s.body);
      change_all();
    }
  }

  void change_tile(const Statement& s) {
    if (s.kind == StatementKind::Tile || s.kind == StatementKind::Set ||
        s.kind == StatementKind::Transpose)
      ++tiles_[s.tile];
  }

  /// What may be said anywhere, as often as it is used.
  bool is_repeatable(const Statement& s) const {
    bool scalar = s.kind == StatementKind::Load && s.mask == none &&
                  s.buffer < program_.buffers.size() &&
                  program_.buffers[s.buffer].role == BufferRole::scalar;
    return (is_constant(s) || s.kind == StatementKind::Index || s.kind == StatementKind::Get ||
            scalar) &&
           !numbered_.contains(s.result) && uses_.contains(s.result);
  }

  void body(const std::vector<Statement>& statements) {
    std::vector<Open> open; // the statements that end at the one before, from first to last
    for (const Statement& s : statements) {
      if (s.result != none && is_repeatable(s)) {
        in_place_.emplace(s.result, &s);
        continue;
      }
      int operations = 0;
      for (size_t i = s.operands.size(); i-- > 0 && !open.empty();) {
        const Open& last = open.back();
        if (last.statement->result != s.operands[i] || last.statement->node != s.node ||
            operations + last.operations > most_operations)
          continue;
        operations += last.operations;
        in_place_.emplace(s.operands[i], last.statement);
        open.pop_back();
      }
      if (s.result != none && !numbered_.contains(s.result) && uses_[s.result] == 1)
        open.push_back({&s, operations + (s.kind == StatementKind::Compute ? 1 : 0)});
      else
        open.clear();
      body(s.body);
    }
  }

  struct Read {
    TileId tile;
    int change; ///< how often the tile had changed
  };

  const Program& program_;
  std::unordered_map<TileId, int> tiles_; ///< how often each has changed so far
  std::unordered_map<ValueId, Read> reads_;
  std::unordered_map<ValueId, int> uses_;
  std::unordered_set<ValueId> numbered_;
  ValuesInPlace in_place_;
};

} // namespace

ValuesInPlace values_in_place(const Program& program, const Kernel& kernel) {
  return Finder(program, kernel).take();
}

bool is_literal(const ValuesInPlace& in_place, ValueId value) {
  auto at = in_place.find(value);
  return at != in_place.end() && is_constant(*at->second);
}

} // namespace gdjit::loop
