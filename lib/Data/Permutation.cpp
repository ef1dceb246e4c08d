// Shuffling by counters.
#include "gdjit/Data/Permutation.h"

#include "gdjit/Support/Hash.h"

#include <numeric>
#include <utility>

namespace gdjit {

void permute(std::span<int64_t> order, int64_t seed, int64_t epoch) {
  __extension__ using Wide = unsigned __int128;
  std::iota(order.begin(), order.end(), int64_t{0});
  uint64_t key = combine(combine(hash_bytes("shuffle"), static_cast<uint64_t>(seed)),
                         static_cast<uint64_t>(epoch));
  for (size_t i = order.size(); i-- > 1;) {
    uint64_t draw = mix64(key + i * 0x9e3779b97f4a7c15u);
    std::swap(order[i], order[static_cast<size_t>(Wide{draw} * (i + 1) >> 64)]);
  }
}

std::vector<int64_t> permutation(int64_t count, int64_t seed, int64_t epoch) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  permute(order, seed, epoch);
  return order;
}

} // namespace gdjit
