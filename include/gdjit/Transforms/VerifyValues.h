// verify-values: random inputs, runs and comparisons by which a pass that changed a bit is found.
#pragma once

#include "gdjit/IR/Call.h"
#include "gdjit/IR/Step.h"
#include "gdjit/Loop/Program.h"

#include <string>

namespace gdjit {

/// Arguments for one call, by type: floats in -2 .. 2, every 16th a corner (zeros, subnormals,
/// infinities, NaN) where `corners`; integers in 0 .. bound-1, so that they can be indices; scalars
/// near their defaults.
CallArguments random_arguments(const Signature& signature, uint64_t seed, int64_t bound = 3,
                               bool corners = false);

/// The least extent that an index of this graph selects from, at most 3 and at least 1: the bound
/// for the above.
int64_t index_bound(const Graph& graph);

/// As interpret, but a step may still hold gradient nodes: what depends on one comes back as an
/// Array without elements of type f32[0].
CallResults interpret_forward(const Step& step, const CallArguments& arguments);

/// "" where both agree to the bit, else a sentence on the first difference: "output loss[0] is 1.5,
/// was 1.25". Results that either side does not know (interpret_forward) are left out.
std::string first_difference(const Signature& signature, const CallResults& before,
                             const CallResults& after);

} // namespace gdjit
