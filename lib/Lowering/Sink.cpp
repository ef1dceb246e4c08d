// sink: what is read or computed in front of a loop and used only behind it moves behind it, so
// that nothing lives in a register, or in memory in its place, while the loop runs.
//
//   %0 = mul m[i, j], 0.9                         for k { t = fma a[i, k], b[k, j], t }
//   for k { t = fma a[i, k], b[k, j], t }   =>    %0 = mul m[i, j], 0.9
//   store y[i, j] = add %0, t                     store y[i, j] = add %0, t
#include "FusionTree.h"
#include "Passes.h"

#include <algorithm>
#include <numeric>

namespace gdjit::lowering {

namespace {

class Sinker {
public:
  explicit Sinker(const loop::Program& program) : program_(program) {}

  void run(std::vector<Statement>& body) {
    for (Statement& s : body)
      run(s.body);
    if (!may_move(body))
      return;
    const std::vector<size_t> target = targets(body);
    std::vector<size_t> order(body.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      // What moves stands in front of the statement that it moves to.
      return std::pair(target[a], target[a] == a) < std::pair(target[b], target[b] == b);
    });
    std::vector<Statement> moved;
    moved.reserve(body.size());
    for (size_t i : order)
      moved.push_back(std::move(body[i]));
    body = std::move(moved);
  }

private:
  /// False where no loop stands behind a statement that could move.
  static bool may_move(const std::vector<Statement>& body) {
    auto first = std::find_if(body.begin(), body.end(), can_move);
    return std::any_of(first, body.end(),
                       [](const Statement& s) { return s.kind == StatementKind::For; });
  }

  /// Per statement, the one in front of which it is to stand; itself where it stays.
  std::vector<size_t> targets(const std::vector<Statement>& body) const {
    std::vector<size_t> target(body.size());
    std::vector<size_t> behind(body.size() + 1,
                               0); // per statement, the end of the last loop before
    for (size_t i = 0; i < body.size(); ++i)
      behind[i + 1] = body[i].kind == StatementKind::For ? i + 1 : behind[i];
    std::unordered_map<Resource, size_t> used, written; // where next, behind the statement at hand
    for (size_t i = body.size(); i-- > 0;) {
      const Statement& s = body[i];
      target[i] = i;
      auto user = used.find(of_value(s.result));
      if (can_move(s) && user != used.end() && behind[user->second] > i &&
          !written_before(s, behind[user->second], written))
        target[i] = behind[user->second];
      Uses uses;
      collect(program_, s, uses);
      for (const Use& use : uses.reads)
        if (auto [at, added] = used.try_emplace(use.resource, target[i]); !added)
          at->second = std::min(at->second, target[i]);
      for (const Use& use : uses.writes)
        written[use.resource] = i;
    }
    return target;
  }

  static bool can_move(const Statement& s) {
    return s.kind == StatementKind::Load || s.kind == StatementKind::Compute ||
           s.kind == StatementKind::Index;
  }

  bool written_before(const Statement& s, size_t user,
                      const std::unordered_map<Resource, size_t>& written) const {
    if (s.kind != StatementKind::Load)
      return false;
    auto at = written.find(of_buffer(program_, s.buffer));
    return at != written.end() && at->second < user;
  }

  const loop::Program& program_;
};

} // namespace

void sink(loop::Kernel& kernel, const loop::Program& program) { Sinker(program).run(kernel.body); }

} // namespace gdjit::lowering
