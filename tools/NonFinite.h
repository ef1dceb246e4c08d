// --check-nan: which op first produced NaN or infinity.
#pragma once

#include "Evaluate.h"

namespace gdjit::tool {

/// True where every element of the State's float arrays and `loss` is finite.
bool all_finite(const State& state, double loss);

/// Runs the step again by the interpreter on the values before it and throws Error(non_finite) that
/// names the first op, forward or backward, whose result is not finite, with its operands and the
/// user's line.
[[noreturn]] void report_non_finite(const Work& work, const CallArguments& before, int64_t step,
                                    const CompileOptions& options);

} // namespace gdjit::tool
