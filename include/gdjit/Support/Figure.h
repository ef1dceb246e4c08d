// Numbers as messages and reports show them.
#pragma once

#include <string>

namespace gdjit {

/// In so many digits: 0.693147, 1e+09, inf, -inf; nan of either sign.
std::string format_figure(double value, int digits = 6);

} // namespace gdjit
