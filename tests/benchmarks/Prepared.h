// The models of workloads.cpp, which this program is linked with, ready to be timed.
#pragma once

#include "gdjit/gdjit.h"

namespace gdjit::benchmarks {

/// In the order of their lines.
std::vector<const ModelRow*> workloads();

/// Error(usage) where there is none of that name.
const ModelRow& workload(std::string_view name);

/// A model with its state and the rows that it carries.
struct Prepared {
  explicit Prepared(const ModelRow& row)
      : model(row.function, {.name = row.name}), state(initial_state(model)) {}

  /// A step on its rows, called once: by a learning rate so small that thousands more stay finite.
  StepFunction training(const CompileOptions& options = {}) {
    StepFunction train = compile(model.training(), state, options);
    train.bind(rows(model));
    train.run({.lr = 1e-6});
    return train;
  }

  Model model;
  State state;
};

} // namespace gdjit::benchmarks
