// minimize: checks of the loss, the choice of parameters, and what an optimizer's rule may declare.
#include "Declaration.h"
#include "gdjit/Support/Suggest.h"

#include <fmt/format.h>

#include <cmath>

namespace gdjit {

namespace {

/// The parameters that minimize trains: those that the loss depends on, by pattern.
std::vector<uint32_t> chosen_parameters(const Declaration& d, Value loss,
                                        const MinimizeOptions& options, Place at) {
  std::vector<Value> nodes;
  nodes.reserve(d.parameters.size());
  for (uint32_t row : d.parameters)
    nodes.push_back(d.state_nodes[row]);
  std::vector<bool> depends = d.depends(loss, nodes);
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
  if (chosen.empty())
    d.fail(reached.empty()
               ? std::string("minimize: the loss depends on no parameter")
               : fmt::format("minimize: no parameter matches '{}'{}",
                             options.parameters.empty() ? "*" : options.parameters,
                             options.except.empty() ? ""
                                                    : fmt::format(" except '{}'", options.except)),
           at,
           {d.note("loss", loss),
            {reached.empty() ? "declare what is to be trained with m.parameter"
                             : "the loss depends on " + reached,
             {}}});
  return chosen;
}

} // namespace

void Model::minimize_by(const Tensor& loss, const AnyUpdateRule& rule,
                        const MinimizeOptions& options, Place at) {
  Declaration& d = own("minimize", loss, at);
  if (!is_float(loss.dtype()))
    d.fail(
        fmt::format("minimize: the loss is {}, not a float", gdjit::name(loss.dtype())), at,
        {d.note("loss", loss.value()), {"convert with cast(x, DType::f32) before the mean", {}}});
  if (loss.rank() != 0)
    d.fail(fmt::format("minimize: the loss has shape {}, not []", to_string(loss.shape())), at,
           {d.note("loss", loss.value()), {"reduce it with mean or sum", {}}});
  double lr = rule.lr();
  if (!(lr >= 0) || std::isinf(lr))
    d.fail(fmt::format("minimize: the learning rate {} is negative or not finite", lr), at);

  std::vector<uint32_t> rows = chosen_parameters(d, loss.value(), options, at);
  bool is_named = !options.name.empty();
  std::string full = d.scoped(is_named ? options.name : "minimize", at);
  for (const Declaration::MinimizeMade& made : d.minimizes)
    if (made.name == full)
      d.fail(fmt::format("minimize: another one is called '{}'", full), at,
             {{"it stands here", location_of(made.place)},
              {"give each a name: m.minimize(loss, rule, \"generator\")", {}}});
  Minimization m(*this, full, at);
  m.loss_ = loss;
  DType type = d.signature.states[rows.front()].type.dtype;
  Number start = lr;
  std::string prefix =
      is_named ? full + "/" : full.substr(0, full.size() - std::string("minimize").size());
  d.add_output(prefix + "loss", loss.value(), at);
  d.losses.push_back(prefix + "loss");
  d.minimizes.push_back({full, at});
  m.lr_ = d.declare_scalar(prefix + "lr", &start, type, at);
  std::vector<Tensor> parameters;
  parameters.reserve(rows.size());
  for (uint32_t row : rows)
    parameters.push_back(d.tensor(d.state_nodes[row]));
  std::vector<Tensor> gradients = gradient(loss, parameters, at);
  for (size_t i = 0; i < rows.size(); ++i)
    m.targets_.push_back({Parameter(d.variable(rows[i])), gradients[i]});
  Variable counter = d.declare_state("state", full + "/step", zeros(), Shape{}, DType::i64, at);
  m.step_ = add(counter, 1, at);
  size_t before = d.updates.size();
  rule.apply(m);
  for (const Minimization::Target& target : m.targets_) {
    bool updated = false;
    for (size_t i = before; i < d.updates.size(); ++i)
      updated = updated || d.signature.updates[i].state == target.parameter.row();
    if (!updated)
      d.fail(fmt::format("minimize: the rule gives parameter '{}' no next value",
                         target.parameter.name()),
             at);
  }
  d.add_update(counter, m.step_, full, at);
}

Tensor Minimization::lr(DType type) const { return cast(lr_, type, place_); }

Tensor Minimization::scalar(const std::string& key, double value, DType type) {
  Number number = value;
  return loss_.declaration()->declare_scalar(name_ + "/" + key, &number, type, place_);
}

Variable Minimization::slot(const Target& target, const std::string& key, const Initial& start) {
  return loss_.declaration()->declare_state(
      "state", name_ + "/" + key + "/" + target.parameter.name(), start, target.parameter.shape(),
      target.parameter.dtype(), place_);
}

void Minimization::update(const Variable& slot, const Tensor& next) {
  loss_.declaration()->add_update(slot, next, name_, place_);
}

void Minimization::update(const Target& target, const Tensor& next) {
  update(static_cast<const Variable&>(target.parameter), next);
}

} // namespace gdjit
