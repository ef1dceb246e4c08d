// The rules that every graph keeps; checked after each pass in tests and debug builds.
#pragma once

#include "gdjit/IR/Step.h"
#include "gdjit/Support/Diagnostics.h"

namespace gdjit {

/// What to verify: all, or the body where the signature has been verified already.
enum class StepPart : uint8_t { all, body };

/// Adds a message per broken rule: operands before users, types as the op's rule infers them,
/// attributes complete, outputs and updates of the declared types, kernels of a partition in order.
void verify(const Step& step, Diagnostics& diagnostics, StepPart part = StepPart::all);

} // namespace gdjit
