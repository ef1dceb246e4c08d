// Two sets of statements of a loop, the values that cross from the first to the second, and the two
// loops.
#include "CutLoop.h"

#include "VectorCost.h"

#include "gdjit/Loop/Alone.h"

namespace gdjit::scheduling {

namespace {

constexpr double least_gaining = 16;     ///< operations an iteration that are worth a look
constexpr int64_t most_bytes = 16 << 10; ///< of what crosses: it stays in the first cache

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
  std::vector<Statement> first, second;
};

class LoopCutter {
public:
  LoopCutter(Program& program, Kernel& kernel, const Statement& loop, Cut cut,
             const MachineTable& machine)
      : program_(program), kernel_(kernel), loop_(loop), cut_(cut),
        most_lanes_(machine.vector_bytes / 4) {
    for_each(loop.body, [&](const Statement& s) {
      if (s.kind == StatementKind::Tile)
        own_.insert(s.tile);
      else if (s.kind == StatementKind::Store)
        stored_.insert(storage(program_, s.buffer));
      else if (s.kind == StatementKind::Set || s.kind == StatementKind::Transpose)
        set_.insert(s.tile);
    });
  }

  /// The loops that the loop becomes; none where it cannot, or has little that gains.
  std::optional<std::vector<Statement>> loops() {
    if (!(cut_ == Cut::joins ? find_joins() : find_accumulations()) ||
        cost_of_gain(loop_.body) < least_gaining)
      return std::nullopt;
    find_crossing();
    Halves halves;
    if (!split(loop_.body, {}, halves) || halves.first.empty() || halves.second.empty())
      return std::nullopt;
    std::set<ValueId> used;
    drop_unused(halves.first, used);
    std::vector<Statement> first{loop_}, second{loop_};
    first[0].body = std::move(halves.first);
    second[0].body = std::move(halves.second);
    first.push_back(std::move(copy_fresh(kernel_, second)[0]));
    return first;
  }

private:
  /// Finds what depends on an accumulation, or must happen in order. False where a store does, or
  /// a load of what the loop stores.
  bool find_accumulations() {
    bool possible = true;
    for (size_t known = ~size_t{0}; known != second_.size();) {
      known = second_.size();
      for_each(loop_.body, [&](const Statement& s) {
        if (!is_ordered(s))
          return;
        possible = possible && s.kind != StatementKind::Store &&
                   !(s.kind == StatementKind::Load && stored_.count(storage(program_, s.buffer)));
        second_.insert(&s);
        if (s.result != loop::none)
          second_values_.insert(s.result);
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
    for_each_use(s, [&](ValueId v) { ordered = ordered || second_values_.count(v); });
    return ordered;
  }

  /// Finds what the loop's joins are computed from; all else is the second half. False where there
  /// is no join, or the loop changes what they are computed from.
  bool find_joins() {
    std::set<ValueId> values;
    std::set<TileId> tiles;
    std::set<const Statement*> first;
    for (size_t known = ~size_t{0}; known != first.size();) {
      known = first.size();
      for_each(loop_.body, [&](const Statement& s) {
        if (s.kind == StatementKind::For ||
            (s.kind != StatementKind::Join && !values.count(s.result) && !tiles.count(s.tile)))
          return;
        first.insert(&s);
        for_each_use(s, [&](ValueId v) { values.insert(v); });
        if (s.tile != loop::none)
          tiles.insert(s.tile);
      });
    }
    bool possible = !first.empty();
    for_each(loop_.body, [&](const Statement& s) {
      if (s.kind == StatementKind::For)
        return;
      if (!first.count(&s)) {
        second_.insert(&s);
        if (s.result != loop::none)
          second_values_.insert(s.result);
      } else if (s.kind == StatementKind::Load) {
        possible = possible && !stored_.count(storage(program_, s.buffer));
      } else if (s.tile != loop::none) {
        possible = possible && (own_.count(s.tile) || !set_.count(s.tile));
      }
    });
    return possible;
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

  /// Operations of the half that may become vectors.
  double cost_of_gain(const std::vector<Statement>& body) const {
    double cost = 0;
    for (const Statement& s : body)
      if (s.kind == StatementKind::For)
        cost += static_cast<double>(turns(s)) * cost_of_gain(s.body);
      else if (s.kind == StatementKind::Compute && (second_.count(&s) != 0) == (cut_ == Cut::joins))
        cost += vector_cost(program_, {s}, loop::none, 1);
    return cost;
  }

  /// Values of the first half that the second reads.
  void find_crossing() {
    for (const Statement* s : second_)
      for_each_use(*s, [&](ValueId v) {
        if (!second_values_.count(v))
          crossing_.insert(v);
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
             {std::pair(&halves.first, &out.first), std::pair(&halves.second, &out.second)})
          if (!from->empty()) {
            to->push_back(s);
            to->back().body = std::move(*from);
          }
        continue;
      }
      (second_.count(&s) ? out.second : out.first).push_back(s);
      if (s.result == loop::none || !crossing_.count(s.result))
        continue;
      if (is_repeated(s))
        out.second.push_back(s);
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
    out.first.push_back(std::move(store));
    out.second.push_back(std::move(load));
    return true;
  }

  Program& program_;
  Kernel& kernel_;
  const Statement& loop_;
  const Cut cut_;
  const int64_t most_lanes_;
  std::set<TileId> own_, set_; ///< declared, and changed, within the loop
  std::set<loop::BufferId> stored_;
  std::set<const Statement*> second_;
  std::set<ValueId> second_values_, crossing_;
  std::set<TileId> ordered_tiles_; ///< of own_
  int64_t bytes_ = 0;
};

} // namespace

std::optional<std::vector<Statement>> cut_loop(Program& program, Kernel& kernel,
                                               const Statement& loop, Cut cut,
                                               const MachineTable& machine) {
  const size_t buffers = program.buffers.size();
  auto loops = LoopCutter(program, kernel, loop, cut, machine).loops();
  if (!loops)
    program.buffers.resize(buffers);
  return loops;
}

} // namespace gdjit::scheduling
