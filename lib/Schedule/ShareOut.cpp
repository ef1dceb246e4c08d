// Finds what threads can share by work and extents, and cuts kernels around it.
#include "ShareOut.h"

#include "BlockSums.h"
#include "Independence.h"
#include "LoopNames.h"
#include "NestReads.h"
#include "ShareAxes.h"

#include "gdjit/Support/Error.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>
#include <utility>

namespace gdjit::scheduling {

namespace {

constexpr double least_balance = 0.8; ///< of the time of equal pieces to that of the longest share
constexpr int64_t most_pieces_a_thread = 8;
/// As long as a byte takes that comes from behind the second cache, 25 GB/s.
constexpr double statements_a_byte = 8;

std::string number(double count) {
  return count >= 1e6   ? fmt::format("{:.3g} million", count / 1e6)
         : count >= 1e3 ? fmt::format("{:.3g} thousand", count / 1e3)
                        : fmt::format("{:.0f}", count);
}

/// A loop cut into pieces of equal length.
struct Cut {
  int64_t pieces = 0;
  double balance = 0;
};

/// The fewest pieces that share `extent` evenly; each a multiple of `unit`.
Cut cut_of(int64_t extent, int64_t unit, int64_t threads) {
  Cut best;
  for (int64_t pieces = threads; pieces <= threads * most_pieces_a_thread; ++pieces) {
    if (pieces < 2 || extent == 0 || extent % pieces != 0 || extent / pieces % unit != 0)
      continue;
    const int64_t longest = (pieces + threads - 1) / threads;
    const double balance = static_cast<double>(pieces) / static_cast<double>(longest * threads);
    if (balance > best.balance + 0.05)
      best = {pieces, balance};
  }
  return best.balance >= least_balance ? best : Cut();
}

/// The ids that statements define or name.
struct Ids {
  std::set<ValueId> values;
  std::set<TileId> tiles;

  void add_defined(const Statement& s) {
    if (s.result != loop::none)
      values.insert(s.result);
    if (s.kind == StatementKind::Tile)
      tiles.insert(s.tile);
  }
  bool are_named_in(const Statement& s) const {
    bool named = s.tile != loop::none && tiles.contains(s.tile);
    for_each_use(s, [&](ValueId v) { named |= values.contains(v); });
    for (const Statement& inner : s.body)
      named |= are_named_in(inner);
    return named;
  }
};

/// Bytes that a step touches; an update lies in its state.
double bytes_of(const Program& program) {
  double bytes = 0;
  for (const loop::Buffer& b : program.buffers)
    if (b.same_as == loop::none && b.role != loop::BufferRole::update)
      bytes += static_cast<double>(b.type.bytes());
  return bytes;
}

class Sharer {
public:
  Sharer(Program& program, PassContext& context)
      : program_(program), context_(context),
        lanes_(std::max<int64_t>(1, context.machine.vector_bytes / 4)),
        half_l2_(static_cast<double>(context.machine.l2_bytes) / 2),
        is_beyond_cache_(bytes_of(program) > 2 * half_l2_) {}

  void run() {
    for (size_t k = 0; k < program_.kernels.size(); ++k)
      find_nests(k);
    share_axes(program_, context_.threads, nests_);
    std::vector<Kernel> kernels;
    std::vector<Parts> cut(program_.kernels.size());
    for (size_t k = 0; k < program_.kernels.size(); ++k) {
      Kernel& kernel = program_.kernels[k];
      const size_t first = kernels.size();
      if (kernel.same_as != loop::none) {
        cut[k] = cut[kernel.same_as];
        add_copies(kernel, cut[k].sums);
        for (size_t i = 0; i < cut[k].count; ++i) {
          Kernel& part = kernels.emplace_back(kernel);
          part.same_as = static_cast<uint32_t>(cut[k].first + i);
          name(part, i, cut[k].count);
        }
      } else {
        for (Kernel& part : parts(k))
          kernels.push_back(std::move(part));
        cut[k] = {first, kernels.size() - first, std::exchange(said_, {}),
                  std::exchange(sums_, {})};
      }
      if (kernel.same_as == loop::none)
        for (const std::string& remark : cut[k].remarks)
          context_.remarks.push_back(kernel.name + remark);
    }
    program_.kernels = std::move(kernels);
  }

private:
  /// What has become of a kernel: `count` of the new kernels from `first` on.
  struct Parts {
    size_t first = 0, count = 0;
    std::vector<std::string> remarks; ///< without the kernel's name
    std::vector<loop::BufferId> sums; ///< of blocks, added to the program
  };

