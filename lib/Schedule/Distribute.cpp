// Statements that an accumulation in order binds, those that are free, and the values that cross
// from these to those.
#include "Distribute.h"

#include "Independence.h"
#include "VectorCost.h"
#include "Vectorize.h"

#include "gdjit/Loop/Alone.h"

#include <fmt/format.h>
#include <optional>

namespace gdjit::scheduling {

namespace {

constexpr int64_t least_iterations = 4;  ///< below, no lanes
constexpr double least_free = 16;        ///< operations an iteration that are worth a look
constexpr int64_t most_bytes = 16 << 10; ///< of what crosses: it stays in the first cache
constexpr double least_gain = 0.75;      ///< of the estimate: memory has a latency that it ignores

/// Drops what computes a value that nobody reads, but for those in `used`, which gains the others.
void drop_unused(std::vector<Statement>& body, std::set<ValueId>& used) {
  for (size_t i = body.size(); i-- > 0;) {
    Statement& s = body[i];
    bool computes = s.kind == StatementKind::Compute || s.kind == StatementKind::Index ||
                    s.kind == StatementKind::Load || s.kind == StatementKind::Get;
    if (s.kind == StatementKind::For)
      drop_unused(s.body, used);
    if ((computes && !used.count(s.result)) || (s.kind == StatementKind::For && s.body.empty()))
      body.erase(body.begin() + static_cast<std::ptrdiff_t>(i));
    else
      for_each_use(s, [&](ValueId v) { used.insert(v); });
  }
}

/// The two loops of one, without ids of their own.
struct Halves {
  std::vector<Statement> free, ordered;
};

class Distributor {
public:
  Distributor(Program& program, Kernel& kernel, const Statement& loop, const MachineTable& machine)
      : program_(program), kernel_(kernel), loop_(loop), most_lanes_(machine.vector_bytes / 4) {
    for_each(loop.body, [&](const Statement& s) {
      if (s.kind == StatementKind::Tile)
        own_.insert(s.tile);
      else if (s.kind == StatementKind::Store)
        stored_.insert(storage(program_, s.buffer));
      else if (s.kind == StatementKind::Set || s.kind == StatementKind::Transpose)
        set_.insert(s.tile);
    });
  }

  /// The loops that the loop becomes; none where it cannot, or has little that is free.
  std::optional<std::vector<Statement>> loops() {
    if (!classify() || free_cost(loop_.body) < least_free)
      return std::nullopt;
    find_crossing();
    Halves halves;
    if (!split(loop_.body, {}, halves) || halves.ordered.empty())
      return std::nullopt;
    std::set<ValueId> used;
    drop_unused(halves.free, used);
    std::vector<Statement> free{loop_}, ordered{loop_};
    free[0].body = std::move(halves.free);
    ordered[0].body = std::move(halves.ordered);
    free.push_back(std::move(copy_fresh(kernel_, ordered)[0]));
    return free;
  }

private:
  /// Finds what depends on an accumulation, or must happen in order. False where a store does, or
  /// a load of what the loop stores.
  bool classify() {
    bool possible = true;
    for (size_t known = ~size_t{0}; known != ordered_values_.size() + ordered_tiles_.size();) {
      known = ordered_values_.size() + ordered_tiles_.size();
      for_each(loop_.body, [&](const Statement& s) {
        if (!is_ordered(s))
          return;
        possible = possible && s.kind != StatementKind::Store &&
                   !(s.kind == StatementKind::Load && stored_.count(storage(program_, s.buffer)));
        if (s.result != loop::none)
          ordered_values_.insert(s.result);
        if (s.tile != loop::none && own_.count(s.tile) && s.kind != StatementKind::Get)
          ordered_tiles_.insert(s.tile);
      });
    }
    return possible;
  }

  bool is_ordered(const Statement& s) const {
    if (s.kind == StatementKind::For)
      return false;
    bool ordered = s.kind == StatementKind::Check;
    if (s.tile != loop::none)
      ordered = own_.count(s.tile) ? ordered_tiles_.count(s.tile) != 0 : set_.count(s.tile) != 0;
    for_each_use(s, [&](ValueId v) { ordered = ordered || ordered_values_.count(v); });
    return ordered;
  }

  /// True for what is cheaper computed twice than sent through memory.
  bool is_repeated(const Statement& s) const {
    bool reads = false;
    for_each_use(s, [&](ValueId) { reads = true; });
    if (reads)
      return false;
    switch (s.kind) {
    case StatementKind::Compute:
    case StatementKind::Index:
      return true;
    case StatementKind::Load:
      return !stored_.count(storage(program_, s.buffer));
    case StatementKind::Get:
      return !own_.count(s.tile);
    default:
      return false;
    }
  }

  double free_cost(const std::vector<Statement>& body) const {
    double cost = 0;
    for (const Statement& s : body)
      if (s.kind == StatementKind::For)
        cost += static_cast<double>(turns(s)) * free_cost(s.body);
      else if (s.kind == StatementKind::Compute && !is_ordered(s))
        cost += vector_cost(program_, {s}, loop::none, 1);
    return cost;
  }

