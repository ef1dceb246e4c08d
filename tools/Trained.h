// A model with the State of a checkpoint, for commands that use what train saved.
#pragma once

#include "Rows.h"
#include "Scalars.h"

#include <optional>

namespace gdjit::tool {

struct Trained {
  std::unique_ptr<Subject> subject;
  std::optional<Checkpoint> checkpoint; ///< without one where the model keeps no state
  std::unique_ptr<State> state;
  ScalarValues scalars; ///< as train was given them

  const Checkpoint* known() const { return checkpoint ? &*checkpoint : nullptr; }
  /// Of the training rows.
  std::span<const Scaling> scalings() const {
    return checkpoint ? std::span<const Scaling>(checkpoint->scalings) : std::span<const Scaling>();
  }
};

/// Declares the model as it was when `load` was saved (--dtype, --set, --optimizer, unless typed)
/// and reads the checkpoint. Error(usage) where there is none to load and the model has states.
Trained load_trained(CLI::App& command, const ModelArguments& model, const std::string& load,
                     Tool& tool);

} // namespace gdjit::tool