  static void name(Kernel& part, size_t i, size_t count) {
    if (i > 0)
      part.name += fmt::format(".{}", i);
    if (i + 1 < count)
      part.reason = "threads meet here";
  }

  /// Sums of blocks for a kernel that is the same as one that has `sums`.
  void add_copies(Kernel& kernel, const std::vector<loop::BufferId>& sums) {
    for (const loop::BufferId b : sums) {
      loop::Buffer copy = program_.buffers[b];
      copy.name = name_of_sums(kernel);
      kernel.buffers.push_back(static_cast<loop::BufferId>(program_.buffers.size()));
      program_.buffers.push_back(std::move(copy));
    }
  }

  std::string name_of_sums(const Kernel& kernel) const {
    return fmt::format("{}.sums{}", kernel.name, program_.buffers.size());
  }

  /// The loops of a kernel that threads can share: what one kernel computes no other can name.
  void find_nests(size_t k) {
    const std::vector<Statement>& body = program_.kernels[k].body;
    Ids before;
    double most_cost = 0;
    for (size_t i = 0; i < body.size(); ++i) {
      bool alone = !is_large(body[i]) || before.are_named_in(body[i]);
      for (size_t j = i + 1; j < body.size() && !alone; ++j)
        alone = before.are_named_in(body[j]);
      std::vector<Way> ways = alone ? std::vector<Way>() : ways_to_share(body[i]);
      if (ways.empty()) {
        before.add_defined(body[i]);
        if (const double cost = cost_of(body[i]); cost > most_cost) {
          most_cost = cost;
          alone_[k] = why_alone(body[i], alone);
        }
        continue;
      }
      before = {};
      nests_.push_back({.kernel = k, .statement = i, .ways = std::move(ways), .reason = {}});
    }
  }

  /// The kernel, cut in front of each loop that threads share and behind it.
  std::vector<Kernel> parts(size_t k) {
    Kernel& kernel = program_.kernels[k];
    tell_loops_apart(program_, kernel);
    std::vector<Statement> body = std::move(kernel.body);
    kernel.body.clear();
    std::vector<Kernel> parts;
    std::vector<Statement> statements;
    auto end_part = [&] {
      if (!statements.empty())
        parts.emplace_back(kernel).body = std::exchange(statements, {});
    };
    for (size_t i = 0; i < body.size(); ++i) {
      const bool shared =
          next_ < nests_.size() && nests_[next_].kernel == k && nests_[next_].statement == i;
      if (!shared) {
        statements.push_back(std::move(body[i]));
        continue;
      }
      std::vector<Statement> rest = share(kernel, body[i], nests_[next_++]);
      end_part();
      statements.push_back(std::move(body[i]));
      end_part();
      statements = std::move(rest);
    }
    end_part();
    if (parts.empty())
      parts.push_back(kernel);
    if (said_.empty() && alone_.contains(k))
      said_.push_back(": on one thread, since " + alone_[k]);
    for (size_t i = 0; i < parts.size(); ++i) {
      name(parts[i], i, parts.size());
      parts[i].buffers = kernel.buffers; // all of them, as those have that are the same
      restore_loop_names(parts[i]);
    }
    return parts;
  }

