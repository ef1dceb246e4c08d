// Counts, buffer by buffer, what the threads read that they do not have, and goes from choice to
// choice as long as the sum becomes less. A change of one nest is felt only by what it touches.
#include "ShareAxes.h"

#include "gdjit/Loop/KernelView.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <numeric>
#include <unordered_map>
#include <utility>

namespace gdjit::scheduling {

namespace {

/// Parts of what is written that lie closer are not kept by who wrote them: the prefetchers of one
/// core, which do not look beyond a page, ask for lines of the others'.
constexpr int64_t least_apart = 4096;
/// Accesses of one buffer that are looked at, so that the effort grows with the program alone.
constexpr size_t most_accesses = 64;

constexpr double least_gain = 64; ///< bytes
/// Of the last cache to that of another core's: 25 GB/s to 6.
constexpr double times_as_fast = 4;

using loop::BufferId;

constexpr int whole = -1;
constexpr int by_one = -2; ///< one thread does it, alone

/// One nest's loads or stores of a buffer.
struct Access {
  size_t nest = loop::none; ///< none: one thread does it
  bool writes = false;
  SmallVector<int, 3> axes; ///< per way of the nest: that which is cut of the buffer, whole, by_one
  bool operator==(const Access&) const = default;
};

/// A buffer's memory, and who reads and writes it in the order of a step.
struct Memory {
  int64_t bytes = 0;
  std::vector<Access> accesses;
};

/// What a thread has of a buffer in its own caches: all of it, or its parts along some axes.
struct Held {
  bool all = false;
  uint32_t axes = 0;

  void add(int axis) { axis == whole ? void(all = true) : void(axes |= 1u << axis); }
};

/// The part of a buffer that is read and not held, each part along an axis being `share` of it.
double missing(const Held& held, int axis, double share) {
  if (held.all || (axis != whole && (held.axes >> axis & 1) != 0))
    return 0;
  double part = axis == whole ? 1 : share;
  for (uint32_t axes = held.axes; axes != 0; axes &= axes - 1)
    part *= 1 - share;
  return part;
}

class Chooser {
public:
  Chooser(const Program& program, int threads, std::vector<SharedNest>& nests)
      : program_(program), share_(1.0 / threads), nests_(nests), touched_(nests.size()) {
    collect();
  }

  void run() {
    start([](const SharedNest&) { return size_t{0}; });
    const double of_first = improve();
    std::vector<size_t> first;
    for (const SharedNest& nest : nests_)
      first.push_back(nest.chosen);
    start([](const SharedNest& nest) { return nest.ways.size() - 1; });
    if (of_first <= improve())
      for (size_t n = 0; n < nests_.size(); ++n)
        nests_[n].chosen = first[n];
    for (size_t n = 0; n < nests_.size(); ++n)
      explain(n);
  }

private:
  void collect() {
    std::map<std::pair<size_t, size_t>, size_t> nest_at; // by kernel and statement
    for (size_t n = 0; n < nests_.size(); ++n)
      nest_at[{nests_[n].kernel, nests_[n].statement}] = n;
    const std::vector<BufferId> memory = memory_of_buffers();
    std::unordered_map<BufferId, size_t> number;
    for (size_t k = 0; k < program_.kernels.size(); ++k) {
      const loop::KernelView view(program_, program_.kernels[k]);
      for (size_t i = 0; i < view.body().size(); ++i) {
        auto at = nest_at.find({holder(program_, k), i});
        const size_t nest = at == nest_at.end() ? loop::none : at->second;
        auto visit = [&](const Statement& s) {
          if (s.kind != StatementKind::Load && s.kind != StatementKind::Store)
            return;
          const BufferId b = memory[view.buffer(s.buffer)];
          const auto [entry, added] = number.try_emplace(b, memories_.size());
          if (added)
            memories_.push_back({program_.buffers[b].type.bytes(), {}});
          add(memories_[entry->second], access_of(s, nest, program_.buffers[b]));
        };
        visit(view.body()[i]);
        for_each(view.body()[i].body, visit);
      }
    }
    for (size_t m = 0; m < memories_.size(); ++m)
      for (const Access& access : memories_[m].accesses)
        if (access.nest != loop::none && matters(memories_[m]) &&
            (touched_[access.nest].empty() || touched_[access.nest].back() != m))
          touched_[access.nest].push_back(m);
  }

  /// The buffer that stands for each one's memory: an update's is its state's.
  std::vector<BufferId> memory_of_buffers() const {
    std::unordered_map<uint32_t, BufferId> states;
    for (BufferId b = 0; b < program_.buffers.size(); ++b)
      if (program_.buffers[b].role == loop::BufferRole::state)
        states.try_emplace(program_.buffers[b].number, b);
    std::vector<BufferId> memory(program_.buffers.size());
    for (BufferId b = 0; b < memory.size(); ++b) {
      memory[b] = storage(program_, b);
      const loop::Buffer& buffer = program_.buffers[memory[b]];
      if (buffer.role != loop::BufferRole::update)
        continue;
      if (auto at = states.find(program_.signature.updates[buffer.number].state);
          at != states.end())
        memory[b] = at->second;
    }
    return memory;
  }

  Access access_of(const Statement& s, size_t nest, const loop::Buffer& memory) const {
    Access access{nest, s.kind == StatementKind::Store, {}};
    if (nest == loop::none)
      return access;
    const Shape& shape = program_.buffers[s.buffer].type.shape;
    for (const Way& way : nests_[nest].ways) {
      int axis = whole;
      for (int a = 0; a < std::min(shape.rank(), 32); ++a)
        if (factor(s.index[static_cast<size_t>(a)].affine, way.loop) != 0)
          axis = a;
      const bool same = shape == memory.type.shape; // else the axis is another one's
      if (axis == whole && way.blocks)
        axis = by_one; // behind the sums of blocks
      else if (!same ||
               (axis != whole && access.writes && apart(shape, axis, memory) < least_apart))
        axis = whole;
      access.axes.push_back(axis);
    }
    return access;
  }

