// Copies of a declared step with a few nodes and outputs more, or updates less.
#include "gdjit/Driver/GradientStep.h"

#include "gdjit/Driver/Math.h"
#include "gdjit/Ops/GraphBuilder.h"
#include "gdjit/Support/Suggest.h"
#include "gdjit/Transforms/EliminateDeadCode.h"

#include <algorithm>
#include <fmt/format.h>

namespace gdjit {

namespace {

/// The first node that reads row `row` by `op`, or the one of that name; invalid where there is
/// none.
Value find_value(const Step& step, const std::string& wanted) {
  for (NodeId n = 0; n < step.graph.size(); ++n) {
    const std::string* row = row_name(step.signature, step.graph, n);
    if (step.graph.name(n) == wanted ||
        (row && *row == wanted && step.graph.op(n) != Opcode::Scalar))
      return {n, 0};
  }
  return {};
}

std::vector<std::string> float_names(const Step& step) {
  std::vector<std::string> names;
  for (const StateDecl& d : step.signature.states)
    if (is_float(d.type.dtype))
      names.push_back(d.name);
  for (const InputDecl& d : step.signature.inputs)
    if (is_float(d.type.dtype))
      names.push_back(d.name);
  for (NodeId n = 0; n < step.graph.size(); ++n)
    if (!step.graph.name(n).empty() && is_float(step.graph.type(n).dtype))
      names.push_back(step.graph.name(n));
  return names;
}

} // namespace

size_t loss_output(const Step& step) {
  const std::vector<OutputDecl>& outputs = step.signature.outputs;
  for (auto fits : {+[](const OutputDecl& o) { return o.name == "loss"; },
                    +[](const OutputDecl& o) { return o.name.ends_with("/loss"); },
                    +[](const OutputDecl&) { return true; }})
    for (size_t i = 0; i < outputs.size(); ++i)
      if (fits(outputs[i]) && outputs[i].type.shape.rank() == 0 && is_float(outputs[i].type.dtype))
        return i;
  throw Error(ErrorCode::graph,
              fmt::format("step '{}' of '{}' has no loss to differentiate: no output is a float of "
                          "rank 0; declare one by minimize, or m.output(\"loss\", …)",
                          step.signature.step, step.signature.name));
}

Step without_updates(const Step& declared) {
  Step step = declared;
  step.signature.updates.clear();
  step.updates.clear();
  return step;
}

std::vector<std::string> trained_states(const Step& declared) {
  // Nodes that the loss is made of: operands come before what reads them.
  const Graph& g = declared.graph;
  std::vector<bool> needed(g.size()), read(declared.signature.states.size());
  if (!declared.signature.updates.empty())
    needed[declared.outputs[loss_output(declared)].node] = true;
  for (NodeId n = static_cast<NodeId>(g.size()); n-- > 0;) {
    if (!needed[n])
      continue;
    for (Value v : g.operands(n))
      needed[v.node] = true;
    if (g.op(n) == Opcode::State)
      read[static_cast<size_t>(g.attributes(n).integer(Attr::index))] = true;
  }
  std::vector<std::string> names;
  for (const UpdateDecl& u : declared.signature.updates)
    if (const StateDecl& d = declared.signature.states[u.state];
        is_float(d.type.dtype) && read[u.state])
      names.push_back(d.name);
  return names;
}

Step with_gradients(const Step& declared, std::span<const std::string> names, Updates updates) {
  size_t loss = loss_output(declared);
  std::string loss_name = declared.signature.outputs[loss].name;
  Step step = updates == Updates::keep ? declared : without_updates(declared);
  GraphBuilder builder(step.graph, step.signature, Sharing::verbatim);
  for (const std::string& name : names) {
    Value value = find_value(step, name);
    if (!value.valid())
      throw Error(ErrorCode::usage,
                  fmt::format("'{}' is no state, input or named node of '{}'{}", name,
                              step.signature.name, did_you_mean(name, float_names(step))));
    Origin origin = step.graph.origin(value.node);
    origin.part = Part::backward;
    builder.set_origin(origin);
    Value g = builder.append(Opcode::Gradient, {step.outputs[loss], value});
    OutputDecl output;
    output.name = derivative_name(loss_name, name);
    output.type = step.graph.type(g);
    output.origin = origin;
    step.signature.outputs.push_back(output);
    step.outputs.push_back(g);
  }
  if (updates == Updates::keep)
    return step;
  PassContext context;
  return eliminate_dead_code(step, context); // what only the updates needed
}

} // namespace gdjit
