// When operations start that depend on each other, as late as what needs them allows.
#pragma once

#include "Rewrite.h"

#include <vector>

namespace gdjit::scheduling {

/// What an operation takes, in units of a product's latency (4 cycles of a current processor).
int64_t latency(const Statement& s);

/// When each statement of some straight code starts: as late as what needs it allows, stores as
/// soon as their value is known. A value that nothing reads starts at the end.
struct Timetable {
  explicit Timetable(const std::vector<Statement>& code);

  std::vector<int64_t> start;
  int64_t length = 0;
};

} // namespace gdjit::scheduling
