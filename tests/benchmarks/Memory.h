// Kernels that memory bounds: gdjit's steps beside loops that do nothing but read and write as many
// arrays, on arrays of the same size.
#pragma once

#include "Products.h"

namespace gdjit::benchmarks {

struct MemoryBound {
  std::string name;
  double bytes;                        ///< that each contestant reads and writes at the least
  std::vector<Contestant> contestants; ///< gdjit's step, then the loops
};

/// How a row of the table comes to be: arrays are there only as long as the row is measured.
struct MemoryRow {
  std::string name;
  std::function<MemoryBound()> prepare;
};

/// Adam alone, a softmax with its gradient, chains and sums of several sizes.
std::vector<MemoryRow> memory_rows();

} // namespace gdjit::benchmarks
