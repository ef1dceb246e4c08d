// RowPass: batches of rows, in an order or as they stand, for a step that goes over them in one
// call.
#pragma once

#include "gdjit/Runtime/TensorView.h"

#include <cstdint>
#include <vector>

namespace gdjit {

/// Does not own: what it points to must outlive it.
struct RowPass {
  /// Inputs of the first batch, if the rows were taken as they stand from the first that may be
  /// taken.
  std::vector<TensorView> first;
  std::vector<int64_t> rows;      ///< per input: how many there are from there on; 0: it has no
                                  ///< batch
  const int64_t* order = nullptr; ///< numbers of rows, one batch behind the other; null: as they
                                  ///< stand
  int64_t batches = 0;
  int64_t done = 0; ///< batches, once a step function has run the pass
};

} // namespace gdjit
