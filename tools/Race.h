// Things timed in turn: on a shared machine, whose speed changes from minute to minute, only what
// ran in the same moments can be compared.
#pragma once

#include <functional>
#include <vector>

namespace gdjit::tool {

enum class Clock {
  process, ///< of this process: what others do to the machine in the meantime does not count
  wall,    ///< for what several threads do
};

double seconds_now(Clock clock);

/// The seconds that a run of each takes, piece by piece. All go in turn until `seconds` are over,
/// at least three times, in pieces of some 0.3 ms, shorter than a time slice; each runs once
/// before its piece, since the others have taken the caches. An empty function stays without
/// pieces.
std::vector<std::vector<double>> race(const std::vector<std::function<void()>>& runs,
                                      double seconds, Clock clock);

} // namespace gdjit::tool