  /// What a nest takes, in statements: as many as it has, or as its bytes take where the second
  /// cache does not hold a step's.
  double cost_of(const Statement& nest) const {
    const double work = work_of(nest), bytes = bytes_touched(program_, nest, {});
    return is_beyond_cache_ && bytes > half_l2_ ? std::max(work, bytes * statements_a_byte) : work;
  }

  bool is_large(const Statement& nest) const {
    return is_plain(nest) && cost_of(nest) >= static_cast<double>(context_.machine.least_shared);
  }

  /// Why threads do not share a nest; `named`: another's values or tiles are named in what is
  /// large enough.
  std::string why_alone(const Statement& nest, bool named) const {
    if (nest.kind != StatementKind::For)
      return "it has no loop";
    const double least = static_cast<double>(context_.machine.least_shared);
    if (cost_of(nest) < least)
      return fmt::format(
          "the {} statements of its largest loop are less than the {} that pay for a barrier",
          number(work_of(nest)), number(least));
    if (!is_plain(nest))
      return "its largest loop steps over chains";
    if (named)
      return "its largest loop leaves in registers what is used behind it";
    const std::string why = dependence(program_, nest);
    return why.empty() ? fmt::format("the {} iterations of its largest loop make no equal pieces",
                                     turns(nest))
                       : "of its largest loop " + why;
  }

  /// Rows first: they are cut where both ways do as well.
  std::vector<Way> ways_to_share(const Statement& nest) const {
    if (!dependence(program_, nest).empty())
      return {};
    const int64_t threads = context_.threads;
    const bool flat = std::none_of(nest.body.begin(), nest.body.end(),
                                   [](const Statement& s) { return s.kind == StatementKind::For; });
    const Cut rows = cut_of(turns(nest), flat ? lanes_ : 1, threads);
    const Statement* inner =
        nest.body.size() == 1 && is_plain(nest.body[0]) ? &nest.body[0] : nullptr;
    Cut columns;
    if (inner != nullptr && dependence(program_, *inner).empty())
      columns = cut_of(turns(*inner), 2 * lanes_, threads);
    std::vector<Way> ways;
    if (rows.pieces > 0 && rows.balance >= columns.balance)
      ways.push_back({.loop = nest.loop, .pieces = rows.pieces});
    if (columns.pieces > 0 &&
        (ways.empty() || (columns.balance >= rows.balance && rows_stay(nest, *inner))))
      ways.push_back({.loop = inner->loop, .pieces = columns.pieces});
    if (Way blocks = way_by_blocks(nest); blocks.blocks)
      ways.push_back(blocks);
    if (bytes_touched(program_, nest, {}) > half_l2_)
      for (Way& way : ways)
        way.again = static_cast<int64_t>(bytes_touched(program_, nest, {.still = way.loop})) *
                    (threads - 1) / threads;
    return ways;
  }

  /// Where the blocks are nearly all of the work, and the one thread that adds their sums has these
  /// in its second cache.
  Way way_by_blocks(const Statement& nest) const {
    const Statement* blocks = block_loop(program_, nest);
    if (blocks == nullptr)
      return {};
    constexpr double least_part = 0.9;
    const int64_t sums = block_sum_bytes(nest, *blocks);
    const double results = static_cast<double>(sums) /
                           static_cast<double>(byte_size(blocks->body.back().type.dtype)),
                 work = results * work_of(blocks->body), all = work_of(nest);
    const Cut cut = cut_of(turns(*blocks), 1, context_.threads);
    if (cut.pieces == 0 || work < least_part * all || sums > context_.machine.l2_bytes / 2)
      return {};
    return {blocks->loop, cut.pieces, true, sums - sums / context_.threads};
  }

  /// True where a nest may be cut by its columns: these are scheduled outermost, and what they do
  /// not move is read again for each panel of them, from the second cache if it stays there.
  bool rows_stay(const Statement& nest, const Statement& columns) const {
    return bytes_touched(program_, nest, {.stores = true}) <= half_l2_ ||
           bytes_touched(program_, nest, {.still = columns.loop}) < half_l2_ / 2;
  }

