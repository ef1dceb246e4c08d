// Rows of the signature: states, scalars, outputs and updates as a run declares them.
#include "Declaration.h"

#include <fmt/format.h>

#include <cmath>

namespace gdjit {

Variable Declaration::declare_state(const std::string& what, const std::string& name,
                                    const Initial& start, const Shape& shape, DType type,
                                    Place at) {
  claim(what, name, at);
  if (start.kind == Initial::Kind::literal && start.values.regular() &&
      start.values.elements() != shape.elements())
    fail(fmt::format("{} '{}': {} values for shape {}", what, name, start.values.elements(),
                     to_string(shape)),
         at);
  Value initial = append_initial(*this, start, shape, type, name, at);
  signature.states.push_back(
      {.name = name, .type = {type, shape}, .initial = initial, .origin = origin(at)});
  auto row = static_cast<uint32_t>(signature.states.size() - 1);
  builder.set_origin(origin(at));
  Value value = builder.state(row);
  graph.set_name(value.node, name);
  state_nodes.push_back(value);
  return Variable(tensor(value), name, row);
}

Tensor Declaration::declare_scalar(const std::string& name, const Number* value, DType type,
                                   Place at) {
  if (name == "training" || name == "step" || name == "seed")
    fail(fmt::format("scalar '{}': the name belongs to every model", name), at,
         {{"read it by m.is_training(), m.step_number() or m.seed()", {}}});
  Array probe(TensorType{type, {}});
  if (value && !store(probe, 0, *value))
    fail(fmt::format("scalar '{}': {} is no {}", name, to_string(*value), gdjit::name(type)), at);
  double initial = value ? static_cast<double>(value->value) : 0;
  if (is_integer(type) && to_bits(type, initial) != load_bits(type, probe.bytes()))
    fail(fmt::format("scalar '{}': {} lies beyond 2^53", name, to_string(*value)), at,
         {{"a scalar is given as a double, which holds every integer up to there only", {}}});
  claim("scalar", name, at);
  signature.scalars.push_back({.name = name,
                               .dtype = type,
                               .initial = initial,
                               .has_default = value != nullptr,
                               .origin = origin(at)});
  builder.set_origin(origin(at));
  Value node = builder.scalar(static_cast<uint32_t>(signature.scalars.size() - 1));
  graph.set_name(node.node, name);
  return tensor(node);
}

void Declaration::name_if_free(Value value, const std::string& name, Place at) {
  if (graph.name(value.node).empty() && !names_.contains(name)) {
    claim("output", name, at);
    graph.set_name(value.node, name);
  }
}

void Declaration::add_output(const std::string& full_name, Value value, Place at) {
  claim_output(full_name, at);
  name_if_free(value, full_name, at);
  signature.outputs.push_back({.name = full_name, .type = type(value), .origin = origin(at)});
  outputs.push_back(value);
}

void Declaration::fail_updated_twice(size_t first, size_t second) const {
  const StateDecl& state = signature.states[signature.updates[first].state];
  auto named = [&](size_t i) {
    return update_groups[i].empty() ? std::string("the update")
                                    : fmt::format("the update of minimize '{}'", update_groups[i]);
  };
  const Graph& files = signature.initial;
  throw Error(ErrorCode::graph,
              fmt::format("update: state '{}' is updated twice in one step", state.name),
              files.location(signature.updates[second].origin),
              {{named(first) + " stands here", files.location(signature.updates[first].origin)},
               {update_groups[first].empty() || update_groups[second].empty()
                    ? "update a state once: leave one out, or put both into one expression"
                    : "let each minimize train its own parameters, by MinimizeOptions::parameters",
                {}}});
}

void Declaration::add_update(const Variable& variable, const Operand& value,
                             const std::string& group, UpdatePhase phase, Place at) {
  Value next;
  if (value.tensor) {
    common_declaration("update", {&variable.value(), value.tensor}, at);
    next = value.tensor->value();
    if (!(type(next) == variable.type()))
      fail(fmt::format("update: state '{}' has type {}, its next value {}", variable.name(),
                       to_string(variable.type()), to_string(type(next))),
           at,
           {note("state", variable.value().value()),
            note("value", next),
            {fmt::format("give the next value as {}: reshape, broadcast_to or cast it",
                         to_string(variable.type())),
             {}}});
  } else {
    common_declaration("update", {&variable.value()}, at);
    Array probe(TensorType{variable.dtype(), {}});
    if (!store(probe, 0, value.number))
      fail(fmt::format("update: {} is no {}", to_string(value.number), name(variable.dtype())), at,
           {note("state", variable.value().value())});
    next = number(value.number, variable.type(), at);
  }
  signature.updates.push_back({.state = variable.row(), .origin = origin(at)});
  updates.push_back(next);
  update_groups.push_back(group);
  update_phases.push_back(phase);
  // Updates of different minimizes may stand side by side, where each makes a step of its own.
  auto& earlier = updates_of_state_[variable.row()];
  auto apart = [&](size_t i) { // an accumulated gradient grows in one step and ends in another
    return (update_phases[i] == UpdatePhase::gradients && phase == UpdatePhase::apply);
  };
  for (size_t i : earlier)
    if (!apart(i) &&
        (update_groups[i] == group || update_groups[i] == plain_update || group == plain_update))
      fail_updated_twice(i, updates.size() - 1);
  earlier.push_back(updates.size() - 1);
}

const Declaration::MinimizeMade* Declaration::find_minimize(const std::string& name) const {
  for (const MinimizeMade& made : minimizes)
    if (made.name == name)
      return &made;
  return nullptr;
}

} // namespace gdjit
