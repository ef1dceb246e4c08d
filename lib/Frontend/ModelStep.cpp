// A step of a model: the run for a batch size with the outputs and updates that take part.
#include "Declaration.h"

#include "gdjit/Support/Suggest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

namespace gdjit {

namespace {

/// Sorts the nodes for reading. What outputs and derivatives need is forward, gradient nodes are
/// backward, what only updates need is update; forward nodes that wait for no derivative stand
/// first. Unless `keep_all`, what neither outputs nor updates need is left out; inputs, state and
/// scalars stay.
/// `replaced` (gradient, accumulated mean) exchanges values on the way.
void arrange(Step& step, bool keep_all, const std::vector<Declaration::Accumulated>& replaced) {
  const Graph& old = step.graph;
  std::vector<NodeId> stands_for(old.size());
  std::iota(stands_for.begin(), stands_for.end(), 0);
  for (const Declaration::Accumulated& a : replaced)
    stands_for[a.gradient.node] = a.mean.node;
  auto resolved = [&](Value v) { return Value{stands_for[v.node], v.result}; };
  for (std::vector<Value>* values : {&step.outputs, &step.updates})
    for (Value& v : *values)
      v = resolved(v);
  std::vector<bool> forward(old.size(), false), update(old.size(), false), late(old.size(), false);
  for (Value v : step.outputs)
    forward[v.node] = true;
  for (Value v : step.updates)
    update[v.node] = true;
  auto derives = [&](NodeId n) { return kind(old.op(n)) == OpKind::Derivative; };
  auto source = [&](NodeId n) {
    return kind(old.op(n)) == OpKind::Source && old.op(n) != Opcode::Constant;
  };
  for (NodeId n = old.size(); n-- > 0;)
    for (Value given : old.operands(n)) {
      Value operand = resolved(given);
      forward[operand.node] = forward[operand.node] || forward[n] || (derives(n) && update[n]);
      update[operand.node] = update[operand.node] || update[n];
    }
  for (NodeId n = 0; n < old.size(); ++n) {
    late[n] = derives(n) || (update[n] && !forward[n] && !source(n));
    for (Value operand : old.operands(n))
      late[n] = late[n] || late[resolved(operand).node];
  }

  Graph graph;
  graph.share_files(old);
  std::vector<NodeId> place(old.size(), no_node);
  std::vector<Value> operands;
  for (bool second : {false, true})
    for (NodeId n = 0; n < old.size(); ++n) {
      if (late[n] != second || (!keep_all && !forward[n] && !update[n] && !source(n)))
        continue;
      operands.clear();
      for (Value operand : old.operands(n))
        operands.push_back({place[resolved(operand).node], operand.result});
      Origin origin = old.origin(n);
      origin.part = derives(n)                               ? Part::backward
                    : update[n] && !forward[n] && !source(n) ? Part::update
                                                             : Part::forward;
      TensorType type = old.type(n);
      place[n] = graph.append(old.op(n), operands, old.attributes(n), {&type, 1}, origin);
      if (!old.name(n).empty())
        graph.set_name(place[n], old.name(n));
    }
  for (std::vector<Value>* values : {&step.outputs, &step.updates})
    for (Value& v : *values)
      v.node = place[v.node];
  step.graph = std::move(graph);
}

} // namespace

int64_t ModelStep::batch() const { return core_->whole().asked_batch ? core_->batch : 0; }

const std::string& ModelStep::model_name() const { return core_->options.name; }

bool ModelStep::takes_update(const Declaration& d, size_t i) const {
  const std::string& group = d.update_groups[i];
  UpdatePhase phase = d.update_phases[i];
  bool ours = only_.empty() || group == only_ || group == plain_update;
  if (kind_ != Kind::training || !ours)
    return false;
  switch (part_) {
  case Part::whole:
    return phase == UpdatePhase::plain || phase == UpdatePhase::rule;
  case Part::gradients:
    return phase == UpdatePhase::plain || phase == UpdatePhase::gradients;
  case Part::apply:
    return phase == UpdatePhase::apply ||
           (phase == UpdatePhase::rule && d.find_minimize(group)->accumulates);
  }
  return false;
}

bool ModelStep::has_updates() const {
  const Declaration& whole = core_->whole();
  for (size_t i = 0; i < whole.updates.size(); ++i)
    if (takes_update(whole, i))
      return true;
  return false;
}

ModelStep ModelStep::with_outputs(std::vector<std::string> outputs, Place at) const {
  if (part_ == Part::apply)
    throw Error(ErrorCode::usage,
                fmt::format("with_outputs: {} of model '{}' updates and has no outputs; take them "
                            "from gradients() or evaluation()",
                            name_, model_name()),
                location_of(at));
  std::vector<std::string> known;
  for (const OutputDecl& output : core_->whole().signature.outputs)
    known.push_back(output.name);
  for (const std::string& output : outputs)
    if (std::ranges::find(known, output) == known.end())
      throw Error(ErrorCode::usage,
                  fmt::format("model '{}' has no output '{}'{}", model_name(), output,
                              !nearest(output, known).empty() ? did_you_mean(output, known)
                              : known.empty()                 ? "; it has none"
                                              : fmt::format("; it has {}", fmt::join(known, ", "))),
                  location_of(at));
  ModelStep step = *this;
  step.outputs_named_ = true;
  step.outputs_ = std::move(outputs);
  return step;
}

Step ModelStep::step(int64_t rows) const {
  if (rows < 0)
    throw Error(ErrorCode::usage, fmt::format("batch {}: a step has at least one row", rows));
  std::lock_guard lock(core_->mutex);
  core_->settle();
  const Declaration& d = core_->variant(rows);
  Step step;
  step.graph = d.graph;
  Signature& s = step.signature;
  s = d.signature;
  s.name = d.model;
  s.step = name_;
  s.batch = d.asked_batch ? d.batch : 0;
  s.outputs.clear();
  s.updates.clear();
  for (size_t i = 0; i < s.inputs.size() && i < core_->input_axes.size(); ++i)
    s.inputs[i].batch_axis = core_->input_axes[i];
  s.data = core_->data;
  s.examples = core_->examples;

  auto is_loss = [&](const OutputDecl& output) {
    return std::find(d.losses.begin(), d.losses.end(), output.name) != d.losses.end();
  };
  auto axis_of = [&](size_t i) {
    return i < core_->output_axes.size() ? core_->output_axes[i] : -1;
  };
  bool per_example = false;
  for (size_t i = 0; i < d.outputs.size(); ++i)
    per_example = per_example || axis_of(i) >= 0;
  std::vector<bool> taken; // of those that the step has by itself, and those named
  for (size_t i = 0; i < d.outputs.size(); ++i) {
    const OutputDecl& output = d.signature.outputs[i];
    const bool own =
        kind_ != Kind::prediction || (per_example ? axis_of(i) >= 0 : !is_loss(output));
    const bool named = outputs_named_ && std::ranges::find(outputs_, output.name) != outputs_.end();
    if ((!own && !named) || part_ == Part::apply)
      continue;
    taken.push_back(named || !outputs_named_);
    s.outputs.push_back(output);
    s.outputs.back().batch_axis = axis_of(i);
    step.outputs.push_back(d.outputs[i]);
  }
  if (kind_ == Kind::training) {
    std::vector<int64_t> updated(s.states.size(), -1);
    for (size_t i = 0; i < d.updates.size(); ++i) {
      if (!takes_update(d, i))
        continue;
      int64_t& first = updated[d.signature.updates[i].state];
      if (first >= 0)
        d.fail_updated_twice(static_cast<size_t>(first), i);
      first = static_cast<int64_t>(i);
      s.updates.push_back(d.signature.updates[i]);
      step.updates.push_back(d.updates[i]);
    }
  }
  arrange(step, kind_ == Kind::training && part_ == Part::whole,
          part_ == Part::apply ? d.accumulated : std::vector<Declaration::Accumulated>());
  // The others go with dead code, behind the passes to which a gradient of theirs makes a
  // difference.
  for (size_t i = taken.size(); i-- > 0;)
    if (!taken[i]) {
      s.outputs.erase(s.outputs.begin() + static_cast<std::ptrdiff_t>(i));
      step.outputs.erase(step.outputs.begin() + static_cast<std::ptrdiff_t>(i));
    }
  return step;
}

} // namespace gdjit
