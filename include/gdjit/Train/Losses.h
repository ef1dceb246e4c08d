// Losses as plain functions over ops. Prediction and target have equal shapes; anything else is an
// Error that proposes the reshape, never a broadcast. Each gives the mean over all elements, of
// rank 0.
#pragma once

#include "gdjit/Frontend/Functions.h"

namespace gdjit {

/// mean((prediction - target)^2): no factor 1/2.
Tensor mse_loss(const Tensor& prediction, const Tensor& target, Place at = Place::current());

/// mean(-(y log p + (1 - y) log(1 - p))) of probabilities p and targets y in 0 .. 1; each logarithm
/// at least -100.
Tensor binary_cross_entropy(const Tensor& probability, const Tensor& target,
                            Place at = Place::current());

/// The same of logits z, p = sigmoid(z): mean(max(z, 0) - z y + log1p(exp(-|z|))), where the
/// parts without y are softplus(z).
Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target,
                                        Place at = Place::current());

/// mean(-log_softmax(logits)[class]) over the last axis of the logits. The target holds class
/// numbers (i32 or i64, the logits' shape without the last axis) or probabilities (the logits' type
/// and shape).
Tensor cross_entropy(const Tensor& logits, const Tensor& target, Place at = Place::current());

/// mean(-log_probabilities[class]) with class numbers, as cross_entropy takes them.
Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target, Place at = Place::current());

} // namespace gdjit
