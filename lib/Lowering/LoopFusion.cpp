// fuse_loops: the naive nests of a kernel become few loops, as one would write them.
//
//   for i { a[i] = x[i] * 2 }  for i { b[i] = a[i] + 1 }  t = tile  for i { t += b[i] }
//     =>  t = tile  for i { a[i] = x[i] * 2;  b[i] = a[i] + 1;  t += b[i] }
// A nest joins the last loop that it depends on, where their turns agree and each turn reads only
// what the same turn of that loop wrote; else a later loop that runs over the same data, or reads
// the state that it overwrites; else it is a loop of its own at the end. Every buffer element is
// written before it is read, by one nest: what a nest reads is all that orders it. Two loops whose
// order is all one are turned where the inner one can so join.
#include "FusionTree.h"
#include "Passes.h"

#include <algorithm>

namespace gdjit::lowering {

namespace {

class Fuser {
public:
  Fuser(KernelDraft& draft, const loop::Program& program, const Signature& signature)
      : draft_(draft), program_(program), state_reads_(program, signature) {}

  void add(std::vector<Statement>&& nest) {
    Uses uses;
    for (const Statement& s : nest)
      collect(program_, s, uses);
    if (can_wait(nest, uses)) {
      std::vector<size_t> behind = waiting_writers(uses);
      for (const Use& use : uses.writes)
        waiting_for_[use.resource] = waiting_.size();
      waiting_.push_back({std::move(nest[0]), std::move(behind), false});
      return;
    }
    place_with_needed(std::move(nest), uses, take(waiting_writers(uses)));
  }

  std::vector<Statement> finish() {
    std::vector<bool> read(waiting_.size()); // by another that waits
    for (const Waiting& w : waiting_)
      for (size_t writer : w.behind)
        read[writer] = true;
    for (size_t i = 0; i < waiting_.size(); ++i)
      if (!waiting_[i].placed && !read[i]) {
        Uses uses;
        collect(program_, waiting_[i].nest, uses);
        std::vector<Statement> nest;
        nest.push_back(std::move(waiting_[i].nest));
        waiting_[i].placed = true;
        place_with_needed(std::move(nest), uses, take(waiting_[i].behind));
      }
    return flatten(std::move(kernel_));
  }

private:
  /// Places a nest and the waiting ones that it needs, these in front of it or in its loop.
  void place_with_needed(std::vector<Statement>&& nest, const Uses& uses,
                         const std::vector<size_t>& needed) {
    if (!needed.empty()) {
      auto loop = std::find_if(nest.begin(), nest.end(),
                               [](const Statement& s) { return s.kind == StatementKind::For; });
      size_t host = kernel_.loops.size();
      if (loop != nest.end())
        host = host_of(kernel_, *loop, uses, ready(kernel_, uses));
      const bool joins = host < kernel_.loops.size();
      group_ = kernel_.loops.size(); // what one nest needs is better together, too
      for (size_t w : needed)
        joins ? place_before(*loop, uses, host, std::move(waiting_[w].nest))
              : place_loop(kernel_, std::move(waiting_[w].nest));
    }
    place(kernel_, std::move(nest));
    group_ = ~size_t{0};
  }

  void place(FusionScope& scope, std::vector<Statement>&& statements) {
    std::vector<Statement> straight;
    auto flush = [&] {
      if (!straight.empty())
        place_straight(scope, std::move(straight));
      straight.clear();
    };
    for (Statement& s : statements) {
      if (s.kind == StatementKind::Tile) {
        scope.tiles.push_back(std::move(s));
      } else if (s.kind == StatementKind::For) {
        flush();
        place_loop(scope, std::move(s));
      } else {
        straight.push_back(std::move(s));
      }
    }
    flush();
  }

  /// A nest without accumulators that reads nothing the kernel has computed yet, but what waits
  /// itself.
  bool can_wait(const std::vector<Statement>& nest, const Uses& uses) const {
    if (nest.size() != 1 || nest[0].kind != StatementKind::For || ready(kernel_, uses) > 0)
      return false;
    bool tiles = false;
    for_each(nest, [&](const Statement& s) { tiles |= s.tile != loop::none; });
    return !tiles;
  }

