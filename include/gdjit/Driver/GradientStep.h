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

/// The states of a float type that the step updates and the loss is made of: what there is to
/// differentiate by.
std::vector<std::string> trained_states(const Step& declared);

/// `declared` without its updates, as what its evaluation is.
Step without_updates(const Step& declared);

} // namespace gdjit
