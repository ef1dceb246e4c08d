// compile for users: a model's step on a State becomes a native function.
//
//   Model m(line, {.batch = 64});
//   State s = initial_state(m, /*seed=*/0);
//   StepFunction train = compile(m.training(), s), evaluate = compile(m.evaluation(), s);
#pragma once

#include "gdjit/Driver/CompileOptions.h"
#include "gdjit/Frontend/Model.h"
#include "gdjit/JIT/StepFunction.h"

namespace gdjit {

struct Work; // Transforms/PassManager.h

/// A State with the first values of everything that the model's steps keep. Equal seeds give equal
/// bits.
State initial_state(const Model& model, int64_t seed = 0);

/// Compiles a step for the model's batch size, or for `batch` rows; other numbers of rows compile
/// once when they are first called. Error(graph) for a training step without updates.
StepFunction compile(const ModelStep& step, State& state, const CompileOptions& options = {},
                     int64_t batch = 0);

/// The same of a step at any stage, for the one batch size that it has.
StepFunction compile(const Work& work, State& state, const CompileOptions& options = {});

/// The rows that the model carries, for a call: train(rows(m)). Views of what the model keeps.
std::vector<TensorView> rows(const Model& model);

} // namespace gdjit
