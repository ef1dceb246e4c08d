// What minimize and an optimizer say to each other: the rule (SGD, Adam, a user's own) writes each
// parameter's next value as an expression. Rules are plain structs with a member `lr` and a
// function `apply(Minimization&) const`; those that come with gdjit stand in Train.
#pragma once

#include "gdjit/Frontend/Initial.h"

#include <concepts>
#include <span>

namespace gdjit {

class Minimization;

template <class R>
concept UpdateRule = requires(const R& rule, Minimization& m) {
  { rule.lr } -> std::convertible_to<double>;
  rule.apply(m);
};

/// One minimize while its rule writes the updates.
class Minimization {
public:
  /// A parameter that is trained and the gradient of the loss with respect to it.
  struct Target {
    Parameter parameter;
    Tensor gradient;
  };

  const std::string& name() const { return name_; }
  Place place() const { return place_; }
  const Tensor& loss() const { return loss_; }
  std::span<Target> targets() { return targets_; }

  /// The learning rate in a type: the scalar "lr", or "<name>/lr" where minimize has a name, and
  /// "<group>/lr" behind that for a group of parameters.
  Tensor lr(DType type) const;
  /// The number of this update, counted from 1: an i64 of rank 0.
  Tensor step() const { return step_; }
  /// A hyperparameter as a named scalar "<name>/key" ("<name>/<group>/key") in a type: changing it
  /// never recompiles.
  Tensor scalar(const std::string& key, double value, DType type);
  /// State of the optimizer beside a parameter, of its type and shape, named
  /// "<name>/<key>/<parameter>"; at first 0 unless said.
  Variable slot(const Target& target, const std::string& key, const Initial& start = zeros());
  /// The slot's next value.
  void update(const Variable& slot, const Tensor& next);
  /// The parameter's next value; once per target.
  void update(const Target& target, const Tensor& next);

private:
  friend class Model;
  Minimization(class Model& model, std::string name, Place place)
      : model_(model), name_(std::move(name)), place_(place) {}

  class Model& model_;
  std::string name_;
  std::string group_; ///< empty for the rule of minimize itself
  Place place_;
  Tensor loss_;
  Tensor lr_;
  Tensor step_;
  std::vector<Target> targets_;
};

/// An UpdateRule without its type, for the library's own code.
class AnyUpdateRule {
public:
  virtual ~AnyUpdateRule() = default;
  virtual double lr() const = 0;
  virtual void apply(Minimization& m) const = 0;
};

template <UpdateRule Rule> std::shared_ptr<const AnyUpdateRule> any_update_rule(Rule rule) {
  struct Kept final : AnyUpdateRule {
    Rule rule;
    explicit Kept(Rule rule) : rule(std::move(rule)) {}
    double lr() const override { return static_cast<double>(rule.lr); }
    void apply(Minimization& m) const override { rule.apply(m); }
  };
  return std::make_shared<Kept>(std::move(rule));
}

/// Parameters that another rule trains than minimize's own:
///
///   m.minimize(loss, AdamW{.lr = 1e-3},
///              {.groups = {{"biases", "*/b", AdamW{.lr = 1e-3, .weight_decay = 0}}}});
///
/// Its learning rate is the scalar "<name>/lr" ("biases/lr"). A parameter belongs to the first
/// group whose pattern it matches.
class ParameterGroup {
public:
  template <UpdateRule Rule> ParameterGroup(std::string name, std::string parameters, Rule rule)
      : name(std::move(name)), parameters(std::move(parameters)),
        rule(any_update_rule(std::move(rule))) {}

  std::string name;
  std::string parameters; ///< a pattern of names
  std::shared_ptr<const AnyUpdateRule> rule;
};

} // namespace gdjit