  std::string why_shared(const Statement& nest) const {
    const double work = work_of(nest), least = static_cast<double>(context_.machine.least_shared);
    return work >= least
               ? fmt::format("its {} statements are more than the {} that pay for a barrier",
                             number(work), number(least))
               : fmt::format(
                     "its {:.3g} MB are more than half of the second cache, and take longer to "
                     "arrive than threads to meet",
                     bytes_touched(program_, nest, {}) / 1e6);
  }

  /// Makes of a nest a parallel loop over its pieces; what one thread does behind it.
  std::vector<Statement> share(Kernel& kernel, Statement& nest, const SharedNest& how) {
    const Way way = how.ways[how.chosen];
    std::vector<Statement> rest;
    if (way.blocks) {
      sums_.push_back(static_cast<loop::BufferId>(program_.buffers.size()));
      rest.push_back(take_blocks_apart(program_, nest, name_of_sums(kernel)));
      if (!kernel.buffers.empty()) // it is listed where kernels are the same
        kernel.buffers.push_back(sums_.back());
    }
    Statement& loop = nest.loop == way.loop ? nest : nest.body[0];
    GDJIT_CHECK(loop.loop == way.loop);
    said_.push_back(fmt::format(": {} pieces of loop {} for {} threads{}{}", way.pieces,
                                kernel.loop_names[loop.loop], context_.threads,
                                how.reason.empty() ? "" : ", since ", how.reason));
    said_.push_back(fmt::format(": threads share loop {}, since {}", kernel.loop_names[loop.loop],
                                why_shared(nest)));
    Statement shared;
    shared.kind = StatementKind::For;
    shared.loop_kind = loop::LoopKind::parallel;
    shared.loop = kernel.loops++;
    kernel.loop_names.emplace_back("p");
    shared.end = way.pieces;
    shared.node = nest.node;
    const int64_t piece = loop.end / way.pieces;
    take_part(loop, variable(shared.loop, piece), piece);
    shared.body.push_back(std::move(nest));
    nest = std::move(shared);
    return rest;
  }

  Program& program_;
  PassContext& context_;
  const int64_t lanes_;
  const double half_l2_;                ///< bytes; the other half is for what is copied
  const bool is_beyond_cache_;          ///< all that a step touches
  std::vector<SharedNest> nests_;       ///< in the order of kernels and statements
  size_t next_ = 0;                     ///< of nests_, as kernels are cut
  std::map<size_t, std::string> alone_; ///< of kernels, why threads share no nest of them
  std::vector<std::string> said_;       ///< of the kernel at hand
  std::vector<loop::BufferId> sums_;    ///< likewise
};

} // namespace

void share_out(Program& program, PassContext& context) {
  if (context.threads > 1)
    Sharer(program, context).run();
}

Statement open_shared(Kernel& kernel) {
  if (!loop::shared_loop(kernel))
    return {};
  Statement shared = std::move(kernel.body[0]);
  kernel.body = std::move(shared.body);
  shared.body.clear();
  return shared;
}

void close_shared(Program& program, Kernel& kernel, Statement shared, loop::BufferId first_own) {
  if (shared.kind != StatementKind::For)
    return;
  for (loop::BufferId b = first_own; b < program.buffers.size(); ++b) {
    Shape& shape = program.buffers[b].type.shape;
    Shape each = {turns(shared)};
    for (int64_t extent : shape)
      each.push_back(extent);
    shape = each;
  }
  for_each(kernel.body, [&](Statement& s) {
    if (s.buffer != loop::none && s.buffer >= first_own)
      s.index.insert(s.index.begin(), Index{variable(shared.loop), loop::none, 0});
  });
  shared.body = std::move(kernel.body);
  kernel.body.clear();
  kernel.body.push_back(std::move(shared));
}

} // namespace gdjit::scheduling
