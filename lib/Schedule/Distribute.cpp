// Which loops are cut: each at its accumulations where that gains, all at their joins where that
// gains with what it allows then.
#include "Distribute.h"

#include "CutLoop.h"
#include "Independence.h"
#include "VectorCost.h"
#include "Vectorize.h"

#include <algorithm>
#include <fmt/ranges.h>

namespace gdjit::scheduling {

namespace {

constexpr double least_gain = 0.75; ///< of the estimate: memory has a latency that it ignores

bool sets_outside(const Statement& loop) {
  const std::set<TileId> own = own_tiles(loop);
  bool found = false;
  for_each(loop.body, [&](const Statement& s) {
    found |= s.kind == StatementKind::Set && !own.count(s.tile);
  });
  return found;
}

/// True where lanes of the loop's iterations may gain by a cut: it accumulates.
bool is_candidate(const Program& program, const Statement& s, Cut cut, const Settled& settled) {
  if (s.kind != StatementKind::For || s.loop_kind != loop::LoopKind::sequential ||
      settled.count(s.loop))
    return false;
  if (cut == Cut::joins ? !joins(s) || !sets_outside(s)
                        : turns(s) < least_iterations || dependence(program, s).empty())
    return false;
  bool plain = true;
  for_each(s.body, [&](const Statement& inside) {
    plain = plain && inside.type.lanes == 1 && inside.kind != StatementKind::Transpose &&
            !(inside.kind == StatementKind::For && settled.count(inside.loop));
  });
  return plain;
}

/// At joins loops at any depth, one around others before them.
std::vector<LoopId> candidates(const Program& program, const Kernel& kernel, Cut cut,
                               const Settled& settled) {
  std::vector<LoopId> loops;
  auto look = [&](const Statement& s) {
    if (is_candidate(program, s, cut, settled))
      loops.push_back(s.loop);
  };
  if (cut == Cut::joins)
    for_each(kernel.body, look);
  else
    std::ranges::for_each(kernel.body, look);
  return loops;
}

/// The body that holds a loop.
std::vector<Statement>* holder_of(std::vector<Statement>& body, LoopId loop) {
  for (Statement& s : body)
    if (s.kind == StatementKind::For) {
      if (s.loop == loop)
        return &body;
      if (std::vector<Statement>* found = holder_of(s.body, loop))
        return found;
    }
  return nullptr;
}

/// Cuts those of the loops that can be, none within another one; gives their names.
std::string cut_loops(Program& program, Kernel& kernel, const std::vector<LoopId>& loops, Cut cut,
                      const MachineTable& machine) {
  std::vector<std::string> names;
  std::set<LoopId> within;
  for (LoopId loop : loops) {
    if (within.count(loop))
      continue;
    std::vector<Statement>& body = *holder_of(kernel.body, loop);
    auto at = std::ranges::find(body, loop, &Statement::loop);
    const Statement whole = *at;
    auto halves = cut_loop(program, kernel, whole, cut, machine);
    if (!halves)
      continue;
    for_each(whole.body, [&](const Statement& s) { within.insert(s.loop); });
    at = body.erase(at);
    body.insert(at, halves->begin(), halves->end());
    if (const std::string& name = kernel.loop_names[loop];
        std::ranges::find(names, name) == names.end())
      names.push_back(name);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string said(const Kernel& kernel, const std::string& loops, Cut cut, double after,
                 double before) {
  return fmt::format("{}: loop {} is two, of which the {}: an estimated {:.0f} operations instead "
                     "of {:.0f}",
                     kernel.name, loops,
                     cut == Cut::joins
                         ? "first joins partial sums and the second is free to be vectors"
                         : "first is free to be vectors and the second accumulates in order",
                     after, before);
}

/// Cuts each loop where that gains.
void cut_accumulations(Program& program, Kernel& kernel, PassContext& context,
                       const Settled& settled) {
  for (LoopId loop : candidates(program, kernel, Cut::accumulations, settled)) {
    const size_t buffers = program.buffers.size();
    Kernel cut = kernel;
    const std::string name = cut_loops(program, cut, {loop}, Cut::accumulations, context.machine);
    if (name.empty())
      continue;
    const double before = estimated_cost(program, kernel, context),
                 after = estimated_cost(program, cut, context);
    if (after < least_gain * before) {
      context.remarks.push_back(said(kernel, name, Cut::accumulations, after, before));
      kernel = std::move(cut);
    } else {
      program.buffers.resize(buffers);
    }
  }
}

} // namespace

std::set<loop::BufferId> distribute(Program& program, Kernel& kernel, PassContext& context,
                                    const Settled& settled) {
  const size_t buffers = program.buffers.size();
  const std::vector<LoopId> joining = candidates(program, kernel, Cut::joins, settled);
  Program with_joins;
  Kernel at_joins;
  std::string names;
  if (!joining.empty()) { // chains are lanes in all loops over them, or in none
    with_joins = program;
    at_joins = kernel;
    names = cut_loops(with_joins, at_joins, joining, Cut::joins, context.machine);
  }
  PassContext at_joins_context = context;
  cut_accumulations(program, kernel, context, settled);
  if (!names.empty()) {
    cut_accumulations(with_joins, at_joins, at_joins_context, settled);
    const double before = estimated_cost(program, kernel, context),
                 after = estimated_cost(with_joins, at_joins, context);
    if (after < least_gain * before) {
      program.buffers = std::move(with_joins.buffers);
      kernel = std::move(at_joins);
      context.remarks = std::move(at_joins_context.remarks);
      context.remarks.push_back(said(kernel, names, Cut::joins, after, before));
    }
  }
  std::set<loop::BufferId> own;
  for (size_t b = buffers; b < program.buffers.size(); ++b)
    own.insert(static_cast<loop::BufferId>(b));
  return own;
}

} // namespace gdjit::scheduling
