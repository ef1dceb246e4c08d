// One function per kind of op: the value of a node from the values of its operands.
#pragma once

#include "gdjit/IR/Call.h"
#include "gdjit/Ops/Expansions.h"

#include <map>

namespace gdjit::interp {

using Operands = std::span<const Array* const>;

/// The expansions of a graph's nodes, laid out to be run, each once.
class ExpansionRuns {
public:
  explicit ExpansionRuns(const Graph& graph) : expansions_(graph) {}

  loop::ScalarRun& of(NodeId node, const std::vector<bool>& uniform);

private:
  Expansions expansions_;
  std::map<std::pair<const loop::ScalarProgram*, std::vector<bool>>,
           std::unique_ptr<loop::ScalarRun>>
      runs_; ///< by program and uniform parameters; nothing is read in the order of addresses
};

/// Pointwise, and Source with an expansion: runs the expansion over all elements. An operand of one
/// element stands for as many as the result has; `result` may be an operand.
void evaluate_expansion(const Graph& graph, NodeId node, Operands operands, ExpansionRuns& runs,
                        Array& result);
/// Movement: true where the value is one element of its operand, again and again.
bool repeats_one(const Graph& graph, NodeId node, Operands operands);
Array repeated(const TensorType& type, const Array& one);
Array evaluate_movement(const Graph& graph, NodeId node, Operands operands);
/// Reduction and Contraction, in the node's order.
Array evaluate_accumulation(const Graph& graph, NodeId node, Operands operands);
/// Notes the first index out of range in `status`, unless there is one already.
Array evaluate_indexing(const Graph& graph, NodeId node, Operands operands, CallStatus& status);

} // namespace gdjit::interp
