// Distributes an unrolled loop over the statements between the loops of a body.
#include "Jam.h"

#include "Families.h"
#include "Independence.h"
#include "Widen.h"

#include <algorithm>

namespace gdjit::scheduling {

namespace {

/// True where a loop is left in the code: itself, or one within an unrolled loop.
bool holds_loop(const Statement& s) {
  bool found = s.loop_kind != loop::LoopKind::unrolled;
  for_each(s.body, [&](const Statement& t) {
    found = found || (t.kind == StatementKind::For && t.loop_kind != loop::LoopKind::unrolled);
  });
  return found;
}

/// Jams one body: `loop` := loop + stride * r for r in 0..times.
class Jammer {
public:
  Jammer(Kernel& kernel, const Statement& loop, int64_t times)
      : kernel_(kernel), loop_(loop.loop), stride_(loop.step), times_(times),
        own_tiles_(own_tiles(loop)), // each iteration has its own of these
        variation_(variation(loop.body, loop.loop, own_tiles_)) {}

  std::vector<Statement> body(const std::vector<Statement>& statements) {
    std::vector<Statement> out, group;
    for (const Statement& s : statements) {
      const bool uniform = s.result != loop::none && !variation_.values.count(s.result) &&
                           s.kind != StatementKind::Get && s.kind != StatementKind::Join &&
                           !reads_group(s);
      if (s.kind == StatementKind::Tile) {
        out.push_back(declared(s));
      } else if (s.kind == StatementKind::For && holds_loop(s)) {
        flush(out, group);
        Statement inner = s;
        inner.body = body(s.body);
        out.push_back(std::move(inner));
      } else if (uniform) {
        out.push_back(s);
      } else {
        if (s.result != loop::none)
          grouped_.insert(s.result);
        group.push_back(s);
      }
    }
    flush(out, group);
    return out;
  }

private:
  /// True where a statement reads what a group computes, as a tile's element that all iterations
  /// share: then it stands there, too.
  bool reads_group(const Statement& s) const {
    bool found = false;
    for_each_use(s, [&](ValueId v) { found = found || grouped_.contains(v); });
    return found;
  }

  Statement declared(Statement tile) {
    tile.extents.insert(tile.extents.begin(), times_);
    return tile;
  }

  /// The statements of a group once per iteration; values that other groups read go through tiles.
  void flush(std::vector<Statement>& out, std::vector<Statement>& group) {
    if (group.empty())
      return;
    Statement unrolled;
    unrolled.kind = StatementKind::For;
    unrolled.loop_kind = loop::LoopKind::unrolled;
    unrolled.loop = fresh_loop(kernel_, loop_);
    unrolled.end = times_;
    groups_.insert(unrolled.loop);
    std::vector<Statement> fetched;
    for_each(group, [&](Statement& s) {
      for_each_use(s, [&](ValueId& v) { fetch(fetched, v, unrolled.loop); });
      if (s.result != loop::none)
        group_of_[s.result] = unrolled.loop;
    });
    for_each(group, [&](Statement& s) {
      for (Index& i : s.index)
        substitute(i.affine, loop_, moved(unrolled.loop));
      if (own_tiles_.count(s.tile) && s.kind != StatementKind::Tile)
        s.index.insert(s.index.begin(), Index{variable(unrolled.loop), loop::none, 0});
      if (s.kind == StatementKind::Tile)
        own_tiles_.erase(s.tile); // declared within an unrolled loop: it stays there
    });
    unrolled.body = std::move(fetched);
    for (Statement& s : group) {
      unrolled.body.push_back(s);
      if (s.result != loop::none)
        types_[s.result] = s.type;
    }
    out.push_back(std::move(unrolled));
    group.clear();
  }

  Affine moved(LoopId r) const {
    Affine a = variable(loop_);
    add_scaled(a, variable(r), stride_);
    return a;
  }

  /// A value of another group is read back from a tile; spill() puts it there.
  void fetch(std::vector<Statement>& out, ValueId& v, LoopId r) {
    auto group = group_of_.find(v);
    if (group == group_of_.end() || group->second == r)
      return;
    Statement get;
    get.kind = StatementKind::Get;
    get.type = types_[v];
    get.tile = tile_of(v);
    get.index = {Index{variable(r), loop::none, 0}};
    get.result = fresh_value(kernel_);
    v = get.result;
    out.push_back(std::move(get));
  }

  TileId tile_of(ValueId v) {
    auto [at, added] = spilled_.try_emplace(v, kernel_.tiles);
    if (added)
      ++kernel_.tiles;
    return at->second;
  }

public:
  /// Adds the tiles of values that cross groups, set where they are computed and declared in front,
  /// in the same body: a loop that stays around it gives each of its turns tiles of its own.
  void spill(std::vector<Statement>& body) {
    std::vector<Statement> out;
    for (Statement& s : body) {
      if (s.kind == StatementKind::For && groups_.count(s.loop)) {
        for (const Statement& computed : s.body)
          if (auto at = spilled_.find(computed.result);
              computed.result != loop::none && at != spilled_.end())
            out.push_back(declaration(computed.type, at->second));
        set_in_group(s);
      } else {
        spill(s.body);
      }
      out.push_back(std::move(s));
    }
    body = std::move(out);
  }

private:
  Statement declaration(loop::ValueType type, TileId tile) const {
    Statement t;
    t.kind = StatementKind::Tile;
    t.tile = tile;
    t.type = type;
    t.extents = {times_};
    return t;
  }

