// One graph, one set of bits: the chain of a step from the graph interpreter to native code.
#pragma once

#include "CheckReport.h"
#include "Subject.h"

namespace gdjit::tool {

struct ChainOptions {
  uint64_t seed = 1;
  bool all_targets = true; ///< those that this machine can run; else native alone
  bool training = true;
  int threads = 1; ///< more: also native code in which as many share whatever divides
};

/// Graph interpreter at each graph stage, loop interpreter at each loop stage, native code at each
/// level and target, all on the same random values; `title` opens each line.
void check_chain(const Work& work, const ChainOptions& options, const std::string& title,
                 CheckReport& report);

} // namespace gdjit::tool
