// The choice of loops and their rewriting into full passes and a masked rest.
#include "Vectorize.h"

#include "ChainLanes.h"
#include "Families.h"
#include "Independence.h"
#include "VectorCost.h"
#include "Widen.h"

#include <algorithm>
#include <fmt/format.h>

namespace gdjit::scheduling {

namespace {

class Vectorizer {
public:
  Vectorizer(const Program& program, Kernel& kernel, PassContext& context,
             const std::set<loop::BufferId>& padded, Varying& varying)
      : program_(program), kernel_(kernel), context_(context), padded_(padded), varying_(varying) {}

  void run() {
    if (varying_.empty())
      choose(kernel_.body);
    else
      choose(with_common_extents(kernel_, varying_).body);
    for (const Statement& nest : kernel_.body)
      if (nest.kind == StatementKind::For && !holds_vectors(nest))
        say_why_not(nest);
    kernel_.body = rewrite(std::move(kernel_.body));
    widen_tiles(kernel_.body);
  }

  double estimate() { return choose(kernel_.body); }

private:
  /// Chooses the loops of a kernel; gives its estimated operations with them.
  double choose(const std::vector<Statement>& body) {
    chains_ = ChainLanes(program_, body, context_.machine, varying_);
    return best_cost(body);
  }

  double best_cost(const std::vector<Statement>& body) {
    double cost = 0;
    for (const Statement& s : body)
      cost +=
          s.kind == StatementKind::For ? best_cost(s) : vector_cost(program_, {s}, loop::none, 1);
    return cost;
  }

  /// Lanes with which a loop can be a vector by itself; 0 where it cannot.
  int own_lanes(const Statement& loop) {
    if (chains_.of_loop(loop) > 0 || holds_vectors(loop))
      return 0;
    std::string& refusal = refusals_[loop.loop];
    const int lanes = lanes_for(loop, turns(loop), context_.machine);
    if (turns(loop) < least_iterations)
      refusal = fmt::format("{} iterations, fewer than {}", turns(loop), least_iterations);
    else if (loop.step != 1)
      refusal = "it steps over chains";
    else if (lanes <= 1)
      refusal = "a vector holds one element";
    else if (refusal = lane_dependence(program_, loop);
             refusal.empty() && (chains_.of_loop(loop) != 0 || !keeps_to_its_tiles(loop)))
      refusal = "it runs over results in registers that stay scalars";
    else if (refusal.empty() && chains_.holds_chains_of_outside(loop))
      refusal = "it holds a loop over results in registers, which are the lanes";
    return refusal.empty() ? lanes : 0;
  }

  /// For a nest without any vector, the reason of each of its loops.
  void say_why_not(const Statement& nest) {
    std::string reasons;
    bool found = false;
    auto look = [&](const Statement& s) {
      if (s.kind != StatementKind::For)
        return;
      found |= chosen_.contains(s.loop) || chains_.of_loop(s) > 0;
      if (auto at = refusals_.find(s.loop); at != refusals_.end() && !at->second.empty())
        reasons += fmt::format("{}loop {} ({})", reasons.empty() ? "" : ", ",
                               kernel_.loop_names[s.loop], at->second);
    };
    look(nest);
    for_each(nest.body, look);
    if (!found && !reasons.empty())
      context_.remarks.push_back(fmt::format("{}: no vectors over {}", kernel_.name, reasons));
  }

  /// Estimated operations of a loop with the best choice inside it.
  double best_cost(const Statement& loop) {
    auto known = costs_.find(loop.loop);
    if (known != costs_.end())
      return known->second;
    const double inside = best_cost(loop.body);
    auto n = static_cast<double>(turns(loop));
    int chains = chains_.of_loop(loop);
    double cost = chains > 0 ? inside * n / chains : inside * n;
    if (int lanes = own_lanes(loop)) {
      int64_t passes = (turns(loop) + lanes - 1) / lanes;
      double own = static_cast<double>(passes) * vector_cost(program_, loop.body, loop.loop, lanes);
      const double pays = cost_that_pays(program_, loop.body, loop.loop);
      if (own < pays * cost) {
        estimates_[loop.loop] = {own, cost};
        cost = own;
        chosen_[loop.loop] = lanes;
      } else {
        refusals_[loop.loop] =
            fmt::format("an estimated {:.0f} operations{}, not {:.0f}{}", own,
                        pays < 1 ? ", with results that lie apart" : "", cost, of_which_extents());
      }
    }
    costs_[loop.loop] = cost;
    return cost;
  }

  /// What estimates hold for.
  std::string of_which_extents() const {
    return varying_.empty() ? "" : fmt::format(" where extents are {}", common_extent);
  }

  std::vector<Statement> rewrite(std::vector<Statement> body) {
    std::vector<Statement> out;
    for (Statement& s : body) {
      if (s.kind != StatementKind::For) {
        out.push_back(std::move(s));
        continue;
      }
      int chains = chains_.of_loop(s);
      auto chosen = chosen_.find(s.loop);
      if (chosen != chosen_.end()) {
        split(out, std::move(s), chosen->second, {});
      } else if (chains > 0) {
        const auto& tiles = chains_.tiles_of(s.loop);
        split(out, std::move(s), chains, tiles);
      } else {
        s.body = rewrite(std::move(s.body));
        out.push_back(std::move(s));
      }
    }
    return out;
  }

