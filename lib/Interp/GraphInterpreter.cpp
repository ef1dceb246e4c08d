// The graph interpreter: node after node, each by the kind of its op and the fields of its block.
#include "gdjit/Interp/GraphInterpreter.h"

#include "GraphNodes.h"

namespace gdjit {

namespace {

const Array& argument(const std::vector<Array>& arguments, const Graph& graph, NodeId node) {
  const size_t row = static_cast<size_t>(graph.attributes(node).integer(Attr::index));
  GDJIT_CHECK(row < arguments.size() && arguments[row].type() == graph.type(node));
  return arguments[row];
}

/// What storage holds: data of the call, state, scalars, constants.
const Array& stored(const Graph& graph, NodeId node, const CallArguments& arguments) {
  switch (graph.op(node)) {
  case Opcode::Input:
    return argument(arguments.inputs, graph, node);
  case Opcode::State:
    return argument(arguments.states, graph, node);
  case Opcode::Scalar:
    return argument(arguments.scalars, graph, node);
  default:
    return graph.attributes(node).array(Attr::value);
  }
}

Array evaluate(const Graph& graph, NodeId node, interp::Operands operands, CallStatus& status) {
  switch (info(graph.op(node)).kind) {
  case OpKind::Source:
  case OpKind::Pointwise:
    return interp::evaluate_expansion(graph, node, operands);
  case OpKind::Movement:
    return interp::evaluate_movement(graph, node, operands);
  case OpKind::Reduction:
  case OpKind::Contraction:
    return interp::evaluate_accumulation(graph, node, operands);
  case OpKind::Indexing:
    return interp::evaluate_indexing(graph, node, operands, status);
  case OpKind::Derivative:
    break;
  }
  throw InternalError("the graph interpreter met '" + std::string(name(graph.op(node))) +
                      "'; differentiate expands it first");
}

/// Runs all nodes. Where `last_use` is given, a value is dropped behind the node that uses it last.
std::vector<Array> run(const Graph& graph, const CallArguments& arguments, CallStatus& status,
                       const std::vector<NodeId>* last_use) {
  std::vector<Array> values;
  values.reserve(graph.size());
  std::vector<const Array*> operands;
  for (NodeId node = 0; node < graph.size(); ++node) {
    const OpInfo& op = info(graph.op(node));
    if (op.kind == OpKind::Source && !op.block->expand) {
      values.push_back(stored(graph, node, arguments));
      continue;
    }
    operands.clear();
    for (Value v : graph.operands(node))
      operands.push_back(&values[v.node]);
    values.push_back(evaluate(graph, node, operands, status));
    if (last_use)
      for (Value v : graph.operands(node))
        if ((*last_use)[v.node] == node)
          values[v.node] = Array();
  }
  return values;
}

} // namespace

CallResults interpret(const Step& step, const CallArguments& arguments) {
  std::vector<NodeId> last_use(step.graph.size(), no_node);
  for (NodeId node = 0; node < step.graph.size(); ++node)
    for (Value v : step.graph.operands(node))
      last_use[v.node] = node;
  for (const std::vector<Value>* kept : {&step.outputs, &step.updates})
    for (Value v : *kept)
      last_use[v.node] = no_node;

  CallResults results;
  std::vector<Array> values = run(step.graph, arguments, results.status, &last_use);
  for (Value v : step.outputs)
    results.outputs.push_back(values[v.node]);
  for (Value v : step.updates)
    results.updates.push_back(values[v.node]);
  return results;
}

std::vector<Array> interpret_nodes(const Graph& graph, const CallArguments& arguments,
                                   CallStatus& status) {
  status = {};
  return run(graph, arguments, status, nullptr);
}

CallArguments initial_arguments(const Signature& signature, int64_t seed) {
  CallArguments arguments;
  for (const ScalarDecl& scalar : signature.scalars) {
    Array value(TensorType{scalar.dtype, {}});
    if (scalar.name == "seed" && scalar.dtype == DType::i64)
      *value.data<int64_t>() = seed;
    else
      value.set(0, scalar.name == "step" ? 0 : scalar.initial);
    arguments.scalars.push_back(std::move(value));
  }
  return arguments;
}

std::vector<Array> initial_values(const Signature& signature, int64_t seed) {
  CallStatus status;
  std::vector<Array> values =
      run(signature.initial, initial_arguments(signature, seed), status, nullptr);
  require_in_range(status, signature.initial);
  std::vector<Array> states;
  for (const StateDecl& state : signature.states) {
    GDJIT_CHECK(state.initial.valid() && values[state.initial.node].type() == state.type);
    states.push_back(values[state.initial.node]);
  }
  return states;
}

} // namespace gdjit
