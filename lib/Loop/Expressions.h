// Expressions: which values of a kernel the text writes where they are used.
//
// Reading such a line makes the statements again in the order in which the line names them, so a
// value stands in place only where the kernel already has that order.
//     %1 = load x[i]
//     %2 = load w[0]                        %5 = fma x[i], w[0], (exp t0)
//     %3 = get t0                   =>
//     %4 = exp %3
//     %5 = fma %1, %2, %4
#pragma once

#include "gdjit/Loop/Program.h"

#include <unordered_map>

namespace gdjit::loop {

/// The statements of a kernel whose values are used once, by the statement that follows them and
/// computes for the same node; keyed by value. A line holds at most a few operations.
std::unordered_map<ValueId, const Statement*> values_in_place(const Kernel& kernel);

} // namespace gdjit::loop
