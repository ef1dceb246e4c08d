// One line on a stage, for the overview of a model.
#pragma once

#include "gdjit/Driver/Compile.h"

#include <fmt/format.h>
#include <string>

namespace gdjit::tool {

/// "1 row", "2 rows".
template <class N> std::string counted(N n, const char* what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

/// What there is to count of the work at its stage: nodes, kernels, loops, lines.
std::string counts(const Compilation& c);
/// The arena of a planned program beside the bytes that are live at once.
std::string arena_words(const loop::Program& planned);

} // namespace gdjit::tool
