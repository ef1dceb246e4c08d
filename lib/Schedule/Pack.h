// pack: a buffer that a vector loop reads across its rows is copied once with that axis last, so
// that lanes lie side by side.
//
// Before:  … %b = load w[j + lanes, k] …
// After:   for j { for k { w.packed[k, j] = w[j, k] } } … %b = load w.packed[k, j + lanes] …
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"
#include "gdjit/Loop/ShortRows.h"

#include <span>

namespace gdjit::scheduling {

/// A buffer and the axis of it that lanes go along, which is not the last.
using Place = std::pair<loop::BufferId, int>;

/// True where a copy of the buffer, made in front of the nest, holds what the nest reads.
bool can_pack(const Program& program, const Statement& nest, loop::BufferId buffer);

/// Operations of an exchange of a square of lanes in registers, with its loads and stores.
double exchange_cost(double lanes);

/// How often a load inside these loops is. What an unrolled loop reads again is fetched once: a
/// register holds it.
double fetched(const Statement& load, const std::vector<const Statement*>& around);

/// Lets the loads of `nests` whose lanes go along `axis` of `from` read a copy with that axis last;
/// the copy's loops go in front of them. Where anything varies they hold whole blocks, whatever the
/// extents.
std::vector<Statement> pack_loads(Program& program, Kernel& kernel, std::span<Statement> nests,
                                  loop::BufferId from, int axis, const PassContext& context,
                                  Varying* varying);

void pack(Program& program, Kernel& kernel, PassContext& context, Varying& varying);

} // namespace gdjit::scheduling
