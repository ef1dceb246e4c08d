// Copies of a declared step with a few nodes and outputs more, or updates less.
#include "gdjit/Driver/GradientStep.h"

#include "gdjit/Driver/Math.h"
#include "gdjit/Ops/GraphBuilder.h"
#include "gdjit/Support/Suggest.h"
#include "gdjit/Transforms/EliminateDeadCode.h"
#include "gdjit/Transforms/Specialize.h"

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

bool is_number(const OutputDecl& output) {
  return output.type.shape.rank() == 0 && is_float(output.type.dtype);
}

/// The row of the loss, as loss_output has it; the number of outputs where there is none.
size_t find_loss(const Step& step) {
  const std::vector<OutputDecl>& outputs = step.signature.outputs;
  for (auto fits : {+[](const OutputDecl& o) { return o.name == "loss"; },
                    +[](const OutputDecl& o) { return o.name.ends_with("/loss"); },
                    +[](const OutputDecl&) { return true; }})
    for (size_t i = 0; i < outputs.size(); ++i)
      if (fits(outputs[i]) && is_number(outputs[i]))
        return i;
  return outputs.size();
}

bool updates_a_float(const Step& step) {
  return std::ranges::any_of(step.signature.updates, [&](const UpdateDecl& u) {
    return is_float(step.signature.states[u.state].type.dtype);
  });
}

/// Per node whether `value` is made of it: operands come before what reads them.
std::vector<bool> made_of(const Graph& g, Value value) {
  std::vector<bool> needed(g.size());
  needed[value.node] = true;
  for (NodeId n = value.node + 1; n-- > 0;)
    if (needed[n])
      for (Value v : g.operands(n))
        needed[v.node] = true;
  return needed;
}

/// The nodes of whose gradients by its own state update `i` is made.
std::vector<NodeId> differentiated_by(const Step& step, size_t i) {
  const Graph& g = step.graph;
  const std::vector<bool> needed = made_of(g, step.updates[i]);
  std::vector<NodeId> nodes;
  for (NodeId n = 0; n < g.size(); ++n) {
    if (!needed[n] || g.op(n) != Opcode::Gradient)
      continue;
    NodeId by = g.operand(n, 1).node;
    if (g.op(by) == Opcode::State &&
        g.attributes(by).integer(Attr::index) == step.signature.updates[i].state)
      nodes.push_back(g.operand(n, 0).node);
  }
  return nodes;
}

/// The rows of outputs whose gradient update `i` follows. Two minimizes of one value are told apart
/// by their lines; what is written by hand counts for the first output of that value.
std::vector<size_t> losses_of_update(const Step& step, size_t i) {
  const std::vector<NodeId> nodes = differentiated_by(step, i);
  std::vector<size_t> of_its_line, all;
  std::vector<NodeId> seen;
  for (size_t o = 0; o < step.outputs.size(); ++o) {
    const OutputDecl& output = step.signature.outputs[o];
    NodeId node = step.outputs[o].node;
    if (!is_number(output) || std::ranges::find(nodes, node) == nodes.end())
      continue;
    if (output.origin == step.signature.updates[i].origin)
      of_its_line.push_back(o);
    if (std::ranges::find(seen, node) == seen.end())
      all.push_back(o);
    seen.push_back(node);
  }
  return of_its_line.empty() ? all : of_its_line;
}

/// Whether a minimize made the output: its updates stand on the same line.
bool is_of_minimize(const Step& step, const OutputDecl& output) {
  return is_number(output) && (output.name == "loss" || output.name.ends_with("/loss")) &&
         std::ranges::any_of(step.signature.updates,
                             [&](const UpdateDecl& u) { return u.origin == output.origin; });
}

} // namespace

size_t loss_output(const Step& step) {
  if (size_t loss = find_loss(step); loss < step.signature.outputs.size())
    return loss;
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
  const size_t loss = find_loss(declared);
  if (loss == declared.signature.outputs.size())
    return {};
  // Updates run in training: what the loss reads in evaluation only, as running statistics, is
  // nothing to differentiate by.
  PassContext context;
  const Step step = specialize(declared, context);
  const Graph& g = step.graph;
  const std::vector<bool> needed = made_of(g, step.outputs[loss]);
  std::vector<bool> read(step.signature.states.size());
  for (NodeId n = 0; n < g.size(); ++n)
    if (needed[n] && g.op(n) == Opcode::State)
      read[static_cast<size_t>(g.attributes(n).integer(Attr::index))] = true;
  std::vector<std::string> names;
  for (const UpdateDecl& u : step.signature.updates)
    if (const StateDecl& d = step.signature.states[u.state];
        is_float(d.type.dtype) && read[u.state])
      names.push_back(d.name);
  return names;
}

std::vector<TrainedLoss> trained_losses(const Step& declared) {
  if (!updates_a_float(declared))
    return {};
  const Signature& s = declared.signature;
  std::vector<std::vector<std::string>> states(s.outputs.size());
  for (size_t i = 0; i < s.updates.size(); ++i)
    for (size_t output : losses_of_update(declared, i))
      states[output].push_back(s.states[s.updates[i].state].name);
  std::vector<TrainedLoss> losses;
  for (size_t o = 0; o < s.outputs.size(); ++o)
    if (!states[o].empty() || is_of_minimize(declared, s.outputs[o]))
      losses.push_back({o, std::move(states[o])});
  // What a single loss is made of and an update changes is all there is, gradient or not.
  const size_t first = loss_output(declared);
  if (losses.empty() || (losses.size() == 1 && losses.front().output == first))
    return {{first, trained_states(declared)}};
  return losses;
}

Step with_gradients(const Step& declared, std::span<const std::string> names, Updates updates) {
  return with_gradients(declared, loss_output(declared), names, updates);
}

Step with_gradients(const Step& declared, size_t loss, std::span<const std::string> names,
                    Updates updates) {
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
