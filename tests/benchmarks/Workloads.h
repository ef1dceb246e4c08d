// The training steps that are timed, as gdjit models: what people would otherwise write in PyTorch,
// JAX, or by hand.
#pragma once

#include "gdjit/gdjit.h"

#include <span>

namespace gdjit::benchmarks {

struct Workload {
  const char* name;
  void (*model)(Model&);
  int64_t batch;
  double flops; ///< of the products in a step: 2 m n k each, nothing else counted
};

/// In the order of size. Rows are drawn by `draw_rows`; linear models carry their own scale.
std::span<const Workload> workloads();

/// mnist_mlp128 by gradients with momentum.
void mnist_mlp128_momentum(Model& m);

/// Option "layers": that many tanh layers, each one wider than the one before, the first from 16
/// to 17.
void widths(Model& m);

/// An array per input of the model's training step: floats in [0, 1), class numbers by turns.
std::vector<Array> draw_rows(const ModelStep& step, int64_t batch);

/// A workload's model with its state and rows.
struct Prepared {
  explicit Prepared(const Workload& w)
      : model(w.model, {.batch = w.batch, .name = w.name}), state(initial_state(model)),
        arrays(draw_rows(model.training(), w.batch)) {}

  std::vector<TensorView> views() const {
    std::vector<TensorView> rows;
    for (size_t i = 0; i < arrays.size(); ++i)
      rows.emplace_back(model.input_name(static_cast<uint32_t>(i)), arrays[i]);
    return rows;
  }

  Model model;
  State state;
  std::vector<Array> arrays;
};

} // namespace gdjit::benchmarks
