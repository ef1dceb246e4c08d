// Uniform: pointwise ops over operands that are each one number, whatever their shape.
#pragma once

#include "gdjit/Ops/Rebuild.h"

namespace gdjit {

/// Old node n, whose operands have become `operands`, as a broadcast constant of its type, computed
/// by its expansion; invalid where the op is not pointwise or an operand is not uniform.
Value fold_uniform(Rebuild& rebuild, NodeId n, std::span<const Value> operands);

/// The values that a gradient is taken of, per node: no rewrite before differentiation may look
/// through them.
std::vector<bool> gradient_targets(const Graph& graph);

} // namespace gdjit
