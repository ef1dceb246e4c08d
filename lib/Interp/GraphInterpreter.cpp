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

/// A run over all nodes. A value that repeats one element stays that one element until it is asked
/// for as a whole.
class Values {
public:
  Values(const Graph& graph, const CallArguments& arguments, CallStatus& status)
      : graph_(graph), arguments_(arguments), status_(status), runs_(graph) {
    values_.reserve(graph.size());
  }

  /// Where `last_use` is given, a value is dropped behind the node that uses it last.
  void run(const std::vector<NodeId>* last_use);
  Array& whole(NodeId node);
  std::vector<Array> take_all();

private:
  Array evaluate(NodeId node, const std::vector<NodeId>* last_use);
  Array expansion(NodeId node, const std::vector<NodeId>* last_use);

  const Graph& graph_;
  const CallArguments& arguments_;
  CallStatus& status_;
  interp::ExpansionRuns runs_;
  std::vector<Array> values_;
  std::vector<const Array*> operands_;
};

void Values::run(const std::vector<NodeId>* last_use) {
  for (NodeId node = 0; node < graph_.size(); ++node) {
    const OpInfo& op = info(graph_.op(node));
    if (op.kind == OpKind::Source && !op.block->expand) {
      values_.push_back(stored(graph_, node, arguments_));
      continue;
    }
    values_.push_back(evaluate(node, last_use));
    if (last_use)
      for (Value v : graph_.operands(node))
        if ((*last_use)[v.node] == node)
          values_[v.node] = Array();
  }
}

Array& Values::whole(NodeId node) {
  Array& value = values_[node];
  if (value.type() != graph_.type(node)) {
    GDJIT_CHECK(value.elements() == 1);
    value = interp::repeated(graph_.type(node), value);
  }
  return value;
}

std::vector<Array> Values::take_all() {
  for (NodeId node = 0; node < graph_.size(); ++node)
    whole(node);
  return std::move(values_);
}

Array Values::evaluate(NodeId node, const std::vector<NodeId>* last_use) {
  const OpKind kind = info(graph_.op(node)).kind;
  operands_.clear();
  for (Value v : graph_.operands(node))
    operands_.push_back(kind == OpKind::Pointwise ? &values_[v.node] : &whole(v.node));
  switch (kind) {
  case OpKind::Source:
  case OpKind::Pointwise:
    return expansion(node, last_use);
  case OpKind::Movement:
    return interp::repeats_one(graph_, node, operands_)
               ? *operands_[0]
               : interp::evaluate_movement(graph_, node, operands_);
  case OpKind::Reduction:
  case OpKind::Contraction:
    return interp::evaluate_accumulation(graph_, node, operands_);
  case OpKind::Indexing:
    return interp::evaluate_indexing(graph_, node, operands_, status_);
  case OpKind::Derivative:
    break;
  }
  throw InternalError("the graph interpreter met '" + std::string(name(graph_.op(node))) +
                      "'; differentiate expands it first");
}

/// Into the memory of an operand that is used for the last time where there is one of its type.
Array Values::expansion(NodeId node, const std::vector<NodeId>* last_use) {
  if (last_use)
    for (Value v : graph_.operands(node))
      if ((*last_use)[v.node] == node && values_[v.node].type() == graph_.type(node)) {
        interp::evaluate_expansion(graph_, node, operands_, runs_, values_[v.node]);
        return std::move(values_[v.node]);
      }
  Array result(graph_.type(node));
  interp::evaluate_expansion(graph_, node, operands_, runs_, result);
  return result;
}

/// The node that uses each value last; none for those that are kept.
std::vector<NodeId> last_uses(const Graph& graph, std::span<const std::vector<Value>* const> kept) {
  std::vector<NodeId> last_use(graph.size(), no_node);
  for (NodeId node = 0; node < graph.size(); ++node)
    for (Value v : graph.operands(node))
      last_use[v.node] = node;
  for (const std::vector<Value>* values : kept)
    for (Value v : *values)
      last_use[v.node] = no_node;
  return last_use;
}

} // namespace

CallResults interpret(const Step& step, const CallArguments& arguments) {
  const std::vector<Value>* kept[] = {&step.outputs, &step.updates};
  const std::vector<NodeId> last_use = last_uses(step.graph, kept);
  CallResults results;
  Values values(step.graph, arguments, results.status);
  values.run(&last_use);
  for (Value v : step.outputs)
    results.outputs.push_back(values.whole(v.node));
  for (Value v : step.updates)
    results.updates.push_back(values.whole(v.node));
  return results;
}

std::vector<Array> interpret_nodes(const Graph& graph, const CallArguments& arguments,
                                   CallStatus& status) {
  status = {};
  Values values(graph, arguments, status);
  values.run(nullptr);
  return values.take_all();
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
  std::vector<Value> initial;
  for (const StateDecl& state : signature.states) {
    GDJIT_CHECK(state.initial.valid());
    initial.push_back(state.initial);
  }
  const std::vector<Value>* kept[] = {&initial};
  const std::vector<NodeId> last_use = last_uses(signature.initial, kept);
  const CallArguments arguments = initial_arguments(signature, seed);
  CallStatus status;
  Values values(signature.initial, arguments, status);
  values.run(&last_use);
  require_in_range(status, signature.initial);
  std::vector<uint32_t> states_of(signature.initial.size()); // equal first values are one node
  for (Value v : initial)
    ++states_of[v.node];
  std::vector<Array> states;
  for (size_t i = 0; i < initial.size(); ++i) {
    Array& value = values.whole(initial[i].node);
    GDJIT_CHECK(value.type() == signature.states[i].type);
    states.push_back(--states_of[initial[i].node] == 0 ? std::move(value) : value);
  }
  return states;
}

} // namespace gdjit