  /// The loop as full vectors, then its rest under a mask. Over chains the loop counts vectors.
  void split(std::vector<Statement>& out, Statement loop, int lanes,
             const std::set<TileId>& chains) {
    say_why(loop, lanes, !chains.empty());
    for_each(loop.body, [&](const Statement& s) {
      if (s.kind == StatementKind::Tile)
        inside_chosen_.insert(s.tile);
    });
    if (varying_.loops.count(loop.loop))
      return masked_throughout(out, std::move(loop), lanes, chains);
    int64_t n = turns(loop), full = n / lanes, rest = n % lanes;
    Statement masked = loop;
    if (full > 0) {
      if (rest > 0)
        masked.body = copy_fresh(kernel_, loop.body, varying_);
      widen(kernel_, loop.body, loop.loop, lanes, {lanes}, chains);
      set_range(loop, 0, full, lanes, !chains.empty());
      out.push_back(std::move(loop));
    }
    if (rest > 0) {
      widen(kernel_, masked.body, masked.loop, lanes, {rest}, chains);
      for_each(masked.body, [&](Statement& s) {
        if (s.kind == StatementKind::Store && padded_.count(s.buffer) && s.index.back().lane == 1)
          s.mask = loop::none;
      });
      LoopId old = masked.loop;
      if (full > 0) {
        masked.loop = fresh_loop(kernel_, old);
        substitute(masked.body, old, variable(masked.loop));
      }
      set_range(masked, full, full + 1, lanes, !chains.empty());
      out.push_back(std::move(masked));
    }
  }

  void say_why(const Statement& loop, int lanes, bool chains) {
    const int64_t rest = turns(loop) % lanes;
    std::string why;
    if (chains) {
      why = chains_.joined(loop.loop)
                ? "its iterations are partial sums of one result, which are added up behind it"
                : "it runs over different results, side by side in registers";
    } else {
      const auto [own, otherwise] = estimates_.at(loop.loop);
      why = fmt::format("{}; an estimated {:.0f} operations instead of {:.0f}{}",
                        lie_along(program_, loop), own, otherwise, of_which_extents());
    }
    context_.remarks.push_back(fmt::format("{}: loop {} in vectors of {}: {}{}", kernel_.name,
                                           kernel_.loop_names[loop.loop], lanes, why,
                                           rest == 0 ? ""
                                           : rest == turns(loop)
                                               ? fmt::format("; {} lanes under a mask", rest)
                                               : fmt::format("; the last {} under a mask", rest)));
  }

  /// One loop for any extent: a mask in each turn.
  void masked_throughout(std::vector<Statement>& out, Statement loop, int lanes,
                         const std::set<TileId>& chains) {
    widen(kernel_, loop.body, loop.loop, lanes, {loop.end, variable(loop.loop)}, chains);
    const int64_t vectors = (turns(loop) + lanes - 1) / lanes;
    set_range(loop, 0, vectors, lanes, !chains.empty());
    loop.loop_kind = loop::LoopKind::sequential;
    out.push_back(std::move(loop));
  }

  /// Bounds in vectors first .. last. Over chains the loop variable itself counts vectors.
  void set_range(Statement& loop, int64_t first, int64_t last, int lanes, bool count_vectors) {
    if (count_vectors) {
      count_in_vectors(loop.body, loop.loop, lanes);
      loop.begin = first;
      loop.end = last;
    } else {
      loop.begin += first * lanes;
      loop.end = loop.begin + (last - first) * lanes;
      loop.step = lanes;
    }
    if (last - first == 1)
      loop.loop_kind = loop::LoopKind::unrolled;
  }

  /// loop := lanes * loop everywhere but in the index of the tiles over which the loop walks.
  static void count_in_vectors(std::vector<Statement>& body, LoopId loop, int lanes) {
    for_each(body, [&](Statement& s) {
      if (s.kind == StatementKind::Get || s.kind == StatementKind::Set)
        return;
      for (Index& i : s.index)
        substitute(i.affine, loop, variable(loop, lanes));
    });
  }

  /// The declarations of tiles whose chains became lanes.
  void widen_tiles(std::vector<Statement>& body) {
    for_each(body, [&](Statement& s) {
      const int lanes = s.kind == StatementKind::Tile ? chains_.of_tile(s.tile) : 0;
      if (lanes == 0 || !rewritten(s.tile))
        return;
      s.extents.back() = (s.extents.back() + lanes - 1) / lanes;
      s.type.lanes = static_cast<uint16_t>(lanes);
    });
  }

  /// False where the tile lies within a loop that became a vector as a whole: its chains stayed as
  /// they were.
  bool rewritten(TileId tile) const { return !inside_chosen_.count(tile); }

  const Program& program_;
  Kernel& kernel_;
  PassContext& context_;
  const std::set<loop::BufferId>& padded_;
  Varying& varying_;
  ChainLanes chains_;
  std::map<LoopId, double> costs_;
  std::map<LoopId, int> chosen_;
  std::map<LoopId, std::pair<double, double>> estimates_; ///< of those: as vectors, and otherwise
  std::map<LoopId, std::string> refusals_;                ///< of loops that are none
  std::set<TileId> inside_chosen_;
};

} // namespace

void vectorize(const Program& program, Kernel& kernel, PassContext& context,
               const std::set<loop::BufferId>& padded, Varying& varying) {
  Vectorizer(program, kernel, context, padded, varying).run();
}

double estimated_cost(const Program& program, const Kernel& kernel, PassContext& context) {
  Kernel copy = kernel;
  const std::set<loop::BufferId> none;
  Varying nothing;
  return Vectorizer(program, copy, context, none, nothing).estimate();
}

} // namespace gdjit::scheduling
