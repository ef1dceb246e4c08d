// The models of workloads.cpp, which this program is linked with, ready to be timed.
#pragma once

#include "gdjit/gdjit.h"

namespace gdjit::benchmarks {

/// In the order of their lines.
std::vector<const ModelRow*> workloads();

/// Error(usage) where there is none of that name.
const ModelRow& workload(std::string_view name);

/// A model with its state and the rows that it carries, or the first `batch` of them.
struct Prepared {
  explicit Prepared(const ModelRow& row, int64_t batch = 0)
      : batch(batch), model(row.function, {.batch = batch, .name = row.name}),
        state(initial_state(model)) {}

  /// A step on its rows, called once: by a learning rate so small that thousands more stay finite.
  StepFunction training(const CompileOptions& options = {}) {
    StepFunction train = compile(model.training(), state, options);
    std::vector<TensorView> inputs = rows(model);
    for (TensorView& input : inputs)
      if (batch != 0)
        input.type.shape[0] = batch;
    train.bind(inputs);
    train.run({.lr = 1e-6});
    return train;
  }

  int64_t batch;
  Model model;
  State state;
};

} // namespace gdjit::benchmarks
