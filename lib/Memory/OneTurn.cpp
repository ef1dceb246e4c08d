// keep_one_turn: a row that lives within one turn of a loop takes the memory of one row, which
// stays in the first cache.
//
//   buffer a : f32[4096,1000]                       buffer a : f32[1000]
//   for i in 0..4096 {                              for i in 0..4096 {
//     for j { store a[i, j] = … }             =>      for j { store a[j] = … }
//     for j { … a[i, j] … }                           for j { … a[j] … }
//   }                                               }
//
// A coordinate is what the loops around all accesses add to it, the same in each, and the rest of
// each access. Where every rest is shorter than the loops' steps, turns touch elements of their
// own. Nests at the top of a kernel (a loop and what is left over behind it) may each be such loops
// where they have no elements in common.
#include "OneTurn.h"

#include "gdjit/Loop/KernelView.h"
#include "gdjit/Loop/Rewrite.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <unordered_map>

namespace gdjit::memory {

namespace {

using loop::BufferId;
using loop::Index;
using loop::Kernel;
using loop::Program;
using loop::Statement;

struct Interval {
  int64_t low, high;
  int64_t extent() const { return high - low + 1; }
  void join(Interval other) {
    low = std::min(low, other.low);
    high = std::max(high, other.high);
  }
  void add(int64_t a, int64_t b) {
    low += std::min(a, b);
    high += std::max(a, b);
  }
};

using Loops = std::vector<const Statement*>;

/// A load or store, and the loops around it, outermost first.
struct Access {
  Statement* statement;
  Loops loops;
};

/// What one top-level nest of a kernel does to a buffer.
struct Nest {
  std::vector<Access> accesses;
  Loops turning;              ///< around all of them: in each turn other elements
  std::vector<Interval> rest; ///< per axis: without what `turning` adds
  std::vector<Interval> all;  ///< per axis: of every turn
};

bool is_among(const Loops& loops, loop::LoopId id) {
  return std::any_of(loops.begin(), loops.end(), [&](const Statement* l) { return l->loop == id; });
}

int64_t factor_of(const Statement& access, size_t axis, const Statement& loop) {
  return factor(access.index[axis].affine, loop.loop);
}

/// What the turns of `loop` add to a coordinate.
void add_turns(Interval& interval, int64_t factor, const Statement& loop) {
  interval.add(factor * loop.begin, factor * loop::last_value(loop));
}

Interval rest_of(const Access& access, size_t axis, const Loops& turning) {
  const Index& index = access.statement->index[axis];
  Interval rest{index.affine.constant, index.affine.constant};
  for (const Statement* l : access.loops)
    if (!is_among(turning, l->loop))
      add_turns(rest, factor(index.affine, l->loop), *l);
  rest.add(0, index.lane * (access.statement->type.lanes - 1));
  return rest;
}

/// The loops around all accesses of a nest that take more than one turn, up to the first that does
/// not move some coordinate of all accesses alike (beyond it, one turn may read what another
/// wrote).
Loops turning_loops(const std::vector<Access>& accesses) {
  const Access& first = accesses.front();
  size_t common = first.loops.size();
  for (const Access& a : accesses) {
    common = std::min(common, a.loops.size());
    while (common > 0 && a.loops[common - 1] != first.loops[common - 1])
      --common;
  }
  Loops turning;
  for (size_t depth = 0; depth < common; ++depth) {
    const Statement& l = *first.loops[depth];
    if (loop::turns(l) < 2)
      continue;
    bool moves = false; // threads share turns that count 0, 1, 2 …
    if (l.loop_kind == loop::LoopKind::parallel && (l.begin != 0 || l.step != 1))
      break;
    for (size_t axis = 0; axis < first.statement->index.size(); ++axis) {
      const int64_t factor = factor_of(*first.statement, axis, l);
      moves |= factor != 0 && std::all_of(accesses.begin(), accesses.end(), [&](const Access& a) {
                 return factor_of(*a.statement, axis, l) == factor;
               });
    }
    if (!moves)
      break;
    turning.push_back(&l);
  }
  return turning;
}

/// True where different turns of the loops that move a coordinate leave it in different places,
/// whatever the rest is.
bool turns_apart(const Nest& nest, size_t axis) {
  const Statement& first = *nest.accesses.front().statement;
  struct Step {
    int64_t size, reach;
  };
  std::vector<Step> steps;
  for (const Statement* l : nest.turning) {
    const int64_t factor = factor_of(first, axis, *l);
    for (const Access& a : nest.accesses)
      if (factor_of(*a.statement, axis, *l) != factor)
        return false;
    if (factor != 0)
      steps.push_back(
          {std::abs(factor) * l->step, std::abs(factor) * (loop::last_value(*l) - l->begin)});
  }
  std::sort(steps.begin(), steps.end(), [](Step a, Step b) { return a.size < b.size; });
  int64_t reached = nest.rest[axis].extent() - 1;
  for (const Step s : steps) {
    if (s.size <= reached)
      return false;
    reached += s.reach;
  }
  return true;
}

/// True where the first lane of an access, masked in some turns, lies outside of an axis: the
/// report of a mask that is wrong must not get lost.
bool leaves(const Access& access, size_t axis, int64_t extent) {
  const Index& index = access.statement->index[axis];
  Interval first{index.affine.constant, index.affine.constant};
  for (const Statement* l : access.loops)
    if (loop::turns(*l) > 0)
      add_turns(first, factor(index.affine, l->loop), *l);
  return first.low < 0 || first.high >= extent;
}

/// Finds the rest of each coordinate; false where a coordinate follows from data or leaves the
/// buffer, or turns share elements.
bool measure(Nest& nest, const Shape& shape) {
  nest.turning = turning_loops(nest.accesses);
  const size_t rank = nest.accesses.front().statement->index.size();
  for (size_t axis = 0; axis < rank; ++axis) {
    Interval rest = rest_of(nest.accesses.front(), axis, nest.turning);
    for (const Access& a : nest.accesses) {
      if (a.statement->index[axis].dynamic != loop::none)
        return false;
      if (leaves(a, axis, shape[static_cast<int>(axis)]))
        return false;
      rest.join(rest_of(a, axis, nest.turning));
    }
    nest.rest.push_back(rest);
    if (!turns_apart(nest, axis))
      return false;
    for (const Statement* l : nest.turning)
      add_turns(rest, factor_of(*nest.accesses.front().statement, axis, *l), *l);
    nest.all.push_back(rest);
  }
  return true;
}

/// True where nests have no element in common.
bool are_apart(const std::vector<Nest>& nests) {
  for (size_t axis = 0; axis < nests.front().all.size(); ++axis) {
    std::vector<Interval> all;
    for (const Nest& nest : nests)
      all.push_back(nest.all[axis]);
    std::sort(all.begin(), all.end(), [](Interval a, Interval b) { return a.low < b.low; });
    bool apart = true;
    for (size_t i = 1; i < all.size(); ++i)
      apart = apart && all[i - 1].high < all[i].low;
    if (apart)
      return true;
  }
  return false;
}

/// One coordinate of a buffer as it is to be: its extent, and whether it stays as it was.
struct Axis {
  int64_t extent;
  bool kept;
};

class Shrinker {
public:
  Shrinker(Program& program, PassContext& context)
      : program_(program), context_(context), kernels_(program.buffers.size(), 0),
        viewed_(program.buffers.size(), false), sharers_(program.kernels.size()) {}

