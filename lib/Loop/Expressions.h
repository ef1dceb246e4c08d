// Expressions: which values of a kernel the text writes where they are used.
//
// Numbers, indices, scalars and what a tile holds are said wherever they are used, as often as that
// is.
// Anything else stands in place where it is used once: reading such a line makes the statements
// again in the order in which the line names them, so the kernel must already have that order.
//     %1 = load x[i]
//     %2 = 0.5 : f32                        %5 = fma x[i], 0.5, (exp t0)
//     %3 = get t0                   =>
//     %4 = exp %3
//     %5 = fma %1, %2, %4
#pragma once

#include "gdjit/Loop/Program.h"

#include <unordered_map>

namespace gdjit::loop {

/// Statements by the value they give.
using ValuesInPlace = std::unordered_map<ValueId, const Statement*>;

/// The statements whose values need no line of their own, keyed by value: numbers, indices,
/// scalars and reads of tiles that do not change until the use; and what is used once, by the
/// statement that follows and computes for the same node, at most a few operations a line.
ValuesInPlace values_in_place(const Program& program, const Kernel& kernel);

/// True for a number that stands in place.
bool is_literal(const ValuesInPlace& in_place, ValueId value);

} // namespace gdjit::loop