  /// The waiting nests that write what `uses` reads.
  std::vector<size_t> waiting_writers(const Uses& uses) const {
    std::vector<size_t> writers;
    for (const Use& use : uses.reads)
      if (auto at = waiting_for_.find(use.resource); at != waiting_for_.end())
        writers.push_back(at->second);
    return writers;
  }

  /// The waiting nests `todo` and those that they need, in their order; they count as placed.
  std::vector<size_t> take(std::vector<size_t> todo) {
    std::vector<size_t> needed;
    while (!todo.empty()) {
      Waiting& w = waiting_[todo.back()];
      const size_t number = todo.back();
      todo.pop_back();
      if (w.placed)
        continue;
      w.placed = true;
      needed.push_back(number);
      todo.insert(todo.end(), w.behind.begin(), w.behind.end());
    }
    std::sort(needed.begin(), needed.end());
    return needed;
  }

  /// Places a nest that waited so that `user` can still join the loop `host`: in that loop, or in
  /// front of it.
  void place_before(const Statement& user, const Uses& of_user, size_t host, Statement&& nest) {
    Uses uses;
    collect(program_, nest, uses);
    const Time time = ready(kernel_, uses), at = static_cast<Time>(2 * host + 1);
    FusionLoop& loop = kernel_.loops[host];
    auto read_in_same_turn = [&](const Use& write) {
      return std::all_of(of_user.reads.begin(), of_user.reads.end(), [&](const Use& read) {
        const Statement &w = *write.statement, &r = *read.statement;
        return read.resource != write.resource || w.kind != StatementKind::Store ||
               (w.buffer == r.buffer && same_turn(w.index, nest.loop, r.index, user.loop));
      });
    };
    if (time <= at && compatible(loop, nest) && seals_allow(loop, nest, uses) &&
        (time < at || reads_same_turn(kernel_, nest, uses, time)) &&
        std::all_of(uses.writes.begin(), uses.writes.end(), read_in_same_turn))
      return join(kernel_, host, std::move(nest), uses);
    if (time < at) {
      note_writes(kernel_, uses, at - 1);
      kernel_.slots[host].push_back(std::move(nest));
      return;
    }
    place_loop(kernel_, std::move(nest));
  }

  /// When everything in `uses` that the scope computes is there.
  static Time ready(const FusionScope& scope, const Uses& uses) {
    Time time = 0;
    for (const Use& use : uses.reads)
      if (auto at = scope.written.find(use.resource); at != scope.written.end())
        time = std::max(time, at->second);
    return time;
  }
  static void note_writes(FusionScope& scope, const Uses& uses, Time time) {
    for (const Use& use : uses.writes) {
      Time& last = scope.written[use.resource];
      last = std::max(last, time);
    }
  }

  void place_straight(FusionScope& scope, std::vector<Statement>&& statements) {
    Uses uses;
    for (const Statement& s : statements)
      collect(program_, s, uses);
    size_t slot = static_cast<size_t>(ready(scope, uses) + 1) / 2;
    note_writes(scope, uses, static_cast<Time>(2 * slot));
    for (Statement& s : statements) {
      if (s.kind == StatementKind::Store)
        stores_[of_buffer(program_, s.buffer)].push_back({s.buffer, s.index});
      else if (s.kind == StatementKind::Set)
        stores_[of_tile(s.tile)].push_back({loop::none, s.index});
      scope.slots[slot].push_back(std::move(s));
    }
  }

  void place_loop(FusionScope& scope, Statement&& nest) {
    Uses uses;
    collect(program_, nest, uses);
    Time time = ready(scope, uses);
    size_t host = host_of(scope, nest, uses, time);
    if (host == scope.loops.size() && may_interchange(nest)) {
      Statement other = interchanged(nest);
      Uses of_other;
      collect(program_, other, of_other);
      if (size_t better = host_of(scope, other, of_other, time);
          better != host && static_cast<Time>(2 * better + 1) == time)
        return join(scope, better, std::move(other), of_other);
    }
    if (host == scope.loops.size()) {
      FusionLoop& fresh = scope.loops.emplace_back();
      scope.slots.emplace_back();
      scope.last_of_extent[nest.end] = host;
      fresh.head = nest;
      fresh.head.body.clear();
    }
    join(scope, host, std::move(nest), uses);
  }

