// Activations that are composites of ops, with PyTorch's formulas; relu, sigmoid, tanh, softplus
// are ops. Shape and type are x's.
#pragma once

#include "gdjit/Frontend/Functions.h"

namespace gdjit {

/// x (1 + erf(x / sqrt(2))) / 2: the exact form. Hendrycks, Gimpel 2016.
Tensor gelu(const Tensor& x, Place at = Place::current());
/// x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2: the approximation of the same paper.
Tensor gelu_tanh(const Tensor& x, Place at = Place::current());
/// x sigmoid(x), also called swish.
Tensor silu(const Tensor& x, Place at = Place::current());
/// x where x > 0, else slope x; the derivative at 0 is `slope`.
Tensor leaky_relu(const Tensor& x, double slope = 0.01, Place at = Place::current());
/// x where x > 0, else alpha (exp(x) - 1); the derivative at 0 is `alpha`.
Tensor elu(const Tensor& x, double alpha = 1, Place at = Place::current());

} // namespace gdjit