  void run() {
    for (const loop::Buffer& b : program_.buffers)
      if (b.same_as != loop::none)
        viewed_[b.same_as] = true;
    for (size_t k = 0; k < program_.kernels.size(); ++k)
      note_buffers(k);
    for (Kernel& kernel : program_.kernels)
      if (kernel.same_as == loop::none)
        shrink_in(kernel);
  }

private:
  void note_buffers(size_t k) {
    const Kernel& kernel = program_.kernels[k];
    std::vector<BufferId> named = kernel.buffers;
    if (kernel.same_as != loop::none)
      sharers_[kernel.same_as].push_back(&kernel);
    else
      for_each(kernel.body, [&](const Statement& s) {
        if (s.buffer != loop::none)
          named.push_back(s.buffer);
      });
    std::sort(named.begin(), named.end());
    named.erase(std::unique(named.begin(), named.end()), named.end());
    for (BufferId b : named)
      ++kernels_[b];
  }

  /// True for what no other kernel touches.
  bool is_private(BufferId b) const {
    const loop::Buffer& buffer = program_.buffers[b];
    return buffer.role == loop::BufferRole::temporary && buffer.same_as == loop::none &&
           !viewed_[b] && kernels_[b] == 1;
  }

  /// `b` of a kernel, and what it is in those that are the same.
  std::vector<BufferId> meanings(const Kernel& kernel, BufferId b) const {
    std::vector<BufferId> all{b};
    for (const Kernel* sharer : sharers_[static_cast<size_t>(&kernel - program_.kernels.data())])
      all.push_back(loop::KernelView(program_, *sharer).buffer(b));
    return all;
  }

  void shrink_in(Kernel& kernel) {
    nests_.clear();
    order_.clear();
    for (Statement& s : kernel.body) {
      Loops around;
      ++position_;
      collect(s, around);
    }
    std::vector<BufferId> of_one_turn;
    for (BufferId b : order_) {
      const std::vector<BufferId> buffers = meanings(kernel, b);
      if (std::all_of(buffers.begin(), buffers.end(), [&](BufferId m) { return is_private(m); }) &&
          shrink(kernel, nests_.at(b).nests, buffers))
        of_one_turn.push_back(b);
    }
    if (!of_one_turn.empty())
      drop_prefetches(kernel.body, of_one_turn);
  }

