// Adagrad and RMSprop: the step divided by the root of the gradient's squares.
#include "Hyperparameter.h"
#include "gdjit/Frontend/Functions.h"
#include "gdjit/Train/Optimizers.h"

namespace gdjit {

namespace {

/// The gradient with coupled weight decay.
Tensor decayed(const Minimization::Target& target, double weight_decay, Place at) {
  return weight_decay == 0 ? target.gradient
                           : add(target.gradient, mul(target.parameter, weight_decay, at), at);
}

/// old * keep + next * (1 - keep).
Tensor moving_average(const Tensor& old, double keep, const Tensor& next, Place at) {
  return add(mul(old, keep, at), mul(next, 1 - keep, at), at);
}

} // namespace

void Adagrad::apply(Minimization& m) const {
  Place at = m.place();
  check_range("Adagrad", "lr_decay", lr_decay, 0, INFINITY, at);
  check_range("Adagrad", "weight_decay", weight_decay, 0, INFINITY, at);
  check_range("Adagrad", "initial", initial, 0, INFINITY, at);
  check_range("Adagrad", "eps", eps, 0, INFINITY, at);
  Tensor rate = m.lr(DType::f64);
  if (lr_decay != 0) {
    Tensor updates_before = cast(sub(m.step(), 1, at), DType::f64, at);
    rate = div(rate, add(mul(updates_before, lr_decay, at), 1.0, at), at);
  }
  for (const Minimization::Target& target : m.targets()) {
    const Parameter& t = target.parameter;
    Tensor g = decayed(target, weight_decay, at);
    Variable s = m.slot(target, "sum", constant(t.shape(), initial));
    Tensor next = add(s, square(g, at), at);
    Tensor step = div(g, add(sqrt(next, at), eps, at), at);
    m.update(s, next);
    m.update(target, sub(t, mul(cast(rate, t.dtype(), at), step, at), at));
  }
}

void RMSprop::apply(Minimization& m) const {
  Place at = m.place();
  check_range("RMSprop", "alpha", alpha, 0, 1, at);
  check_range("RMSprop", "eps", eps, 0, INFINITY, at);
  check_range("RMSprop", "weight_decay", weight_decay, 0, INFINITY, at);
  check_range("RMSprop", "momentum", momentum, 0, INFINITY, at);
  for (const Minimization::Target& target : m.targets()) {
    const Parameter& t = target.parameter;
    Tensor g = decayed(target, weight_decay, at), lr = m.lr(t.dtype());
    Variable s = m.slot(target, "mean_square", tensorflow ? ones() : zeros());
    Tensor next = moving_average(s, alpha, square(g, at), at), power = next;
    m.update(s, next);
    if (centered) {
      Variable average = m.slot(target, "mean");
      Tensor now = moving_average(average, alpha, g, at);
      m.update(average, now);
      power = sub(next, square(now, at), at);
    }
    Tensor step =
        div(g, tensorflow ? sqrt(add(power, eps, at), at) : add(sqrt(power, at), eps, at), at);
    if (tensorflow)
      step = mul(lr, step, at);
    if (momentum != 0) {
      Variable b = m.slot(target, "momentum");
      step = add(mul(b, momentum, at), step, at);
      m.update(b, step);
    }
    m.update(target, sub(t, tensorflow ? step : mul(lr, step, at), at));
  }
}

} // namespace gdjit
