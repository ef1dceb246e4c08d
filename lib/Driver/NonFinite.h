// check_nan: which op first produced NaN or infinity.
#pragma once

#include "gdjit/Driver/CompileOptions.h"
#include "gdjit/IR/Call.h"
#include "gdjit/Transforms/PassManager.h"

namespace gdjit {

/// Runs the step again by the interpreter on the values before it and throws Error(non_finite) that
/// names the op, forward or backward, from which NaN or infinity came to a result: the first among
/// those on the way there that made it of other operands. With its operands and the user's line;
/// `step` is its number for the message. Returns where none made it: constants that are infinite
/// are meant.
void report_non_finite(const Work& work, const CallArguments& before, int64_t step,
                       const CompileOptions& options);

} // namespace gdjit
