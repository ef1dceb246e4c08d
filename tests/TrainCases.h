// Losses, activations and layers as small models, for the tests that hold them against PyTorch's
// figures, finite differences and the chain. Each declares the parameter x, applies the case to it
// and trains once by SGD 0.1 on the result, or on the sum of its squares where it is no number.
// tests/reference/make_reference.py computes the same by the same names.
#pragma once

#include "gdjit/gdjit.h"

#include <string>
#include <vector>

namespace gdjit::test {

struct TrainCase {
  std::string name;
  Tensor (*value)(Model& m, const Tensor& x);
  bool probabilities = false; ///< x starts as rows of probabilities
};

inline Tensor real_targets(Model& m) {
  return m.constant({{0.1, -1.0, 2.7}, {1.5, 1.6, -2.4}, {-0.7, 0.2, 0.8}, {3.3, -0.9, 1.0}});
}
inline Literal probability_rows() {
  return {{0.2, 0.3, 0.5}, {0.7, 0.2, 0.1}, {0.05, 0.9, 0.05}, {0.4, 0.4, 0.2}};
}
inline Tensor flags(Model& m) { return m.constant({{1, 0, 1}, {0, 0, 1}, {1, 1, 0}, {0, 1, 0}}); }
inline Tensor counts(Model& m) { return m.constant({{0, 1, 2}, {3, 0, 1}, {5, 2, 0}, {1, 4, 2}}); }
inline Tensor labels(Model& m) { return m.constant({2, 0, 1, 1}, DType::i64); }
inline Tensor some_labels(Model& m) { return m.constant({2, 0, -100, 1}, DType::i32); }
inline Tensor class_weights(Model& m) { return m.constant({0.5, 2.0, 1.25}); }

inline const std::vector<TrainCase>& train_cases() {
  using T = const Tensor&;
  static const std::vector<TrainCase> all = {
      {"mse_sum", [](Model& m, T x) { return mse_loss(x, real_targets(m), Reduction::sum); }},
      {"mse_none", [](Model& m, T x) { return mse_loss(x, real_targets(m), Reduction::none); }},
      {"l1", [](Model& m, T x) { return l1_loss(x, real_targets(m)); }},
      {"huber", [](Model& m, T x) { return huber_loss(x, real_targets(m), {.delta = 0.7}); }},
      {"smooth_l1",
       [](Model& m, T x) { return smooth_l1_loss(x, real_targets(m), {.beta = 0.7}); }},
      {"bce_weight",
       [](Model& m, T x) {
         return binary_cross_entropy(x, flags(m), {.weight = m.constant(probability_rows())});
       },
       true},
      {"bce_logits_pos_weight",
       [](Model& m, T x) {
         return binary_cross_entropy_with_logits(x, flags(m), {.pos_weight = class_weights(m)});
       }},
      {"bernoulli", [](Model& m, T x) { return bernoulli_nll_loss(x, flags(m)); }, true},
      {"ce_smoothing",
       [](Model& m, T x) { return cross_entropy(x, labels(m), {.label_smoothing = 0.2}); }},
      {"ce_weights",
       [](Model& m, T x) {
         return cross_entropy(x, labels(m), {.class_weights = class_weights(m)});
       }},
      {"ce_ignore",
       [](Model& m, T x) { return cross_entropy(x, some_labels(m), {.ignore_index = -100}); }},
      {"ce_all",
       [](Model& m, T x) {
         return cross_entropy(
             x, some_labels(m),
             {.label_smoothing = 0.2, .class_weights = class_weights(m), .ignore_index = -100});
       }},
      {"ce_none",
       [](Model& m, T x) {
         return cross_entropy(x, some_labels(m),
                              {.label_smoothing = 0.2,
                               .class_weights = class_weights(m),
                               .ignore_index = -100,
                               .reduction = Reduction::none});
       }},
      {"ce_probabilities",
       [](Model& m, T x) {
         return cross_entropy(x, m.constant(probability_rows()),
                              {.label_smoothing = 0.2, .class_weights = class_weights(m)});
       }},
      {"nll_weights_ignore",
       [](Model& m, T x) {
         return nll_loss(log_softmax(x), some_labels(m),
                         {.class_weights = class_weights(m), .ignore_index = -100});
       }},
      {"gaussian_nll",
       [](Model& m, T x) {
         return gaussian_nll_loss(x, real_targets(m), exp(x * 0.5), {.full = true});
       }},
      {"gaussian_nll_eps",
       [](Model& m, T x) { return gaussian_nll_loss(x, real_targets(m), exp(x), {.eps = 0.5}); }},
      {"poisson_log", [](Model& m, T x) { return poisson_nll_loss(x, counts(m), {.full = true}); }},
      {"poisson_rates",
       [](Model& m, T x) { return poisson_nll_loss(x, counts(m), {.log_input = false}); }, true},
      {"kl",
       [](Model& m, T x) {
         return kl_div(log_softmax(x), softmax(real_targets(m)) * flags(m),
                       {.reduction = Reduction::batch_mean});
       }},
      {"kl_log_target",
       [](Model& m, T x) {
         return kl_div(log_softmax(x), log_softmax(real_targets(m)), {.log_target = true});
       }},
      {"penalties", [](Model&, T x) { return 0.3 * l1_penalty({x}) + 0.2 * l2_penalty({x, x}); }},
      {"gelu", [](Model&, T x) { return gelu(x); }},
      {"gelu_tanh", [](Model&, T x) { return gelu_tanh(x); }},
      {"silu", [](Model&, T x) { return silu(x); }},
      {"leaky_relu", [](Model&, T x) { return leaky_relu(x, 0.1); }},
      {"elu", [](Model&, T x) { return elu(x, 1.5); }},
      {"embedding",
       [](Model& m, T x) {
         Embedding e(m, "e", 5, 3,
                     {.w = values({{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {0, 1, 0}, {2, 2, 2}})});
         return e(m.constant({1, 4, 1, 0}, DType::i64)) * x;
       }},
      {"batch_norm", [](Model& m, T x) { return BatchNorm(m, "bn", 3)(x) * real_targets(m); }},
      {"batch_norm_rank_3",
       [](Model& m, T x) {
         BatchNorm bn(m, "bn", 3, {.momentum = 0.3, .eps = 1e-2});
         return reshape(bn(reshape(x, {2, 2, 3})), {4, 3}) * real_targets(m);
       }},
      {"layer_norm", [](Model& m, T x) { return LayerNorm(m, "ln", 3)(x) * real_targets(m); }},
  };
  return all;
}

inline void declare(Model& m, const TrainCase& c) {
  Initial start =
      c.probabilities
          ? values(probability_rows())
          : values({{0.2, -1.3, 0.7}, {1.5, 0.1, -0.4}, {-0.6, 2.2, 0.9}, {0.3, -0.8, 1.1}});
  Parameter x = m.parameter("x", start);
  Tensor value = c.value(m, x);
  Tensor loss = value.rank() == 0 ? value : sum(square(value));
  m.output("value", value);
  m.output("gradient", gradient(loss, x));
  m.minimize(loss, SGD{.lr = 0.1});
}

} // namespace gdjit::test
