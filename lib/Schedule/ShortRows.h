// Rows of few elements are read as they lie where the shuffles that gather their columns
// (Loop/ShortRows.h) are fewer operations than a copy that puts these side by side. The loops that
// move the column are written out, since CodeGen must know it.
//
// Before:  … for k { … %b = load w[j + lanes, k] … }
// After:   … unrolled for k { … %b = load w[j + lanes, k] … }
#pragma once

#include "Pack.h"

#include <set>

namespace gdjit::scheduling {

/// True for a load whose lanes go along rows of so few elements that shuffles gather a column of
/// these for no more than an exchange in registers.
bool gathers_columns(const Program& program, const Statement& load, const MachineTable& machine);

/// Which rows are read so by all loads along them; Pack leaves them alone.
std::set<Place> leave_short_rows(const Program& program, Kernel& kernel, PassContext& context);

} // namespace gdjit::scheduling
