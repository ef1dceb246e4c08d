// Steps derived from a declared step, for tools: with gradients as outputs, without updates.
#pragma once

#include "gdjit/IR/Step.h"

#include <span>
#include <string>
#include <vector>

namespace gdjit {

/// Whether a derived step still changes state.
enum class Updates : uint8_t { keep, drop };

/// The row of what gradients are of: the output "loss", else the first whose name ends in /loss,
/// else the first that is a float of rank 0. Error(graph) where there is none.
size_t loss_output(const Step& declared);

/// `declared` with an output "d loss/d w" for each of `names` (states, inputs or named nodes of a
/// float type), behind its own. Throws Error(usage) with the nearest name where one is unknown, and
/// as loss_output does.
Step with_gradients(const Step& declared, std::span<const std::string> names, Updates updates);
/// The same of the output of row `loss`, a float of rank 0.
Step with_gradients(const Step& declared, size_t loss, std::span<const std::string> names,
                    Updates updates);

/// The states of a float type that the step updates and the loss is made of in training: what there
/// is to differentiate by. None where there is no loss.
std::vector<std::string> trained_states(const Step& declared);

/// A loss, and the states that updates move by its gradient.
struct TrainedLoss {
  size_t output = 0; ///< row of Signature::outputs
  std::vector<std::string> states;
};

/// Every loss of a declared step with what it trains, in the order of the outputs. One loss alone
/// is that of loss_output with its trained_states; of several, each has the states whose updates
/// read its gradient, and none where its minimize's updates read no gradient of it. Empty where no
/// update changes a state of a float type. Throws as loss_output does.
std::vector<TrainedLoss> trained_losses(const Step& declared);

/// `declared` without its updates, as what its evaluation is.
Step without_updates(const Step& declared);

} // namespace gdjit