  /// True for two loops around accumulations and stores of elements that both address: they may run
  /// in either order.
  bool may_interchange(const Statement& nest) const {
    if (nest.body.size() != 1 || nest.body[0].kind != StatementKind::For)
      return false;
    const Statement& inner = nest.body[0];
    if (!is_plain(nest) || !is_plain(inner))
      return false;
    return std::all_of(inner.body.begin(), inner.body.end(), [&](const Statement& s) {
      if (s.kind == StatementKind::For || s.kind == StatementKind::Check)
        return false;
      if (s.kind != StatementKind::Set && s.kind != StatementKind::Store)
        return true;
      auto addresses = [&](LoopId l) {
        return std::any_of(s.index.begin(), s.index.end(), [&](const Index& i) {
          return i.affine.terms.size() == 1 && i.affine.terms[0].loop == l &&
                 i.dynamic == loop::none;
        });
      };
      return addresses(nest.loop) && addresses(inner.loop);
    });
  }
  bool is_plain(const Statement& loop) const {
    return draft_.loops[loop.loop].partials == 0 && !draft_.loops[loop.loop].sealed;
  }
  static Statement interchanged(const Statement& nest) {
    Statement outer = nest.body[0], inner = nest;
    inner.body = std::move(outer.body);
    outer.body = {std::move(inner)};
    return outer;
  }

  /// Puts what `nest` does per turn into the loop `host`.
  void join(FusionScope& scope, size_t host, Statement&& nest, const Uses& uses) {
    FusionLoop& loop = scope.loops[host];
    note_writes(scope, uses, static_cast<Time>(2 * host + 1));
    note_arrays(loop, uses);
    if (&scope == &kernel_)
      state_reads_.note(uses, nest.loop, host);
    if (nest.loop != loop.head.loop)
      rename(nest, loop.head.loop);
    place(loop.body, std::move(nest.body));
  }

  /// The loop of `scope` that `nest` joins; their number for none.
  size_t host_of(const FusionScope& scope, const Statement& nest, const Uses& uses,
                 Time time) const {
    const size_t none = scope.loops.size();
    if (time % 2 == 1) {
      size_t host = static_cast<size_t>(time / 2);
      if (compatible(scope.loops[host], nest) && reads_same_turn(scope, nest, uses, time) &&
          seals_allow(scope.loops[host], nest, uses))
        return host;
    }
    if (&scope == &kernel_)
      if (size_t host = state_reads_.reader(uses, nest.loop, none);
          host != none && static_cast<Time>(2 * host + 1) > time &&
          compatible(scope.loops[host], nest) && seals_allow(scope.loops[host], nest, uses))
        return host;
    auto last = scope.last_of_extent.find(nest.end);
    if (last == scope.last_of_extent.end() || static_cast<Time>(2 * last->second + 1) <= time)
      return none;
    const FusionLoop& sibling = scope.loops[last->second];
    // Within a loop everything is near; at the top of a kernel only nests over the same data are
    // better together.
    bool shares = &scope != &kernel_ || last->second >= group_ ||
                  std::any_of(uses.reads.begin(), uses.reads.end(), [&](const Use& use) {
                    return sibling.arrays.contains(use.resource);
                  });
    return shares && compatible(sibling, nest) && seals_allow(sibling, nest, uses) ? last->second
                                                                                   : none;
  }

  bool compatible(const FusionLoop& host, const Statement& nest) const {
    int32_t a = draft_.loops[host.head.loop].partials, b = draft_.loops[nest.loop].partials;
    return host.head.end == nest.end && (a == 0 || b == 0 || a == b);
  }

  /// True where each turn of `nest` reads, of what the loop at `time` writes, only what the same
  /// turn wrote.
  bool reads_same_turn(const FusionScope& scope, const Statement& nest, const Uses& uses,
                       Time time) const {
    LoopId host = scope.loops[static_cast<size_t>(time / 2)].head.loop;
    return std::all_of(uses.reads.begin(), uses.reads.end(), [&](const Use& use) {
      auto at = scope.written.find(use.resource);
      return at == scope.written.end() || at->second != time || aligned(use, nest.loop, host);
    });
  }