  /// Free values that ordered statements read.
  void find_crossing() {
    for_each(loop_.body, [&](const Statement& s) {
      if (s.kind != StatementKind::For && is_ordered(s))
        for_each_use(s, [&](ValueId v) {
          if (!ordered_values_.count(v))
            crossing_.insert(v);
        });
    });
  }

  /// False where what crosses is too much, or a loop around it does not count from 0 by 1.
  bool split(const std::vector<Statement>& body, const std::vector<const Statement*>& around,
             Halves& out) {
    for (const Statement& s : body) {
      if (s.kind == StatementKind::For) {
        std::vector<const Statement*> inside = around;
        inside.push_back(&s);
        Halves halves;
        if (!split(s.body, inside, halves))
          return false;
        for (auto [from, to] :
             {std::pair(&halves.free, &out.free), std::pair(&halves.ordered, &out.ordered)})
          if (!from->empty()) {
            to->push_back(s);
            to->back().body = std::move(*from);
          }
        continue;
      }
      (is_ordered(s) ? out.ordered : out.free).push_back(s);
      if (s.result == loop::none || !crossing_.count(s.result))
        continue;
      if (is_repeated(s))
        out.ordered.push_back(s);
      else if (!cross(s, around, out))
        return false;
    }
    return true;
  }

  /// The result of `s` through a buffer of an element per iteration, those of the loop side by side
  /// with room for whole vectors.
  bool cross(const Statement& s, const std::vector<const Statement*>& around, Halves& out) {
    if (around.size() >= most_axes)
      return false;
    loop::Buffer buffer;
    buffer.name = loop::own_name(program_, "", "between_loops");
    buffer.type.dtype = s.type.dtype;
    Statement store = s;
    store.kind = StatementKind::Store;
    store.buffer = static_cast<loop::BufferId>(program_.buffers.size());
    store.result = store.mask = store.fill = store.tile = loop::none;
    store.operands = {s.result};
    store.index.clear();
    store.extents.clear();
    for (size_t i = 0; i <= around.size(); ++i) {
      const Statement& loop = i < around.size() ? *around[i] : loop_;
      if (loop.begin != 0 || loop.step != 1)
        return false;
      int64_t extent = turns(loop);
      if (&loop == &loop_)
        extent = (extent + most_lanes_ - 1) / most_lanes_ * most_lanes_;
      buffer.type.shape.push_back(extent);
      store.index.push_back(Index{variable(loop.loop), loop::none, 0});
    }
    bytes_ += buffer.type.bytes();
    if (bytes_ > most_bytes || s.type.lanes != 1)
      return false;
    program_.buffers.push_back(std::move(buffer));
    Statement load = store;
    load.kind = StatementKind::Load;
    load.operands.clear();
    load.result = s.result;
    out.free.push_back(std::move(store));
    out.ordered.push_back(std::move(load));
    return true;
  }

  Program& program_;
  Kernel& kernel_;
  const Statement& loop_;
  const int64_t most_lanes_;
  std::set<TileId> own_, set_; ///< declared, and changed, within the loop
  std::set<loop::BufferId> stored_;
  std::set<ValueId> ordered_values_, crossing_;
  std::set<TileId> ordered_tiles_; ///< of own_
  int64_t bytes_ = 0;
};

bool is_candidate(const Program& program, const Statement& s, const Settled& settled) {
  if (s.kind != StatementKind::For || s.loop_kind != loop::LoopKind::sequential ||
      turns(s) < least_iterations || dependence(program, s).empty())
    return false;
  bool plain = !settled.count(s.loop);
  for_each(s.body, [&](const Statement& inside) {
    plain = plain && inside.type.lanes == 1 && inside.kind != StatementKind::Transpose &&
            !(inside.kind == StatementKind::For && settled.count(inside.loop));
  });
  return plain;
}

} // namespace

std::set<loop::BufferId> distribute(Program& program, Kernel& kernel, PassContext& context,
                                    const Settled& settled) {
  std::set<loop::BufferId> own;
  for (size_t i = 0; i < kernel.body.size(); ++i) {
    if (!is_candidate(program, kernel.body[i], settled))
      continue;
    const size_t buffers = program.buffers.size();
    Kernel candidate = kernel;
    std::optional<std::vector<Statement>> loops =
        Distributor(program, candidate, kernel.body[i], context.machine).loops();
    if (loops) {
      const std::string& name = kernel.loop_names[kernel.body[i].loop];
      auto at = candidate.body.begin() + static_cast<std::ptrdiff_t>(i);
      at = candidate.body.erase(at);
      candidate.body.insert(at, loops->begin(), loops->end());
      double before = estimated_cost(program, kernel, context),
             after = estimated_cost(program, candidate, context);
      if (after < least_gain * before) {
        context.remarks.push_back(fmt::format(
            "{}: loop {} is two, of which the first is free to be vectors and the second "
            "accumulates in order: an estimated {:.0f} operations instead of {:.0f}",
            kernel.name, name, after, before));
        kernel = std::move(candidate);
        for (size_t b = buffers; b < program.buffers.size(); ++b)
          own.insert(static_cast<loop::BufferId>(b));
        ++i;
        continue;
      }
    }
    program.buffers.resize(buffers);
  }
  return own;
}

} // namespace gdjit::scheduling
