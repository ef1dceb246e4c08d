// Activations by the formulas in their header.
#include "gdjit/Train/Activations.h"

#include <cmath>
#include <numbers>

namespace gdjit {

Tensor gelu(const Tensor& x, Place at) {
  Tensor gate = add(erf(mul(x, 1 / std::numbers::sqrt2, at), at), 1.0, at);
  return mul(mul(x, 0.5, at), gate, at);
}

Tensor gelu_tanh(const Tensor& x, Place at) {
  Tensor cubic = mul(mul(square(x, at), x, at), 0.044715, at);
  Tensor inner = mul(add(x, cubic, at), std::sqrt(2 / std::numbers::pi), at);
  return mul(mul(x, 0.5, at), add(tanh(inner, at), 1.0, at), at);
}

Tensor silu(const Tensor& x, Place at) { return mul(x, sigmoid(x, at), at); }

Tensor leaky_relu(const Tensor& x, double slope, Place at) {
  return select(gt(x, 0.0, at), x, mul(x, slope, at), at);
}

Tensor elu(const Tensor& x, double alpha, Place at) {
  // Above 0 the exponential is not looked at: of 0 it cannot overflow.
  Tensor positive = gt(x, 0.0, at);
  Tensor low = mul(expm1(select(positive, 0.0, x, at), at), alpha, at);
  return select(positive, x, low, at);
}

} // namespace gdjit
