// The choice of loops and their rewriting into full passes and a masked rest.
#include "Vectorize.h"

#include "Families.h"
#include "Independence.h"
#include "VectorCost.h"
#include "Widen.h"

#include <algorithm>
#include <fmt/format.h>

namespace gdjit::scheduling {

namespace {

constexpr int64_t least_iterations = 4; ///< below, a vector gains nothing
/// By estimate: what is stored lane by lane, and what is turned to be loaded, costs code.
constexpr double gain_with_stores_apart = 5;

/// A tile declared outside the loops that walk over it: these loops become vectors together or not
/// at all.
struct Chains {
  std::vector<const Statement*> loops;
  int64_t extent = 0;
  bool joined = false;
  bool possible = true;
};

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
    find_chains(body);
    return best_cost(body);
  }

  double best_cost(const std::vector<Statement>& body) {
    double cost = 0;
    for (const Statement& s : body)
      cost +=
          s.kind == StatementKind::For ? best_cost(s) : vector_cost(program_, {s}, loop::none, 1);
    return cost;
  }

  /// Tiles whose every access is tile[.., l] within a loop over l from 0.
  void find_chains(const std::vector<Statement>& body) {
    std::vector<const Statement*> around;
    visit(body, around);
    for (auto& [tile, chains] : chains_) {
      int lanes = 1 << 30;
      for (const Statement* loop : chains.loops) {
        chains.possible = chains.possible && lane_dependence(program_, *loop).empty() &&
                          (stores_contiguous(program_, loop->body, loop->loop) ||
                           pays_with_stores_apart(*loop)) &&
                          !joins(*loop) && !moves_other_tiles(*loop);
        lanes = std::min(lanes, lanes_for(*loop, chains.extent, context_.machine));
      }
      chains.possible =
          chains.possible && !chains.loops.empty() && chains.extent >= least_iterations &&
          ((chains.extent % lanes == 0 && !varying_.tiles.count(tile)) || !chains.joined);
      if (chains.possible)
        chain_lanes_[tile] = lanes;
    }
    // A loop over several such tiles needs one width for all of them, and all of them possible.
    bool changed = true;
    while (changed) {
      changed = false;
      for (auto& [loop, tiles] : tiles_of_loop_) {
        int least = 1 << 30;
        for (TileId t : tiles)
          least = std::min(least, chain_lanes_.count(t) ? chain_lanes_[t] : 0);
        for (TileId t : tiles) {
          auto at = chain_lanes_.find(t);
          if (at == chain_lanes_.end() || at->second == least)
            continue;
          if (least == 0)
            chain_lanes_.erase(at);
          else
            at->second = least;
          changed = true;
        }
      }
    }
  }

  /// True where a loop computes so much that stores lane by lane do not matter.
  bool pays_with_stores_apart(const Statement& loop) const {
    const int lanes = lanes_for(loop, turns(loop), context_.machine);
    return vector_cost(program_, loop.body, loop.loop, lanes) <
           lanes * vector_cost(program_, loop.body, loop.loop, 1) / gain_with_stores_apart;
  }

  /// True where the loop moves through a tile of outside in any way but along its chains.
  bool moves_other_tiles(const Statement& loop) const {
    std::set<TileId> own;
    const std::set<TileId>& chains = tiles_of_loop_.at(loop.loop);
    bool found = false;
    for_each(loop.body, [&](const Statement& s) {
      if (s.kind == StatementKind::Tile)
        own.insert(s.tile);
      if ((s.kind != StatementKind::Get && s.kind != StatementKind::Set) || own.count(s.tile))
        return;
      for (size_t axis = 0; axis < s.index.size(); ++axis) {
        bool along = axis + 1 == s.index.size() && chains.count(s.tile) &&
                     s.index[axis] == Index{variable(loop.loop), loop::none, 0};
        found |= !along && factor(s.index[axis].affine, loop.loop) != 0;
      }
    });
    return found;
  }

  void visit(const std::vector<Statement>& body, std::vector<const Statement*>& around) {
    for (const Statement& s : body) {
      if (s.kind == StatementKind::For) {
        around.push_back(&s);
        visit(s.body, around);
        around.pop_back();
      } else if (s.kind == StatementKind::Tile) {
        chains_[s.tile].extent = s.extents.empty() ? 0 : s.extents.back();
        chains_[s.tile].possible &= s.type.lanes == 1;
        depth_of_[s.tile] = around.size();
      } else if (s.kind == StatementKind::Join) {
        chains_[s.tile].joined = true;
      } else if (s.kind == StatementKind::Get || s.kind == StatementKind::Set) {
        access(s, around);
      }
    }
  }

