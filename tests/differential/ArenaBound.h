// The arena of a step beside what its live ranges ask for, and what a call touches of it.
#pragma once

#include "gdjit/IR/Step.h"

namespace gdjit::testing {

/// Compiles a step for one thread and for two. Its arena is at most a tenth larger than the bytes
/// that are live at once, and a call writes to its last line: what is planned is what is used.
void expect_tight_arena(const Step& declared, bool training);

} // namespace gdjit::testing
