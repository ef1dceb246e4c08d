// The order of shuffled rows: a function of seed, epoch and number of rows, the same on every
// machine.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gdjit {

/// Fisher-Yates over the numbers below `count`; swap i draws from
/// mix64(key + i * 0x9e3779b97f4a7c15), key = combine(combine(hash_bytes("shuffle"), seed), epoch),
/// scaled to the i + 1 places by the high half of the product (bias below 2^-32 for fewer than 2^32
/// rows).
std::vector<int64_t> permutation(int64_t count, int64_t seed, int64_t epoch = 0);
/// Into memory that is there.
void permute(std::span<int64_t> order, int64_t seed, int64_t epoch);

} // namespace gdjit
