// One function per kind of op: the value of a node from the values of its operands.
#pragma once

#include "gdjit/IR/Call.h"
#include "gdjit/Ops/Op.h"

namespace gdjit::interp {

using Operands = std::span<const Array* const>;

/// Pointwise, and Source with an expansion: runs the expansion over all elements.
Array evaluate_expansion(const Graph& graph, NodeId node, Operands operands);
Array evaluate_movement(const Graph& graph, NodeId node, Operands operands);
/// Reduction and Contraction, in the node's order.
Array evaluate_accumulation(const Graph& graph, NodeId node, Operands operands);
/// Notes the first index out of range in `status`, unless there is one already.
Array evaluate_indexing(const Graph& graph, NodeId node, Operands operands, CallStatus& status);

} // namespace gdjit::interp