  void access(const Statement& s, const std::vector<const Statement*>& around) {
    Chains& chains = chains_[s.tile];
    const Statement* walked = nullptr;
    if (!s.index.empty())
      for (size_t depth = depth_of_[s.tile]; depth < around.size(); ++depth)
        if (s.index.back() == Index{variable(around[depth]->loop), loop::none, 0})
          walked = around[depth];
    if (!walked || walked->begin != 0 || walked->step != 1) {
      chains.possible = false;
      return;
    }
    if (std::find(chains.loops.begin(), chains.loops.end(), walked) == chains.loops.end())
      chains.loops.push_back(walked);
    tiles_of_loop_[walked->loop].insert(s.tile);
  }

  /// Lanes of a loop over chains; 0 where it is none, -1 where its tiles cannot become vectors.
  int chain_lanes(const Statement& loop) const {
    auto at = tiles_of_loop_.find(loop.loop);
    if (at == tiles_of_loop_.end())
      return 0;
    auto lanes = chain_lanes_.find(*at->second.begin());
    return lanes == chain_lanes_.end() ? -1 : lanes->second;
  }

  /// Lanes with which a loop can be a vector by itself; 0 where it cannot.
  int own_lanes(const Statement& loop) {
    if (chain_lanes(loop) > 0 || holds_vectors(loop))
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
             refusal.empty() && (chain_lanes(loop) != 0 || !keeps_to_its_tiles(loop)))
      refusal = "it runs over results in registers that stay scalars";
    return refusal.empty() ? lanes : 0;
  }

  /// For a nest without any vector, the reason of each of its loops.
  void say_why_not(const Statement& nest) {
    std::string reasons;
    bool found = false;
    auto look = [&](const Statement& s) {
      if (s.kind != StatementKind::For)
        return;
      found |= chosen_.contains(s.loop) || chain_lanes(s) > 0;
      if (auto at = refusals_.find(s.loop); at != refusals_.end() && !at->second.empty())
        reasons += fmt::format("{}loop {} ({})", reasons.empty() ? "" : ", ",
                               kernel_.loop_names[s.loop], at->second);
    };
    look(nest);
    for_each(nest.body, look);
    if (!found && !reasons.empty())
      context_.remarks.push_back(fmt::format("{}: no vectors over {}", kernel_.name, reasons));
  }

  /// True where an earlier step made vectors inside.
  static bool holds_vectors(const Statement& loop) {
    bool found = false;
    for_each(loop.body, [&](const Statement& s) { found |= s.type.lanes > 1; });
    return found;
  }

  /// Estimated operations of a loop with the best choice inside it.
  double best_cost(const Statement& loop) {
    auto known = costs_.find(loop.loop);
    if (known != costs_.end())
      return known->second;
    const double inside = best_cost(loop.body);
    auto n = static_cast<double>(turns(loop));
    int chains = chain_lanes(loop);
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
        refusals_[loop.loop] = fmt::format("an estimated {:.0f} operations{}, not {:.0f}", own,
                                           pays < 1 ? ", with results that lie apart" : "", cost);
      }
    }
    costs_[loop.loop] = cost;
    return cost;
  }

  std::vector<Statement> rewrite(std::vector<Statement> body) {
    std::vector<Statement> out;
    for (Statement& s : body) {
      if (s.kind != StatementKind::For) {
        out.push_back(std::move(s));
        continue;
      }
      int chains = chain_lanes(s);
      auto chosen = chosen_.find(s.loop);
      if (chosen != chosen_.end()) {
        split(out, std::move(s), chosen->second, {});
      } else if (chains > 0) {
        const auto& tiles = tiles_of_loop_[s.loop];
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
    if (chains.empty())
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
    std::string why = "its iterations are partial sums of one result, which are added up behind it";
    if (!chains) {
      const auto [own, otherwise] = estimates_.at(loop.loop);
      why = fmt::format("{}; an estimated {:.0f} operations instead of {:.0f}",
                        lie_along(program_, loop), own, otherwise);
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
      auto lanes = s.kind == StatementKind::Tile ? chain_lanes_.find(s.tile) : chain_lanes_.end();
      if (lanes == chain_lanes_.end() || !rewritten(s.tile))
        return;
      s.extents.back() = (s.extents.back() + lanes->second - 1) / lanes->second;
      s.type.lanes = static_cast<uint16_t>(lanes->second);
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
  std::map<TileId, Chains> chains_;
  std::map<TileId, size_t> depth_of_;
  std::map<TileId, int> chain_lanes_;
  std::map<LoopId, std::set<TileId>> tiles_of_loop_;
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
