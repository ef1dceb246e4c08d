// Stochastic gradient descent as PyTorch has it.
#include "Hyperparameter.h"
#include "gdjit/Frontend/Functions.h"
#include "gdjit/Train/Optimizers.h"

namespace gdjit {

void SGD::apply(Minimization& m) const {
  Place at = m.place();
  check_range("SGD", "momentum", momentum, 0, INFINITY, at);
  check_range("SGD", "dampening", dampening, 0, INFINITY, at);
  check_range("SGD", "weight_decay", weight_decay, 0, INFINITY, at);
  if (nesterov && (momentum <= 0 || dampening != 0))
    throw Error(ErrorCode::graph, "SGD: nesterov needs a momentum above 0 and no dampening",
                location_of(at));
  for (const Minimization::Target& target : m.targets()) {
    const Parameter& t = target.parameter;
    Tensor g = target.gradient;
    if (weight_decay != 0)
      g = add(g, mul(t, weight_decay, at), at);
    if (momentum != 0) {
      Variable b = m.slot(target, "momentum");
      Tensor later = add(mul(b, momentum, at), dampening != 0 ? mul(g, 1 - dampening, at) : g, at);
      // The first update takes the gradient itself; 0 * momentum + g is the same unless it is
      // dampened.
      Tensor next = dampening != 0 ? select(eq(m.step(), 1, at), g, later, at) : later;
      m.update(b, next);
      g = nesterov ? add(g, mul(next, momentum, at), at) : next;
    }
    m.update(target, fma(g, neg(m.lr(t.dtype()), at), t, at));
  }
}

} // namespace gdjit