  /// True where the element that `use` reads in turn c of loop `guest` is written in turn c of loop
  /// `host`: some axis is addressed by the same function of the turn alone.
  bool aligned(const Use& use, LoopId guest, LoopId host) const {
    auto stores = stores_.find(use.resource);
    if (stores == stores_.end() || use.statement->kind == StatementKind::Join)
      return false;
    const Statement& read = *use.statement;
    if (read.kind == StatementKind::Get && draft_.partials_loop[read.tile] == guest)
      return false;
    return std::all_of(stores->second.begin(), stores->second.end(), [&](const Stored& store) {
      return store.buffer == read.buffer && same_turn(store.index, host, read.index, guest);
    });
  }

  /// A contraction that has its own schedule is joined by its epilogue alone: straight statements
  /// per element, in all of its result loops.
  bool seals_allow(const FusionLoop& host, const Statement& nest, const Uses& uses) const {
    if (draft_.loops[nest.loop].sealed)
      return false;
    const FusionLoop* outer = &host;
    const Statement* guest = &nest;
    while (draft_.loops[outer->head.loop].sealed) {
      if (outer->head.end != guest->end || draft_.loops[guest->loop].partials != 0 ||
          !all_aligned(host, uses, guest->loop, outer->head.loop))
        return false;
      const FusionLoop* inner = nullptr;
      for (const FusionLoop& loop : outer->body.loops)
        if (draft_.loops[loop.head.loop].sealed)
          inner = &loop;
      if (inner == nullptr)
        return std::none_of(guest->body.begin(), guest->body.end(), [](const Statement& s) {
          return s.kind == StatementKind::For || s.kind == StatementKind::Tile;
        });
      if (guest->body.size() != 1 || guest->body[0].kind != StatementKind::For)
        return false;
      guest = &guest->body[0];
      outer = inner;
    }
    return true;
  }
  bool all_aligned(const FusionLoop& host, const Uses& uses, LoopId guest, LoopId loop) const {
    return std::all_of(uses.reads.begin(), uses.reads.end(), [&](const Use& use) {
      return !host.body.written.contains(use.resource) || aligned(use, guest, loop);
    });
  }

  void note_arrays(FusionLoop& loop, const Uses& uses) const {
    auto note = [&](const Use& use) {
      const Statement& s = *use.statement;
      bool memory = s.kind == StatementKind::Load || s.kind == StatementKind::Store;
      if (memory && program_.buffers[s.buffer].type.elements() > 1 &&
          use.resource == of_buffer(program_, s.buffer))
        loop.arrays.insert(use.resource);
    };
    std::for_each(uses.reads.begin(), uses.reads.end(), note);
    std::for_each(uses.writes.begin(), uses.writes.end(), note);
  }

  /// The turns of `nest` become those of `host`.
  void rename(Statement& nest, LoopId host) {
    substitute(nest.body, nest.loop, {0, {{host, 1}}});
    for_each(nest.body, [&](const Statement& s) {
      if (s.kind == StatementKind::Set && draft_.partials_loop[s.tile] == nest.loop)
        draft_.partials_loop[s.tile] = host;
    });
    LoopFacts &from = draft_.loops[nest.loop], &to = draft_.loops[host];
    to.partials = std::max(to.partials, from.partials);
    nest.loop = host;
  }

  struct Stored {
    BufferId buffer; ///< as named: a view's elements have other coordinates
    std::vector<Index> index;
  };
  struct Waiting {
    Statement nest;
    std::vector<size_t> behind; ///< waiting nests that must come before
    bool placed;
  };
  KernelDraft& draft_;
  const loop::Program& program_;
  FusionScope kernel_;
  StateReads state_reads_;
  size_t group_ = ~size_t{0}; ///< the first loop made for the nest that is being added
  std::unordered_map<Resource, std::vector<Stored>> stores_;
  std::vector<Waiting> waiting_;
  std::unordered_map<Resource, size_t> waiting_for_;
};

} // namespace

void fuse_loops(KernelDraft& draft, const loop::Program& program, const Signature& signature) {
  Fuser fuser(draft, program, signature);
  for (std::vector<Statement>& nest : draft.nests)
    fuser.add(std::move(nest));
  draft.nests.clear();
  draft.kernel.body = fuser.finish();
}

} // namespace gdjit::lowering
