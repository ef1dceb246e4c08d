// Losses as plain functions over ops, with PyTorch's formulas and names. Prediction and target have
// equal shapes and one float type; anything else is an Error that proposes the reshape, never a
// broadcast. Each gives the mean over all elements, of rank 0, unless a Reduction says otherwise.
#pragma once

#include "gdjit/Frontend/Functions.h"

#include <limits>

namespace gdjit {

/// What becomes of the loss of each element (of each row, where there are classes). Of rows of 2 to
/// 15 elements each is added up first, so that the mean has the bits of sum(sum(x, 1)) / elements.
enum class Reduction : uint8_t {
  mean,
  sum,
  none,       ///< as it is
  batch_mean, ///< the sum divided by the extent of axis 0
};

/// (prediction - target)^2: no factor 1/2.
Tensor mse_loss(const Tensor& prediction, const Tensor& target,
                Reduction reduction = Reduction::mean, Place at = Place::current());

/// |prediction - target|: the mean absolute error. Its derivative at 0 is 0.
Tensor l1_loss(const Tensor& prediction, const Tensor& target,
               Reduction reduction = Reduction::mean, Place at = Place::current());

struct HuberOptions {
  double delta = 1; ///< above 0
  Reduction reduction = Reduction::mean;
};
/// d = prediction - target: d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2). Huber 1964.
Tensor huber_loss(const Tensor& prediction, const Tensor& target, const HuberOptions& options = {},
                  Place at = Place::current());

struct SmoothL1Options {
  double beta = 1; ///< above 0
  Reduction reduction = Reduction::mean;
};
/// huber_loss / beta: d^2 / (2 beta) where |d| < beta, else |d| - beta / 2.
Tensor smooth_l1_loss(const Tensor& prediction, const Tensor& target,
                      const SmoothL1Options& options = {}, Place at = Place::current());

struct BinaryCrossEntropyOptions {
  Tensor weight = {}; ///< of each element, in the prediction's shape; the mean divides by elements
  Reduction reduction = Reduction::mean;
};
/// -(y log p + (1 - y) log(1 - p)) of probabilities p and targets y in 0 .. 1; each logarithm at
/// least -100.
Tensor binary_cross_entropy(const Tensor& probability, const Tensor& target,
                            const BinaryCrossEntropyOptions& options = {},
                            Place at = Place::current());

struct BinaryLogitsOptions {
  Tensor weight = {};     ///< as above
  Tensor pos_weight = {}; ///< of the term with y: rank 0, or one per class along the last axis
  Reduction reduction = Reduction::mean;
};
/// The same of logits z, p = sigmoid(z): max(z, 0) - z y + log1p(exp(-|z|)), where the parts
/// without y are softplus(z). With pos_weight c: (1 - y) z + (1 + (c - 1) y) softplus(-z).
Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target,
                                        const BinaryLogitsOptions& options = {},
                                        Place at = Place::current());

/// -log of the Bernoulli mass, -(y log p + (1 - y) log(1 - p)): binary_cross_entropy without the
/// clamp, so infinite where the impossible was seen; a term whose factor is 0 is 0.
Tensor bernoulli_nll_loss(const Tensor& probability, const Tensor& target,
                          Reduction reduction = Reduction::mean, Place at = Place::current());

/// No class number is left out.
inline constexpr int64_t no_index = std::numeric_limits<int64_t>::min();

struct CrossEntropyOptions {
  double label_smoothing = 0;      ///< e in 0 .. 1: the target becomes (1 - e) target + e / classes
  Tensor class_weights = {};       ///< [classes]
  int64_t ignore_index = no_index; ///< rows of that class number count for nothing
  Reduction reduction = Reduction::mean;
};
/// -log_softmax(logits)[class] over the last axis of the logits. The target holds class numbers
/// (i32 or i64, the logits' shape without the last axis) or probabilities (the logits' type and
/// shape). With class numbers the mean divides by the sum of the rows' class weights, ignored rows
/// weighing 0 (so with every row ignored it is NaN, as PyTorch's); with probabilities by the number
/// of rows. Label smoothing spreads e / classes over each class with that class's weight. Ignoring
/// an index needs class numbers. A class number out of range stops the call with node and position.
Tensor cross_entropy(const Tensor& logits, const Tensor& target,
                     const CrossEntropyOptions& options = {}, Place at = Place::current());

struct NllOptions {
  Tensor class_weights = {};
  int64_t ignore_index = no_index;
  Reduction reduction = Reduction::mean;
};
/// -log_probabilities[class] with class numbers, as cross_entropy takes them.
Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target,
                const NllOptions& options = {}, Place at = Place::current());

struct GaussianNllOptions {
  bool full = false; ///< adds log(2 pi) / 2
  double eps = 1e-6; ///< the variance counts as at least that; its gradient passes unchanged
  Reduction reduction = Reduction::mean;
};
/// (log v + (target - mean)^2 / v) / 2, v = max(variance, eps). The variance has the mean's shape.
Tensor gaussian_nll_loss(const Tensor& mean, const Tensor& target, const Tensor& variance,
                         const GaussianNllOptions& options = {}, Place at = Place::current());

struct PoissonNllOptions {
  bool log_input = true; ///< the prediction is the rate's logarithm
  bool full = false;     ///< adds Stirling's y log y - y + log(2 pi y) / 2 where y > 1
  double eps = 1e-8;     ///< added to a rate before its logarithm
  Reduction reduction = Reduction::mean;
};
/// exp(z) - y z of log rates z; rate - y log(rate + eps) of rates.
Tensor poisson_nll_loss(const Tensor& prediction, const Tensor& target,
                        const PoissonNllOptions& options = {}, Place at = Place::current());

struct KlOptions {
  bool log_target = false; ///< the target holds logarithms of probabilities
  /// batch_mean is the divergence's mean over rows; mean divides by the elements too.
  Reduction reduction = Reduction::mean;
};
/// target (log target - log_probabilities), 0 where the target is 0. Both are distributions along
/// an axis; the sum over it is KL(target || prediction).
Tensor kl_div(const Tensor& log_probabilities, const Tensor& target, const KlOptions& options = {},
              Place at = Place::current());

/// sum |w| over all elements of all tensors, to be added to a loss: loss + 1e-4 * l1_penalty({w}).
Tensor l1_penalty(const std::vector<Tensor>& values, Place at = Place::current());
/// sum w^2, without a factor 1/2: an SGD weight decay of d is 0.5 * d * l2_penalty.
Tensor l2_penalty(const std::vector<Tensor>& values, Place at = Place::current());

} // namespace gdjit
