// Rules for minimize, with PyTorch's formulas and names. Each is a plain struct: m.minimize(loss,
// Adam{.lr = 1e-3}).
//
// In the formulas t is a parameter, g its gradient (clipped, where minimize clips), k the number of
// the update from 1; state starts at 0. `lr` is the default of the scalar that each call may give;
// all else is a constant of the step. A number outside its range is an Error on minimize's line.
#pragma once

#include "gdjit/Frontend/UpdateRule.h"

namespace gdjit {

/// Stochastic gradient descent:
///   g += weight_decay t;  b = g at the first update, then momentum b + (1 - dampening) g;
///   t -= lr (b, or g + momentum b where nesterov).
struct SGD {
  double lr = 0.01;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;

  void apply(Minimization& m) const;
};

/// Duchi, Hazan, Singer 2011:
///   g += weight_decay t;  s += g^2;  t -= lr / (1 + (k - 1) lr_decay) g / (sqrt(s) + eps).
/// s starts at `initial`.
struct Adagrad {
  double lr = 0.01;
  double lr_decay = 0;
  double weight_decay = 0;
  double initial = 0;
  double eps = 1e-10;

  void apply(Minimization& m) const;
};

/// Hinton 2012. PyTorch's convention:
///   g += weight_decay t;  s = alpha s + (1 - alpha) g^2;  d = g / (sqrt(s) + eps);
///   t -= lr d, or with momentum b = momentum b + d; t -= lr b.
/// `tensorflow` takes that of TensorFlow's RMSPropOptimizer: s starts at 1, d = g / sqrt(s + eps),
/// b = momentum b + lr d, t -= b (its defaults are alpha 0.9 and eps 1e-10). `centered` takes s
/// minus the square of the gradient's moving average in the place of s.
struct RMSprop {
  double lr = 0.01;
  double alpha = 0.99;
  double eps = 1e-8;
  double weight_decay = 0;
  double momentum = 0;
  bool centered = false;
  bool tensorflow = false;

  void apply(Minimization& m) const;
};

/// Kingma, Ba 2015:
///   g += weight_decay t;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
///   t -= lr m^ / (sqrt(v^) + eps),  m^ = m / (1 - beta1^k),  v^ = v / (1 - beta2^k).
/// Computed as t -= a m / (sqrt(v) r + eps) with the scalars a = lr / (1 - beta1^k) and
/// r = 1 / sqrt(1 - beta2^k), once a step in f64: in f32, 1 - 0.999 is off by 1.3e-5.
struct Adam {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;

  void apply(Minimization& m) const;
};

/// Loshchilov, Hutter 2019: t -= lr weight_decay t, then Adam without decay.
struct AdamW {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.01;

  void apply(Minimization& m) const;
};

/// "sgd,momentum=0.9,nesterov": a name from above in small letters, then its numbers; a word alone
/// is a flag. For ModelOptions::optimizer: without lr=… its lr is NaN. Error(usage) with the
/// nearest word for one that is unknown.
std::shared_ptr<const AnyUpdateRule> parse_optimizer(std::string_view text);

} // namespace gdjit
