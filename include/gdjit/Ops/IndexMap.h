// IndexMap: which operand element an iteration reads. Loop structure, fusion and interpretation
// read these, never the identity of an op.
#pragma once

#include "gdjit/IR/Shape.h"

#include <cstdint>
#include <vector>

namespace gdjit {

/// One coordinate of an operand: offset + sum over iteration axes of factor * index.
/// The iteration axes are those of the result, then those that are reduced.
struct AxisMap {
  std::vector<int64_t> factors; ///< per iteration axis
  int64_t offset = 0;
  bool guarded = false; ///< may leave [0, extent): the access then gives the fill value
};

struct IndexMap {
  std::vector<AxisMap> axes; ///< per operand axis
  bool linear =
      false; ///< reshape: the operand element at the same row-major position; axes is empty
};

/// How a Movement, Reduction or Contraction visits its operands.
struct Accesses {
  Shape reduced; ///< extents of the reduced axes, in the order of summation (last varies fastest)
  std::vector<IndexMap> operands; ///< per operand; for Movement with several operands (concat)
                                  ///< exactly one is in bounds
  double fill = 0;                ///< what a guarded access outside gives
};

} // namespace gdjit
