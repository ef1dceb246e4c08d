// What there is to say of each kernel of a compiled step, without running it.
#pragma once

#include "KernelWork.h"

#include "gdjit/Driver/TextFolder.h"

namespace gdjit::tool {

/// Arrays that only one kernel touches: what it and its schedule keep from one loop to another.
struct OwnArrays {
  std::vector<std::string> names; ///< the largest first
  double bytes = 0;
};

/// "5.12 kB of temporary arrays: add.32, a copy of w".
std::string words(const OwnArrays& own);

/// A kernel as its nodes were fused; threads may have cut it into several, "k1" and "k1.1".
struct KernelFacts {
  std::string name, title, reason; ///< before the schedule, where that is known
  std::vector<size_t> parts;       ///< of the planned program
  /// The user's lines, in their order, with their text where it is known.
  std::vector<std::pair<std::string, std::string>> lines;
  std::vector<std::string> fused; ///< why its nodes are in it
  std::vector<std::string> loops; ///< what is done in each of its loops, and why they are several
  std::vector<std::string> order; ///< in which its sums are added, and why
  KernelWork work;
  OwnArrays own;
};

/// What the plan added, and all of a text that was given scheduled, counts as it is.
std::vector<KernelFacts> facts_of(const loop::Program& planned, const BeforeSchedule& before,
                                  TextFolder& sources);

} // namespace gdjit::tool
