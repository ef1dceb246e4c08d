// The proof that a store into a state's memory comes after every read of the element it overwrites.
#include "InPlace.h"

#include "Liveness.h"

#include <algorithm>
#include <cstdlib>
#include <set>

namespace gdjit::memory {

namespace {

using loop::Index;
using loop::Statement;

const Statement* find_loop(const Access& access, loop::LoopId id) {
  for (const Statement* l : access.loops)
    if (l->loop == id)
      return l;
  return nullptr;
}

/// False within a loop without turns, as kernels for any extents have them.
bool happens(const Access& access) {
  return std::ranges::all_of(access.loops, [](const Statement* l) { return loop::turns(*l) > 0; });
}

/// Least and greatest value of a coordinate over the loops around it, lanes included.
struct Interval {
  int64_t low, high;
};

Interval interval(const Access& access, const Index& index) {
  Interval i{index.affine.constant, index.affine.constant};
  auto widen = [&i](int64_t a, int64_t b) {
    i.low += std::min(a, b);
    i.high += std::max(a, b);
  };
  for (const loop::Term& term : index.affine.terms)
    if (const Statement* l = find_loop(access, term.loop))
      widen(term.factor * l->begin, term.factor * loop::last_value(*l));
  widen(0, index.lane * (access.statement->type.lanes - 1));
  return i;
}

/// A coordinate without the terms that are multiples of `period` beside its constant.
Index within(const Access& access, Index index, int64_t period) {
  SmallVector<loop::Term, 2> kept;
  for (const loop::Term& term : index.affine.terms) {
    const Statement* l = find_loop(access, term.loop);
    if (l != nullptr && term.factor * l->step % period == 0)
      index.affine.constant += term.factor * l->begin;
    else
      kept.push_back(term);
  }
  index.affine.terms = kept;
  return index;
}

/// True where the coordinates differ in what is left of them modulo `period`, as those of the rows
/// 0..14 and 14..16 of each piece of 16 do.
bool differ(Interval x, Interval y, int64_t period) {
  const int64_t apart = ((y.low - x.low) % period + period) % period;
  return x.high - x.low < apart && apart + y.high - y.low < period;
}

/// True where the two accesses, of buffers of one shape, never touch a common element, whatever the
/// iterations.
bool disjoint(const Access& a, const Access& b) {
  for (size_t axis = 0; axis < a.statement->index.size(); ++axis) {
    const Index &x = a.statement->index[axis], &y = b.statement->index[axis];
    if (x.dynamic != loop::none || y.dynamic != loop::none)
      continue;
    Interval i = interval(a, x), j = interval(b, y);
    if (i.high < j.low || j.high < i.low)
      return true;
    for (const loop::Term& term : x.affine.terms)
      if (const Statement* l = find_loop(a, term.loop)) {
        const int64_t period = std::abs(term.factor * l->step);
        if (differ(interval(a, within(a, x, period)), interval(b, within(b, y, period)), period))
          return true;
      }
  }
  return false;
}

/// True where different iterations of the loops around the access touch different elements: every
/// loop that runs more than once steps one coordinate further than all smaller steps of that
/// coordinate together reach.
bool injective(const Access& access) {
  struct Step {
    int64_t size, reach;
  };
  std::vector<const Statement*> moving;
  for (const Statement* l : access.loops)
    if (loop::last_value(*l) > l->begin)
      moving.push_back(l);
  std::set<loop::LoopId> covered;
  for (const Index& index : access.statement->index) {
    if (index.dynamic != loop::none)
      return false;
    std::vector<Step> steps;
    for (const loop::Term& term : index.affine.terms)
      for (const Statement* l : moving)
        if (l->loop == term.loop) {
          int64_t factor = std::abs(term.factor);
          steps.push_back({factor * l->step, factor * (loop::last_value(*l) - l->begin)});
          covered.insert(term.loop);
        }
    std::sort(steps.begin(), steps.end(), [](Step a, Step b) { return a.size < b.size; });
    int64_t reached = std::abs(index.lane) * (access.statement->type.lanes - 1);
    for (Step s : steps) {
      if (s.size <= reached)
        return false;
      reached += s.reach;
    }
  }
  return covered.size() == moving.size();
}

/// Why `store` may overwrite what `load` reads too early; nullptr where it does not.
const char* too_early(const loop::Program& program, const Access& store, const Access& load) {
  if (load.position < store.position)
    return nullptr;
  // Coordinates name the same elements only where both see the memory under one shape.
  bool same_shape =
      program.buffers[store.buffer].type.shape == program.buffers[load.buffer].type.shape;
  if (same_shape && disjoint(store, load))
    return nullptr;
  if (load.position > store.position)
    return "a later loop reads the old value";
  if (same_shape && store.body == load.body && load.index_in_body < store.index_in_body &&
      store.statement->index == load.statement->index &&
      store.statement->type.lanes == load.statement->type.lanes && injective(store))
    return nullptr;
  return "another iteration of the loop reads the old value";
}

} // namespace

std::vector<InPlaceDecision> decide_in_place(const loop::Program& program) {
  // Accesses of an update's and its state's storage.
  struct Group {
    InPlaceDecision decision;
    std::vector<Access> stores, loads;
  };
  std::vector<Group> groups(program.signature.states.size());         // by row
  std::vector<uint32_t> state_of(program.buffers.size(), loop::none); // by storage
  std::vector<bool> wanted(program.buffers.size(), false);
  for (BufferId b = 0; b < program.buffers.size(); ++b) {
    const loop::Buffer& buffer = program.buffers[b];
    if (buffer.role != loop::BufferRole::update)
      continue;
    const uint32_t state = program.signature.updates[buffer.number].state;
    groups[state].decision.update = b;
    if (loop::storage(program, b) != b)
      groups[state].decision.refusal = "it is a view of another buffer";
    else
      state_of[b] = state;
    wanted[loop::storage(program, b)] = true;
  }
  for (BufferId b = 0; b < program.buffers.size(); ++b) {
    const loop::Buffer& buffer = program.buffers[b];
    if (buffer.role == loop::BufferRole::state && buffer.same_as == loop::none &&
        groups[buffer.number].decision.update != loop::none) {
      groups[buffer.number].decision.state = b;
      state_of[b] = buffer.number;
      wanted[b] = true;
    }
  }
  for (Access& access : collect_accesses(program, wanted)) {
    const BufferId memory = loop::storage(program, access.buffer);
    if (state_of[memory] == loop::none || !happens(access))
      continue;
    Group& group = groups[state_of[memory]];
    const bool of_update = memory == group.decision.update;
    if (of_update && access.is_store())
      group.stores.push_back(std::move(access));
    else if (!of_update)
      group.loads.push_back(std::move(access));
  }
  std::vector<InPlaceDecision> result;
  for (Group& group : groups) {
    if (group.decision.update == loop::none)
      continue;
    for (const Access& store : group.stores)
      for (const Access& load : group.loads)
        if (const char* why =
                group.decision.refusal.empty() ? too_early(program, store, load) : nullptr)
          group.decision.refusal = why;
    result.push_back(std::move(group.decision));
  }
  return result;
}

} // namespace gdjit::memory
