// Copies whose rows become lanes: blocks of a buffer are turned in registers on the way.
#pragma once

#include "Rewrite.h"

#include <functional>

namespace gdjit::scheduling {

/// What is copied: rows x columns elements of `from` from the coordinates `source` on.
struct Exchange {
  loop::BufferId from = loop::none, to = loop::none;
  loop::ValueType type;      ///< of the vectors
  std::vector<Index> source; ///< of the first element
  size_t row_axis = 0;       ///< of `from`; columns go along the last
  int64_t rows = 0, columns = 0;
  /// Where the element of row and column goes; further rows follow it along `lane`.
  std::function<std::vector<Index>(const Affine& row, const Affine& column)> target;
  NodeId node = no_node;
  /// Where extents vary: whole blocks only, under masks, so that the loops are the same for all;
  /// what lies behind the rows and columns of `to` is written, too.
  Varying* varying = nullptr;
};

/// The loops of the copy: blocks of as many rows and columns as lanes, then what remains, masked.
std::vector<Statement> exchange(Kernel& kernel, const Exchange& what);

} // namespace gdjit::scheduling
