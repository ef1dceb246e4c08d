// The scalars of a step's calls: learning rates and other numbers as the command line gives them.
#pragma once

#include "Tool.h"

#include "gdjit/IR/Call.h"
#include "gdjit/IR/Step.h"
#include "gdjit/JIT/StepFunction.h"

#include <map>
#include <span>

namespace gdjit::tool {

/// Scalars of a call by name; others take their defaults, `step` and `seed` those of the State.
using ScalarValues = std::map<std::string, double>;

/// "lr", or that of a minimize.
bool is_rate(const std::string& name);

/// By --lr VALUE (all learning rates) and --lr NAME=VALUE (that of NAME, or a scalar of that name).
/// Error(usage) for a name that there is not and a rate that is negative or not finite.
ScalarValues parse_scalars(const Signature& signature, const std::vector<std::string>& given);

/// Sets those that the function has.
void set_scalars(StepFunction& function, const Signature& signature, const ScalarValues& scalars);

/// Binds inputs and sets learning rates of 0, which leave every value where it is, so that no run
/// that is timed wanders off to where numbers are slower.
void bind_at_rest(StepFunction& function, const Signature& signature,
                  std::span<const Array> inputs);

/// The arguments of a call in the order of `signature`; states by name. Error(usage) for a scalar
/// without value.
CallArguments call_arguments(const Signature& signature, const State& state,
                             std::vector<Array> inputs, const ScalarValues& scalars);

} // namespace gdjit::tool
