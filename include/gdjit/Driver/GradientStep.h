// Steps derived from a declared step, for tools: with gradients as outputs, without updates.
#pragma once

#include "gdjit/IR/Step.h"

#include <span>
#include <string>
#include <vector>

namespace gdjit {

/// Whether a derived step still changes state.
enum class Updates : uint8_t { keep, drop };

/// `declared` with an output "d loss/d w" for each of `names` (states, inputs or named nodes of a
/// float type). Throws Error(usage) with the nearest name where one is unknown, Error(graph) where
/// the step has no loss of rank 0.
Step with_gradients(const Step& declared, std::span<const std::string> names, Updates updates);

/// The states of a float type that the step updates and the loss is made of: what there is to
/// differentiate by.
std::vector<std::string> trained_states(const Step& declared);

/// `declared` without its updates, as what its evaluation is.
Step without_updates(const Step& declared);

} // namespace gdjit
