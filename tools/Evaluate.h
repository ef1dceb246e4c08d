// A step called once on given values, for what stands at the end of a run: by the interpreter where
// that is quicker than compiling, by native code otherwise. Both give the same bits
// (lib/IR/README.md).
#pragma once

#include "Batches.h"
#include "Subject.h"

#include "gdjit/IR/Call.h"

namespace gdjit::tool {

/// Scalars of a call by name; others take their defaults, `step` and `seed` those of the State.
using ScalarValues = std::map<std::string, double>;

/// The arguments of a call in the order of `signature`; states by name. Error(usage) for a scalar
/// without value.
CallArguments call_arguments(const Signature& signature, const State& state,
                             std::vector<Array> inputs, const ScalarValues& scalars);

/// Calls the step; updates are in the results, the State stays as it is.
CallResults call(const Work& work, const CallArguments& arguments, const CompileOptions& options);

/// Outputs of a step over all rows: those of rank 0 as means weighted by rows, by name.
std::vector<std::pair<std::string, Array>> evaluate(const Subject& subject, StepKind kind,
                                                    const State& state, const RowSet& rows,
                                                    int64_t batch, const ScalarValues& scalars,
                                                    const CompileOptions& options);

} // namespace gdjit::tool
