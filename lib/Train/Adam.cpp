// Adam and AdamW: moving averages of gradient and square, their start from 0 corrected.
#include "Hyperparameter.h"
#include "gdjit/Frontend/Functions.h"
#include "gdjit/Train/Optimizers.h"

namespace gdjit {

namespace {

/// `decoupled`: AdamW.
void adam(Minimization& m, const Adam& rule, bool decoupled) {
  Place at = m.place();
  const char* name = decoupled ? "AdamW" : "Adam";
  check_range(name, "beta1", rule.beta1, 0, 1, at);
  check_range(name, "beta2", rule.beta2, 0, 1, at);
  check_range(name, "eps", rule.eps, 0, INFINITY, at);
  check_range(name, "weight_decay", rule.weight_decay, 0, INFINITY, at);
  // Scalars of the step, in f64 from the integer step.
  Tensor k = cast(m.step(), DType::f64, at), lr = m.lr(DType::f64);
  Tensor a = div(lr, sub(1.0, pow(rule.beta1, k, at), at), at);
  Tensor r = div(1.0, sqrt(sub(1.0, pow(rule.beta2, k, at), at), at), at);
  // t - (lr decay) t: in f32, 1 - lr decay would be rounded to 6e-8, each step alike.
  Tensor shrink = decoupled && rule.weight_decay != 0 ? mul(lr, rule.weight_decay, at) : Tensor();
  for (const Minimization::Target& target : m.targets()) {
    const Parameter& t = target.parameter;
    DType type = t.dtype();
    Tensor g = target.gradient, start = t;
    if (!shrink.empty())
      start = sub(t, mul(cast(shrink, type, at), t, at), at);
    else if (rule.weight_decay != 0)
      g = add(g, mul(t, rule.weight_decay, at), at);
    Variable mean = m.slot(target, "m"), power = m.slot(target, "v");
    Tensor next_mean = add(mul(mean, rule.beta1, at), mul(g, 1 - rule.beta1, at), at);
    Tensor next_power = add(mul(power, rule.beta2, at), mul(square(g, at), 1 - rule.beta2, at), at);
    Tensor root = add(mul(sqrt(next_power, at), cast(r, type, at), at), rule.eps, at);
    m.update(mean, next_mean);
    m.update(power, next_power);
    m.update(target, sub(start, div(mul(cast(a, type, at), next_mean, at), root, at), at));
  }
}

} // namespace

void Adam::apply(Minimization& m) const { adam(m, *this, false); }

void AdamW::apply(Minimization& m) const {
  adam(m, {.beta1 = beta1, .beta2 = beta2, .eps = eps, .weight_decay = weight_decay}, true);
}

} // namespace gdjit
