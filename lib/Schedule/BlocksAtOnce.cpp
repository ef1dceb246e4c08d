// Finds loops over blocks that hold few chains, and jams them.
#include "BlocksAtOnce.h"

#include "Accumulators.h"
#include "Independence.h"
#include "Jam.h"

#include <algorithm>
#include <fmt/format.h>

namespace gdjit::scheduling {

namespace {

/// That hide the latency of fma: each loads one operand or two, so that one a cycle is the most.
constexpr int64_t enough_chains = 6;
constexpr int64_t statements_side_by_side = 256; ///< of a long body few blocks hide as much

class BlockJammer {
public:
  BlockJammer(const Program& program, Kernel& kernel, PassContext& context, const Settled& settled,
              Varying& varying)
      : program_(program), kernel_(kernel), context_(context), settled_(settled),
        varying_(varying) {}

  std::vector<Statement> rewrite(std::vector<Statement> body) {
    std::vector<Statement> out;
    for (Statement& s : body) {
      if (s.kind != StatementKind::For || settled_.contains(s.loop)) {
        out.push_back(std::move(s));
      } else if (const int64_t count = count_of(s); count > 1) {
        context_.remarks.push_back(fmt::format(
            "{}: {} blocks of loop {} side by side, whose sums are added in their old order: "
            "chains that do not wait for one another hide how long a multiply-add takes",
            kernel_.name, count, kernel_.loop_names[s.loop]));
        jam(kernel_, std::move(s), count, out, varying_);
      } else {
        s.body = rewrite(std::move(s.body));
        out.push_back(std::move(s));
      }
    }
    return out;
  }

private:
  /// Blocks that a loop takes at once; 1 where one has enough chains, or the loop is none over
  /// blocks: what its turns share are the sums.
  int64_t count_of(const Statement& s) const {
    if (!is_plain(s) || varying_.loops.contains(s.loop) || !has_chains(s) || !can_jam(s) ||
        dependence(program_, s).empty() || !keeps_order(program_, s))
      return 1;
    const int64_t most =
        std::min({turns(s), enough_chains / accumulators(s.body, varying_),
                  statements_side_by_side / std::max<int64_t>(code_size(s.body), 1)});
    return std::max<int64_t>(most, 1);
  }

  /// True where each turn begins chains of its own.
  bool has_chains(const Statement& s) const {
    return std::ranges::any_of(s.body,
                               [](const Statement& t) { return t.kind == StatementKind::Tile; }) &&
           accumulators(s.body, varying_) > 0;
  }

  const Program& program_;
  Kernel& kernel_;
  PassContext& context_;
  const Settled& settled_;
  Varying& varying_;
};

} // namespace

void blocks_at_once(const Program& program, Kernel& kernel, PassContext& context,
                    const Settled& settled, Varying& varying) {
  BlockJammer jammer(program, kernel, context, settled, varying);
  kernel.body = jammer.rewrite(std::move(kernel.body));
}

} // namespace gdjit::scheduling
