// One row alone and in batches: the same bits, native and interpreted.
#pragma once

#include "gdjit/Frontend/Model.h"

#include <cstdint>
#include <vector>

namespace gdjit::testing {

/// Runs the step on the first rows of 64 drawn from `seed`, batch by batch, and each row alone;
/// expects equal bits of every output that has a batch axis. Gives the number of these outputs.
int64_t expect_same_rows(const ModelStep& step, uint64_t seed, const std::vector<int64_t>& batches);

} // namespace gdjit::testing
