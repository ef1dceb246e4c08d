// minimize: checks of the loss, the choice of parameters, clipped and accumulated gradients, and
// what an optimizer's rule may declare.
#include "Declaration.h"
#include "gdjit/Support/Figure.h"
#include "gdjit/Support/Suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>

namespace gdjit {

namespace {

/// A loss that no gradient leads from to any parameter, though it may depend on some.
[[noreturn]] void fail_without_gradient(const Declaration& d, Value loss,
                                        const std::vector<Value>& parameters, Place at) {
  std::vector<bool> depends = d.depends(loss, parameters, Declaration::Through::anything);
  size_t i = static_cast<size_t>(std::find(depends.begin(), depends.end(), true) - depends.begin());
  if (i == parameters.size())
    d.fail("minimize: the loss depends on no parameter", at,
           {d.note("loss", loss), {"declare what is to be trained with m.parameter", {}}});
  // The first node behind the parameter that lets no gradient through.
  std::vector<bool> reached(loss.node + 1, false);
  reached[parameters[i].node] = true;
  NodeId blocks = loss.node;
  for (NodeId n = parameters[i].node + 1; n <= loss.node && blocks == loss.node; ++n)
    for (Value operand : d.graph.operands(n))
      if (reached[operand.node]) {
        reached[n] = true;
        if (!d.passes_gradient(n, operand))
          blocks = n;
      }
  d.fail(fmt::format("minimize: no gradient reaches a parameter: the derivative of {} by {} is 0 "
                     "everywhere, or stopped",
                     name(d.graph.op(blocks)), d.describe(parameters[i])),
         at,
         {d.note("loss", loss),
          d.note(std::string(name(d.graph.op(blocks))), Value{blocks, 0}),
          {"let the loss depend on a parameter through ops that have a derivative", {}}});
}

/// The parameters that minimize trains: those that gradients of the loss reach, by pattern.
std::vector<uint32_t> chosen_parameters(const Declaration& d, Value loss,
                                        const MinimizeOptions& options, Place at) {
  std::vector<Value> nodes;
  nodes.reserve(d.parameters.size());
  for (uint32_t row : d.parameters)
    nodes.push_back(d.state_nodes[row]);
  std::vector<bool> depends = d.depends(loss, nodes, Declaration::Through::gradients);
  std::vector<uint32_t> chosen;
  std::string reached;
  for (size_t i = 0; i < d.parameters.size(); ++i) {
    if (!depends[i])
      continue;
    const std::string& name = d.signature.states[d.parameters[i]].name;
    reached += (reached.empty() ? "" : ", ") + name;
    if ((options.parameters.empty() || matches(options.parameters, name)) &&
        (options.except.empty() || !matches(options.except, name)))
      chosen.push_back(d.parameters[i]);
  }
  if (reached.empty())
    fail_without_gradient(d, loss, nodes, at);
  auto excepted = [&](uint32_t row) {
    return matches(options.except, d.signature.states[row].name);
  };
  if (!options.except.empty() && std::ranges::none_of(d.parameters, excepted))
    d.fail(fmt::format("minimize: no parameter matches '{}', which is to stay as it is",
                       options.except),
           at, {d.note("loss", loss), {"the loss depends on " + reached, {}}});
  if (chosen.empty())
    d.fail(fmt::format("minimize: no parameter matches '{}'{}",
                       options.parameters.empty() ? "*" : options.parameters,
                       options.except.empty() ? "" : fmt::format(" except '{}'", options.except)),
           at, {d.note("loss", loss), {"the loss depends on " + reached, {}}});
  return chosen;
}

void check_loss(const Declaration& d, const Tensor& loss, Place at) {
  if (!is_float(loss.dtype()))
    d.fail(
        fmt::format("minimize: the loss is {}, not a float", gdjit::name(loss.dtype())), at,
        {d.note("loss", loss.value()), {"convert with cast(x, DType::f32) before the mean", {}}});
  if (loss.rank() != 0)
    d.fail(fmt::format("minimize: the loss has shape {}, not []", to_string(loss.shape())), at,
           {d.note("loss", loss.value()), {"reduce it with mean or sum", {}}});
}

void check_numbers(const Declaration& d, const AnyUpdateRule& rule, const MinimizeOptions& options,
                   Place at) {
  std::vector<const AnyUpdateRule*> rules = {&rule};
  for (const ParameterGroup& group : options.groups)
    rules.push_back(group.rule.get());
  for (const AnyUpdateRule* r : rules)
    if (double lr = r->lr(); !(lr >= 0) || std::isinf(lr))
      d.fail(fmt::format("minimize: the learning rate {} is negative or not finite; give 0 or more",
                         format_figure(lr)),
             at);
  for (auto [name, value] :
       {std::pair{"clip_value", options.clip_value}, std::pair{"clip_norm", options.clip_norm}})
    if (!(value >= 0) || std::isinf(value))
      d.fail(fmt::format("minimize: {} {} is negative or not finite", name, format_figure(value)),
             at, {{"give a number above 0, or 0 for none", {}}});
}

/// A rule and the targets that it trains.
struct RulePart {
  const AnyUpdateRule* rule = nullptr;
  std::string group; ///< empty for minimize's own
  std::vector<size_t> targets;
};

/// Who trains which target: the first group whose pattern matches, else minimize's own rule.
std::vector<RulePart> divide(const Declaration& d, const std::vector<Minimization::Target>& targets,
                             const AnyUpdateRule& rule, const MinimizeOptions& options, Place at) {
  std::vector<RulePart> parts = {{&rule, "", {}}};
  for (const ParameterGroup& group : options.groups)
    parts.push_back({group.rule.get(), group.name, {}});
  for (size_t i = 0; i < targets.size(); ++i) {
    size_t part = 0;
    for (size_t g = 0; g < options.groups.size() && part == 0; ++g)
      if (matches(options.groups[g].parameters, targets[i].parameter.name()))
        part = g + 1;
    parts[part].targets.push_back(i);
  }
  for (size_t g = 0; g < options.groups.size(); ++g)
    if (parts[g + 1].targets.empty()) {
      std::string names;
      for (const Minimization::Target& target : targets)
        names += (names.empty() ? "" : ", ") + target.parameter.name();
      d.fail(
          fmt::format("minimize: group '{}' has no parameter, none is left for '{}'",
                      options.groups[g].name, options.groups[g].parameters),
          at,
          {{"minimize trains " + names + "; the first group that matches takes a parameter", {}}});
    }
  return parts;
}

/// By value first, then by the norm of all together.
void clip(std::vector<Minimization::Target>& targets, const MinimizeOptions& options, Place at) {
  if (options.clip_value > 0)
    for (Minimization::Target& target : targets)
      target.gradient = clamp(target.gradient, -options.clip_value, options.clip_value, at);
  if (options.clip_norm > 0) {
    DType type = targets.front().parameter.dtype();
    Tensor total;
    for (const Minimization::Target& target : targets) {
      Tensor squares = sum(square(cast(target.gradient, type, at), at), {}, false, at);
      total = total.empty() ? squares : add(total, squares, at);
    }
    Tensor scale = minimum(div(options.clip_norm, add(sqrt(total, at), 1e-6, at), at), 1.0, at);
    for (Minimization::Target& target : targets)
      target.gradient = mul(target.gradient, cast(scale, target.parameter.dtype(), at), at);
  }
}

/// States that keep the mean of several batches' gradients, weighted by rows: mean += (g - mean) n
/// / (rows before + n), so that a first batch gives its gradient's bits.
void accumulate(Declaration& d, std::vector<Minimization::Target>& targets, const std::string& full,
                Place at) {
  Variable rows =
      d.declare_state("state", full + "/gradient_rows", zeros(), Shape{}, DType::i64, at);
  Tensor after = add(rows, d.asked_batch ? d.batch : 1, at);
  Tensor share =
      div(static_cast<double>(d.asked_batch ? d.batch : 1), cast(after, DType::f64, at), at);
  for (const Minimization::Target& target : targets) {
    const Parameter& p = target.parameter;
    Variable mean =
        d.declare_state("state", full + "/gradient/" + p.name(), zeros(), p.shape(), p.dtype(), at);
    Tensor next =
        add(mean, mul(sub(target.gradient, mean, at), cast(share, p.dtype(), at), at), at);
    d.add_update(mean, next, full, UpdatePhase::gradients, at);
    d.add_update(mean, 0, full, UpdatePhase::apply, at);
    d.accumulated.push_back({target.gradient.value(), mean.value().value()});
  }
  d.add_update(rows, after, full, UpdatePhase::gradients, at);
  d.add_update(rows, 0, full, UpdatePhase::apply, at);
}

/// `chosen` comes from outside the model, so what is wrong with its numbers is no mistake of the
/// model's.
void apply_rule(const AnyUpdateRule* chosen, const AnyUpdateRule& own, Minimization& m) {
  if (!chosen)
    return own.apply(m);
  try {
    chosen->apply(m);
  } catch (const Error& error) {
    throw Error(ErrorCode::usage, error.diagnostics());
  }
}

} // namespace

void Model::minimize_by(const Tensor& loss, const AnyUpdateRule& rule,
                        const MinimizeOptions& options, Place at) {
  Declaration& d = own("minimize", loss, at);
  check_loss(d, loss, at);
  check_numbers(d, rule, options, at);
  std::vector<uint32_t> rows = chosen_parameters(d, loss.value(), options, at);
  bool is_named = !options.name.empty();
  std::string full = d.scoped(is_named ? options.name : "minimize", at);
  if (const Declaration::MinimizeMade* made = d.find_minimize(full))
    d.fail(fmt::format("minimize: another one is called '{}'", full), at,
           {{"it stands here", location_of(made->place)},
            {"give each a name: m.minimize(loss, rule, \"generator\")", {}}});
  std::string prefix =
      is_named ? full + "/" : full.substr(0, full.size() - std::string("minimize").size());
  d.add_output(prefix + "loss", loss.value(), at);
  d.losses.push_back(prefix + "loss");
  d.minimizes.push_back({full, at, options.accumulate});

  std::vector<Minimization::Target> targets;
  for (uint32_t row : rows)
    targets.push_back({Parameter(d.variable(row)), d.tensor(d.state_nodes[row])});
  std::vector<RulePart> parts = divide(d, targets, rule, options, at);
  std::vector<Tensor> rates;
  const AnyUpdateRule* chosen = core_->options.optimizer.get();
  for (const RulePart& part : parts) {
    Number start = chosen && !std::isnan(chosen->lr()) ? chosen->lr() : part.rule->lr();
    DType type = targets[part.targets.empty() ? 0 : part.targets.front()].parameter.dtype();
    std::string key = part.group.empty() ? prefix + "lr" : prefix + part.group + "/lr";
    rates.push_back(part.targets.empty() ? Tensor() : d.declare_scalar(key, &start, type, at));
  }
  std::vector<Tensor> parameters;
  parameters.reserve(rows.size());
  for (const Minimization::Target& target : targets)
    parameters.push_back(target.parameter);
  std::vector<Tensor> gradients = gradient(loss, parameters, at);
  for (size_t i = 0; i < rows.size(); ++i)
    targets[i].gradient = gradients[i];
  if (options.accumulate)
    accumulate(d, targets, full, at);
  clip(targets, options, at);

  Variable counter = d.declare_state("state", full + "/step", zeros(), Shape{}, DType::i64, at);
  Tensor step = add(counter, 1, at);
  size_t before = d.updates.size();
  for (size_t p = 0; p < parts.size(); ++p) {
    if (parts[p].targets.empty())
      continue;
    Minimization m(*this, full, at);
    m.group_ = parts[p].group;
    m.loss_ = loss;
    m.lr_ = rates[p];
    m.step_ = step;
    for (size_t i : parts[p].targets)
      m.targets_.push_back(targets[i]);
    apply_rule(chosen, *parts[p].rule, m);
  }
  std::unordered_set<uint32_t> updated;
  for (size_t i = before; i < d.updates.size(); ++i)
    updated.insert(d.signature.updates[i].state);
  for (const Minimization::Target& target : targets)
    if (!updated.contains(target.parameter.row()))
      d.fail(fmt::format("minimize: the rule gives parameter '{}' no next value",
                         target.parameter.name()),
             at);
  d.add_update(counter, step, full, UpdatePhase::rule, at);
}

Tensor Minimization::lr(DType type) const { return cast(lr_, type, place_); }

Tensor Minimization::scalar(const std::string& key, double value, DType type) {
  Number number = value;
  std::string group = group_.empty() ? "" : group_ + "/";
  return loss_.declaration()->declare_scalar(name_ + "/" + group + key, &number, type, place_);
}

Variable Minimization::slot(const Target& target, const std::string& key, const Initial& start) {
  return loss_.declaration()->declare_state(
      "state", name_ + "/" + key + "/" + target.parameter.name(), start, target.parameter.shape(),
      target.parameter.dtype(), place_);
}

void Minimization::update(const Variable& slot, const Tensor& next) {
  loss_.declaration()->add_update(slot, next, name_, UpdatePhase::rule, place_);
}

void Minimization::update(const Target& target, const Tensor& next) {
  update(static_cast<const Variable&>(target.parameter), next);
}

} // namespace gdjit
