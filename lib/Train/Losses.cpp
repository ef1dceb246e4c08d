// Losses by the formulas in their header, but those of classes.
#include "LossChecks.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

namespace gdjit {

namespace {

/// The loss of elements weighted where a weight is given.
Tensor weighted(const std::string& loss, const Tensor& elements, const Tensor& weight,
                Reduction reduction, Place at) {
  if (weight.empty())
    return reduce_loss(elements, reduction, at);
  require_common_model(loss, {&elements, &weight}, at);
  if (!(weight.type() == elements.type()))
    fail_loss(fmt::format("{}: the weight has type {}, not {}", loss, to_string(weight.type()),
                          to_string(elements.type())),
              elements, weight, "losses never broadcast: give each element its weight", at);
  return reduce_loss(mul(elements, weight, at), reduction, at);
}

/// factor * log(x), 0 where the factor is 0 whatever x is.
Tensor times_log(const Tensor& factor, const Tensor& x, Place at) {
  Tensor none = eq(factor, 0.0, at);
  return select(none, 0.0, mul(factor, log(select(none, 1.0, x, at), at), at), at);
}

Tensor total(const char* what, const std::vector<Tensor>& values, bool squares, Place at) {
  if (values.empty())
    throw Error(ErrorCode::graph, fmt::format("{}: no operand", what), location_of(at));
  Tensor all;
  for (const Tensor& value : values) {
    require_common_model(what, {&value}, at);
    Tensor one = sum(squares ? square(value, at) : abs(value, at), {}, false, at);
    all = all.empty() ? one : add(all, one, at);
  }
  return all;
}

/// square_factor d^2 where |d| <= delta, else linear_factor (|d| - delta / 2).
Tensor huber(const Tensor& prediction, const Tensor& target, double delta, double square_factor,
             double linear_factor, Place at) {
  Tensor d = sub(prediction, target, at), size = abs(d, at);
  return select(le(size, delta, at), mul(square(d, at), square_factor, at),
                mul(sub(size, 0.5 * delta, at), linear_factor, at), at);
}

} // namespace

Tensor mse_loss(const Tensor& prediction, const Tensor& target, Reduction reduction, Place at) {
  check_equal_types("mse_loss", prediction, target, at);
  return reduce_loss(square(sub(prediction, target, at), at), reduction, at);
}

Tensor l1_loss(const Tensor& prediction, const Tensor& target, Reduction reduction, Place at) {
  check_equal_types("l1_loss", prediction, target, at);
  return reduce_loss(abs(sub(prediction, target, at), at), reduction, at);
}

Tensor huber_loss(const Tensor& prediction, const Tensor& target, const HuberOptions& options,
                  Place at) {
  check_equal_types("huber_loss", prediction, target, at);
  check_positive("huber_loss", "delta", options.delta, at);
  return reduce_loss(huber(prediction, target, options.delta, 0.5, options.delta, at),
                     options.reduction, at);
}

Tensor smooth_l1_loss(const Tensor& prediction, const Tensor& target,
                      const SmoothL1Options& options, Place at) {
  check_equal_types("smooth_l1_loss", prediction, target, at);
  check_positive("smooth_l1_loss", "beta", options.beta, at);
  return reduce_loss(huber(prediction, target, options.beta, 0.5 / options.beta, 1, at),
                     options.reduction, at);
}

Tensor binary_cross_entropy(const Tensor& p, const Tensor& y,
                            const BinaryCrossEntropyOptions& options, Place at) {
  check_equal_types("binary_cross_entropy", p, y, at);
  Tensor when_true = mul(y, maximum(log(p, at), -100.0, at), at);
  Tensor when_false = mul(sub(1.0, y, at), maximum(log(sub(1.0, p, at), at), -100.0, at), at);
  Tensor likelihood = add(when_true, when_false, at);
  return neg(weighted("binary_cross_entropy", likelihood, options.weight, options.reduction, at),
             at);
}

Tensor binary_cross_entropy_with_logits(const Tensor& z, const Tensor& y,
                                        const BinaryLogitsOptions& options, Place at) {
  const std::string loss = "binary_cross_entropy_with_logits";
  check_equal_types(loss, z, y, at);
  // max(z, 0) + log1p(exp(-|z|)) is softplus(z), whose derivative is right at z = 0 too, where
  // those of max and |z| are a matter of choice.
  Tensor elements;
  if (options.pos_weight.empty()) {
    elements = sub(softplus(z, at), mul(z, y, at), at);
  } else {
    const Tensor& c = options.pos_weight;
    require_common_model(loss, {&z, &c}, at);
    bool per_class = c.rank() == 1 && z.rank() > 0 && c.extent(0, at) == z.extent(-1, at);
    if (c.dtype() != z.dtype() || (c.rank() != 0 && !per_class))
      fail_loss(fmt::format("{}: pos_weight has type {}", loss, to_string(c.type())), z, y,
                "it has the logits' element type, and rank 0 or one number per class along their "
                "last axis",
                at);
    Tensor factor = add(mul(sub(c, 1.0, at), y, at), 1.0, at);
    elements = add(mul(sub(1.0, y, at), z, at), mul(factor, softplus(neg(z, at), at), at), at);
  }
  return weighted(loss, elements, options.weight, options.reduction, at);
}

Tensor bernoulli_nll_loss(const Tensor& p, const Tensor& y, Reduction reduction, Place at) {
  check_equal_types("bernoulli_nll_loss", p, y, at);
  Tensor likelihood = add(times_log(y, p, at), times_log(sub(1.0, y, at), sub(1.0, p, at), at), at);
  return neg(reduce_loss(likelihood, reduction, at), at);
}

Tensor gaussian_nll_loss(const Tensor& mean, const Tensor& target, const Tensor& variance,
                         const GaussianNllOptions& options, Place at) {
  check_equal_types("gaussian_nll_loss", mean, target, at);
  check_equal_types("gaussian_nll_loss", mean, variance, at);
  check_positive("gaussian_nll_loss", "eps", options.eps, at);
  // Below eps the value is eps + 0, whose gradient is the variance's own.
  Tensor least = add(sub(variance, stop_gradient(variance, at), at), options.eps, at);
  Tensor v = select(lt(variance, options.eps, at), least, variance, at);
  Tensor elements =
      mul(add(log(v, at), div(square(sub(mean, target, at), at), v, at), at), 0.5, at);
  if (options.full)
    elements = add(elements, 0.5 * std::log(2 * std::numbers::pi), at);
  return reduce_loss(elements, options.reduction, at);
}

Tensor poisson_nll_loss(const Tensor& z, const Tensor& y, const PoissonNllOptions& options,
                        Place at) {
  check_equal_types("poisson_nll_loss", z, y, at);
  Tensor elements = options.log_input ? sub(exp(z, at), mul(y, z, at), at)
                                      : sub(z, mul(y, log(add(z, options.eps, at), at), at), at);
  if (options.full) {
    Tensor large = gt(y, 1.0, at), safe = select(large, y, 1.0, at);
    Tensor stirling = add(sub(mul(safe, log(safe, at), at), safe, at),
                          mul(log(mul(safe, 2 * std::numbers::pi, at), at), 0.5, at), at);
    elements = add(elements, select(large, stirling, 0.0, at), at);
  }
  return reduce_loss(elements, options.reduction, at);
}

Tensor kl_div(const Tensor& log_probabilities, const Tensor& target, const KlOptions& options,
              Place at) {
  check_equal_types("kl_div", log_probabilities, target, at);
  Tensor elements =
      options.log_target
          ? mul(exp(target, at), sub(target, log_probabilities, at), at)
          : sub(times_log(target, target, at), mul(target, log_probabilities, at), at);
  return reduce_loss(elements, options.reduction, at);
}

Tensor l1_penalty(const std::vector<Tensor>& values, Place at) {
  return total("l1_penalty", values, false, at);
}

Tensor l2_penalty(const std::vector<Tensor>& values, Place at) {
  return total("l2_penalty", values, true, at);
}

} // namespace gdjit
