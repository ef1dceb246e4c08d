// Live ranges of buffers, in positions: the top-level statements of all kernels, numbered in the
// order they run.
//
// Within one top-level statement (a loop nest) everything it touches is live at once; between two
// of them nothing runs, so a range is a closed interval of positions.
#pragma once

#include "gdjit/Loop/Program.h"
#include "gdjit/Support/SmallVector.h"

namespace gdjit::memory {

using loop::BufferId;

struct LiveRange {
  int64_t first = -1; ///< position of the first access, -1 for none
  int64_t last = -1;

  bool used() const { return first >= 0; }
};

/// One load or store with what surrounds it.
struct Access {
  BufferId buffer; ///< that the statement means, view or not
  const loop::Statement* statement;
  int64_t position;
  const std::vector<loop::Statement>* body; ///< the statements it stands among
  size_t index_in_body;
  SmallVector<const loop::Statement*, 4> loops; ///< enclosing, outermost first

  bool is_store() const { return statement->kind == loop::StatementKind::Store; }
};

/// Every load and store whose storage `wanted` accepts, in program order.
std::vector<Access> collect_accesses(const loop::Program& program, const std::vector<bool>& wanted);

/// The live range of each buffer's storage (views count for the buffer they view); outputs live to
/// the end.
std::vector<LiveRange> live_ranges(const loop::Program& program);

} // namespace gdjit::memory
