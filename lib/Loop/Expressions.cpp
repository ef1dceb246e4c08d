// Values written where they are used.
#include "Expressions.h"

#include "gdjit/Loop/Rewrite.h"

namespace gdjit::loop {

namespace {

constexpr int most_operations = 3; ///< of a line, beside the one that it is about

class Finder {
public:
  explicit Finder(const Kernel& kernel) {
    for_each(kernel.body,
             [&](const Statement& s) { for_each_use(s, [&](ValueId v) { ++uses_[v]; }); });
    body(kernel.body);
  }
  std::unordered_map<ValueId, const Statement*> take() { return std::move(in_place_); }

private:
  /// A value whose line is not yet fixed, and the operations that its line would hold.
  struct Open {
    const Statement* statement;
    int operations;
  };

  void body(const std::vector<Statement>& statements) {
    std::vector<Open> open; // the statements that end at the one before, from first to last
    for (const Statement& s : statements) {
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
      bool value = s.result != none;
      if (value && uses_[s.result] == 1) {
        bool operation = s.kind == StatementKind::Compute && s.op != ScalarOp::constant;
        open.push_back({&s, operations + (operation ? 1 : 0)});
      } else {
        open.clear();
      }
      body(s.body);
    }
  }

  std::unordered_map<ValueId, int> uses_;
  std::unordered_map<ValueId, const Statement*> in_place_;
};

} // namespace

std::unordered_map<ValueId, const Statement*> values_in_place(const Kernel& kernel) {
  return Finder(kernel).take();
}

} // namespace gdjit::loop