  void collect(Statement& s, Loops& around) {
    if (s.kind == loop::StatementKind::For) {
      around.push_back(&s);
      for (Statement& inside : s.body)
        collect(inside, around);
      around.pop_back();
    } else if (s.buffer != loop::none && s.kind != loop::StatementKind::Prefetch &&
               is_private(s.buffer)) {
      auto [at, fresh] = nests_.try_emplace(s.buffer);
      if (fresh)
        order_.push_back(s.buffer);
      if (at->second.last != position_)
        at->second.nests.emplace_back();
      at->second.last = position_;
      at->second.nests.back().accesses.push_back({&s, around});
    }
  }

  bool shrink(const Kernel& kernel, std::vector<Nest>& nests,
              const std::vector<BufferId>& buffers) {
    const TensorType before = program_.buffers[buffers[0]].type;
    if (!std::all_of(nests.begin(), nests.end(),
                     [&](Nest& nest) { return measure(nest, before.shape); }) ||
        (nests.size() > 1 && !are_apart(nests)))
      return false;
    std::vector<Axis> axes;
    int64_t elements = 1;
    for (int axis = 0; axis < before.shape.rank(); ++axis) {
      axes.push_back(axis_of(nests, static_cast<size_t>(axis), before.shape[axis]));
      elements *= axes.back().extent;
    }
    if (elements >= before.shape.elements())
      return false;
    for (Nest& nest : nests)
      for (Access& a : nest.accesses)
        a.statement->index = shrunk(*a.statement, nest, axes);
    Shape shape;
    for (const Axis& a : axes)
      if (a.kept || a.extent > 1)
        shape.push_back(a.extent);
    for (BufferId b : buffers)
      program_.buffers[b].type.shape = shape;
    context_.remarks.push_back(fmt::format("{}: {} is {} instead of {}: it lives within one turn",
                                           kernel.name, program_.buffers[buffers[0]].name,
                                           to_string(program_.buffers[buffers[0]].type),
                                           to_string(before)));
    return true;
  }

  /// What lives within a turn lies in the first cache: nobody asks for it.
  static void drop_prefetches(std::vector<Statement>& body, const std::vector<BufferId>& of) {
    std::erase_if(body, [&](const Statement& s) {
      return s.kind == loop::StatementKind::Prefetch && std::ranges::count(of, s.buffer) != 0;
    });
    for (Statement& s : body)
      drop_prefetches(s.body, of);
  }

  static Axis axis_of(const std::vector<Nest>& nests, size_t axis, int64_t extent) {
    Axis result{0, true};
    for (const Nest& nest : nests) {
      int64_t parts = 1;
      for (const Statement* l : nest.turning)
        if (factor_of(*nest.accesses.front().statement, axis, *l) != 0) {
          result.kept = false;
          if (l->loop_kind == loop::LoopKind::parallel)
            parts *= loop::turns(*l);
        }
      result.extent = std::max(result.extent, parts * nest.rest[axis].extent());
    }
    return result.kept ? Axis{extent, true} : result;
  }

  /// The coordinates of an access without what the turning loops add, but for parallel ones.
  static std::vector<Index> shrunk(const Statement& access, const Nest& nest,
                                   const std::vector<Axis>& axes) {
    std::vector<Index> index;
    for (size_t axis = 0; axis < axes.size(); ++axis) {
      if (!axes[axis].kept && axes[axis].extent == 1)
        continue;
      Index i = access.index[axis];
      if (!axes[axis].kept) {
        i.affine.constant -= nest.rest[axis].low;
        int64_t stride = nest.rest[axis].extent();
        for (const Statement* l : nest.turning)
          if (const int64_t factor = factor_of(access, axis, *l); factor != 0) {
            add_scaled(i.affine, loop::variable(l->loop), -factor);
            if (l->loop_kind != loop::LoopKind::parallel)
              continue;
            add_scaled(i.affine, loop::variable(l->loop, stride), 1);
            stride *= loop::turns(*l);
          }
      }
      index.push_back(std::move(i));
    }
    return index;
  }

  /// Of one buffer, in the kernel at hand.
  struct Uses {
    std::vector<Nest> nests;
    size_t last = 0; ///< the position of the last of them
  };

  Program& program_;
  PassContext& context_;
  std::vector<uint32_t> kernels_;                   ///< that name it, per buffer
  std::vector<bool> viewed_;                        ///< per buffer
  std::vector<std::vector<const Kernel*>> sharers_; ///< of its statements, per kernel
  std::unordered_map<BufferId, Uses> nests_;        ///< of the kernel at hand
  std::vector<BufferId> order_;                     ///< in which they appear
  size_t position_ = 0;
};

} // namespace

void keep_one_turn(Program& program, PassContext& context) { Shrinker(program, context).run(); }

} // namespace gdjit::memory
