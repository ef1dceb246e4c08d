// Arrays as people read them: `gdjit dump --values`, parameters at the end of `gdjit train`.
#pragma once

#include "gdjit/IR/Call.h"
#include "gdjit/IR/Step.h"

#include <string>

namespace gdjit {

/// The elements nested by axis, [[1, 2], [3, 4]], the shortest decimals that read back; above
/// `most` elements shape, least, mean and greatest value and the number of those that are not
/// finite.
std::string format_values(const Array& array, int64_t most = 64);

/// One element, as above.
std::string format_element(const Array& array, int64_t i);

/// Runs the graph by the interpreter and prints each node with its value, one a line. Not for
/// graphs with gradient nodes. `status` tells of an index out of range.
std::string print_values(const Step& step, const CallArguments& arguments, CallStatus& status);

} // namespace gdjit
