// What the loops of a product read: rows around vector loops around terms.
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

/// True where the lanes of a vector loop's loads lie apart.
bool strided_across(const Program& program, const Statement& rows);

/// True where terms read a part of a vector for all rows: masked, and from rows that are no whole
/// vectors, so that most of the loads cross from a line to the next.
bool masked_across(const Statement& rows);

/// Bytes that the first loop moves and the second does not, of a body that turns `times` times.
int64_t bytes_moved(const std::vector<Statement>& body, LoopId moving, LoopId still, int64_t times);

/// Bytes that all rows read, and each of the vectors again.
int64_t bytes_along(const Statement& rows);

/// Bytes that one iteration of a row loop reads along its vector loops, and all others again.
int64_t bytes_across(const Statement& rows);

/// How many loads and stores each result has behind its terms, as weights with their moments, where
/// tiles of `count` rows should go row by row: all results come from memory, and a tile's are more
/// than what it reads of all columns, which the second cache holds. 0 where they should not.
int64_t results_first(const Statement& rows, int64_t count, const MachineTable& machine);

/// What is counted of the accesses of a nest.
struct Touched {
  bool stores = false;       ///< beside the loads
  LoopId still = loop::none; ///< nothing that this loop moves
};

/// Bytes that a nest touches, of each buffer no more than it has.
double bytes_touched(const Program& program, const Statement& nest, const Touched& which);

} // namespace gdjit::scheduling