  /// Bytes from the start of a thread's part of some rows to that of the next one's.
  int64_t apart(const Shape& shape, int axis, const loop::Buffer& memory) const {
    int64_t before = 1, bytes = byte_size(memory.type.dtype);
    for (int a = 0; a < axis; ++a)
      before *= shape[a];
    for (int a = axis; a < shape.rank(); ++a)
      bytes *= shape[a];
    return before == 1 ? least_apart : static_cast<int64_t>(static_cast<double>(bytes) * share_);
  }

  static void add(Memory& memory, Access access) {
    std::vector<Access>& all = memory.accesses;
    if (all.size() <= most_accesses && (all.empty() || !(all.back() == access)))
      all.push_back(std::move(access));
  }

  static bool matters(const Memory& memory) {
    return memory.accesses.size() <= most_accesses &&
           std::any_of(memory.accesses.begin(), memory.accesses.end(),
                       [](const Access& access) { return access.writes; });
  }

  /// Bytes of the memory that threads fetch from one another in a step, the slowest of them.
  double fetched(const Memory& memory) const {
    Held first, others;
    double part = 0;
    for (const bool counts : {false, true}) // the first step leaves what the second finds
      for (const Access& access : memory.accesses) {
        const int cut = access.nest == loop::none ? by_one : access.axes[chosen(access.nest)];
        const bool shared = cut != by_one;
        const int axis = shared ? cut : whole;
        if (access.writes) {
          first = others = {};
          if (!shared || axis != whole)
            first.add(axis);
          if (shared && axis != whole)
            others.add(axis);
          continue;
        }
        if (counts)
          part +=
              std::max(missing(first, axis, share_), shared ? missing(others, axis, share_) : 0.0);
        first.add(axis);
        if (shared)
          others.add(axis);
      }
    return part * static_cast<double>(memory.bytes);
  }

  /// What all fetch of the memory that a nest touches.
  double fetched_around(size_t nest) const {
    return std::accumulate(
        touched_[nest].begin(), touched_[nest].end(), 0.0,
        [&](double sum, size_t memory) { return sum + fetched(memories_[memory]); });
  }

  /// In bytes fetched: what follows from a nest's way.
  double cost_around(size_t nest) const { return fetched_around(nest) + own_cost(nests_[nest]); }

  /// What a nest's way costs whatever was chosen for others.
  static double own_cost(const SharedNest& nest) {
    const Way& way = nest.ways[nest.chosen];
    return static_cast<double>(way.fetched) + static_cast<double>(way.again) / times_as_fast;
  }

  size_t chosen(size_t nest) const { return nests_[nest].chosen; }

  template <class Way> void start(const Way& way) {
    for (SharedNest& nest : nests_)
      nest.chosen = way(nest);
  }

  /// Changes one nest after another while that pays; what all of them cost then.
  double improve() {
    bool changed = true;
    for (int round = 0; round < 4 && changed; ++round) {
      changed = false;
      for (size_t n = 0; n < nests_.size(); ++n) {
        const size_t before = nests_[n].chosen;
        size_t best = 0;
        double least = 0;
        for (size_t& way = nests_[n].chosen = 0; way < nests_[n].ways.size(); ++way)
          if (const double cost = cost_around(n); way == 0 || cost + least_gain < least)
            best = way, least = cost;
        nests_[n].chosen = best;
        changed |= best != before;
      }
    }
    double sum = 0;
    for (const Memory& memory : memories_)
      sum += matters(memory) ? fetched(memory) : 0;
    for (const SharedNest& nest : nests_)
      sum += own_cost(nest);
    return sum;
  }

  /// Beside the way that would cost most.
  void explain(size_t n) {
    SharedNest& nest = nests_[n];
    struct Cost {
      double all, fetched, again;
    };
    std::vector<Cost> costs;
    const size_t chosen = nest.chosen;
    for (nest.chosen = 0; nest.chosen < nest.ways.size(); ++nest.chosen) {
      const Way& way = nest.ways[nest.chosen];
      costs.push_back({cost_around(n), fetched_around(n) + static_cast<double>(way.fetched),
                       static_cast<double>(way.again)});
    }
    nest.chosen = chosen;
    const Cost &is = costs[chosen], &other = *std::ranges::max_element(costs, {}, &Cost::all);
    if (other.all <= is.all + least_gain)
      return;
    std::vector<std::string> reasons;
    if (other.fetched > is.fetched + least_gain)
      reasons.push_back(fmt::format("fetches {:.1f} kB a step of what another wrote, not {:.1f} kB",
                                    is.fetched / 1e3, other.fetched / 1e3));
    if (other.again > is.again + least_gain)
      reasons.push_back(fmt::format("reads {:.1f} kB that the others read, too, not {:.1f} kB",
                                    is.again / 1e3, other.again / 1e3));
    if (!reasons.empty())
      nest.reason = fmt::format("a thread {}", fmt::join(reasons, ", and "));
  }

  const Program& program_;
  const double share_;
  std::vector<SharedNest>& nests_;
  std::vector<Memory> memories_;
  std::vector<std::vector<size_t>> touched_; ///< per nest, ascending
};

} // namespace

void share_axes(const Program& program, int threads, std::vector<SharedNest>& nests) {
  if (!nests.empty())
    Chooser(program, threads, nests).run();
}

} // namespace gdjit::scheduling