  void set_in_group(Statement& group) {
    std::vector<Statement> out;
    for (Statement& s : group.body) {
      auto spilled = spilled_.find(s.result);
      bool store = s.result != loop::none && spilled != spilled_.end();
      out.push_back(s);
      if (!store)
        continue;
      Statement set;
      set.kind = StatementKind::Set;
      set.type = s.type;
      set.tile = spilled->second;
      set.operands = {s.result};
      set.index = {Index{variable(group.loop), loop::none, 0}};
      out.push_back(std::move(set));
    }
    group.body = std::move(out);
  }

  Kernel& kernel_;
  LoopId loop_;
  int64_t stride_, times_;
  std::set<TileId> own_tiles_;
  Variation variation_;
  std::set<ValueId> grouped_;          ///< results of statements in groups
  std::map<ValueId, LoopId> group_of_; ///< the unrolled loop that computes it
  std::map<ValueId, loop::ValueType> types_;
  std::map<ValueId, TileId> spilled_;
  std::set<LoopId> groups_; ///< the unrolled loops made here
};

/// What iterations share, and where: within a group they do it one after another.
class SharedTiles {
public:
  explicit SharedTiles(const Statement& loop) : loop_(loop), own_(own_tiles(loop)) {
    collect(loop.body);
  }

  bool keep_order() const {
    bool keep = check_groups_.empty() ||
                (check_groups_.size() == 1 && groups_.at(*check_groups_.begin()).empty());
    for (const auto& [tile, uses] : tiles_) {
      const std::vector<const Statement*>& around = groups_.at(*uses.groups.begin());
      keep =
          keep && (!uses.set || keeps_apart(loop_, uses.accesses) ||
                   (uses.groups.size() == 1 && std::ranges::all_of(around, [&](const Statement* l) {
                      return turns(*l) <= 1 || keeps_apart(*l, uses.accesses);
                    })));
    }
    return keep;
  }

private:
  struct Uses {
    std::vector<const Statement*> accesses;
    std::set<size_t> groups;
    bool set = false;
  };

  void collect(const std::vector<Statement>& body) {
    groups_.push_back(around_);
    for (const Statement& s : body)
      if (s.kind == StatementKind::For && holds_loop(s)) {
        around_.push_back(&s);
        collect(s.body);
        around_.pop_back();
        groups_.push_back(around_);
      } else {
        use(s);
        for_each(s.body, [&](const Statement& t) { use(t); });
      }
  }

  void use(const Statement& s) {
    if (s.kind == StatementKind::Check)
      check_groups_.insert(groups_.size() - 1);
    if (s.tile == loop::none || own_.count(s.tile))
      return;
    Uses& uses = tiles_[s.tile];
    uses.accesses.push_back(&s);
    uses.groups.insert(groups_.size() - 1);
    uses.set |= s.kind == StatementKind::Set || s.kind == StatementKind::Transpose;
  }

  const Statement& loop_;
  const std::set<TileId> own_;
  std::vector<const Statement*> around_;
  std::vector<std::vector<const Statement*>> groups_; ///< of each the loops around it that stay
  std::map<TileId, Uses> tiles_;                      ///< of outside
  std::set<size_t> check_groups_;
};

} // namespace

bool keeps_order(const Program& program, const Statement& loop) {
  return shared_buffer(program, loop) == loop::none && SharedTiles(loop).keep_order();
}

bool can_jam(const Statement& loop) {
  bool joined = false;
  for_each(loop.body,
           [&](const Statement& s) { joined = joined || s.kind == StatementKind::Join; });
  return !joined;
}

namespace {

/// `count` iterations side by side.
void apply(Kernel& kernel, Statement& loop, int64_t count) {
  if (count > 1) {
    Jammer jammer(kernel, loop, count);
    loop.body = jammer.body(loop.body);
    jammer.spill(loop.body);
  }
  loop.step *= count;
}

} // namespace

void jam_varying(Kernel& kernel, Statement loop, int64_t times, std::vector<Statement>& out,
                 Varying& varying) {
  for (int64_t count = times; count > 0; count /= 2) {
    Statement part = loop;
    if (count > 1)
      part.body = copy_fresh(kernel, loop.body, varying);
    if (count < times) {
      part.loop = fresh_loop(kernel, loop.loop);
      substitute(part.body, loop.loop, variable(part.loop));
      varying.loops.insert(part.loop);
    }
    part.end = part.begin + turns(part) / count * count * part.step;
    loop.begin = part.end;
    apply(kernel, part, count);
    out.push_back(std::move(part));
  }
}

void jam(Kernel& kernel, Statement loop, int64_t times, std::vector<Statement>& out) {
  Varying nothing;
  jam(kernel, std::move(loop), times, out, nothing);
}

void jam(Kernel& kernel, Statement loop, int64_t times, std::vector<Statement>& out,
         Varying& varying) {
  int64_t n = turns(loop), full = n / times, rest = n % times;
  Statement remainder = loop;
  if (full > 0) {
    if (rest > 0)
      remainder.body = copy_fresh(kernel, loop.body, varying);
    loop.end = loop.begin + full * times * loop.step;
    apply(kernel, loop, times);
    if (full == 1)
      loop.loop_kind = loop::LoopKind::unrolled;
  }
  if (rest > 0) {
    LoopId old = remainder.loop;
    if (full > 0) {
      remainder.loop = fresh_loop(kernel, old);
      substitute(remainder.body, old, variable(remainder.loop));
      remainder.begin = loop.end;
    }
    apply(kernel, remainder, rest);
    remainder.loop_kind = loop::LoopKind::unrolled;
  }
  if (full > 0)
    out.push_back(std::move(loop));
  if (rest > 0)
    out.push_back(std::move(remainder));
}

} // namespace gdjit::scheduling
