// The meaning of Graph IR, run: slow, plain, and right to the bit (lib/IR/README.md).
#pragma once

#include "gdjit/IR/Call.h"
#include "gdjit/IR/Step.h"

namespace gdjit {

/// Runs a step of any Graph IR stage without gradient nodes (from Differentiated on).
CallResults interpret(const Step& step, const CallArguments& arguments);

/// The values of all nodes, in order (one result per node); `status` as in a call.
std::vector<Array> interpret_nodes(const Graph& graph, const CallArguments& arguments,
                                   CallStatus& status);

/// What Signature::initial reads: `seed`, step 0, and the defaults of other scalars.
CallArguments initial_arguments(const Signature& signature, int64_t seed);

/// First values of the states: Signature::initial run with `seed` at step 0. Error(data) for an
/// index out of range.
std::vector<Array> initial_values(const Signature& signature, int64_t seed);

} // namespace gdjit
