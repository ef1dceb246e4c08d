// share_axes: along which loop each nest that threads share is cut, so that over a whole step they
// read as little as possible of what another one wrote.
//
// A product's rows or its columns may be shared. Cut by rows, x·w reads all of w, of which the step
// before updated a part in another core's cache; cut by columns it reads as much of w as its thread
// computes of the result; cut by the terms of each sum, its rows of w, and the others' sums. What
// is read in one nest was written in another, so the choice is one for all nests: state ties the
// end of a step to its start.
#pragma once

#include "Rewrite.h"

namespace gdjit::scheduling {

/// A loop that may be cut into pieces for threads.
struct Way {
  LoopId loop = loop::none;
  int64_t pieces = 0;
  bool blocks = false; ///< of a reduction (BlockSums.h), whose sums one thread adds up, alone
  int64_t fetched = 0; ///< bytes of the others' sums, which it fetches for that
  int64_t again = 0;   ///< bytes from behind the second cache that the others read, too
};

/// A nest that threads share, a top-level statement of a kernel that has statements.
struct SharedNest {
  size_t kernel = 0, statement = 0;
  std::vector<Way> ways; ///< at least one; at equal cost the first is taken
  size_t chosen = 0;
  std::string reason; ///< of the choice; empty where there was none
};

/// Chooses the way of each nest. Nothing else of the program is shared.
void share_axes(const Program& program, int threads, std::vector<SharedNest>& nests);

} // namespace gdjit::scheduling
