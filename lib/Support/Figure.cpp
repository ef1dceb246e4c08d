#include "gdjit/Support/Figure.h"

#include <cmath>
#include <fmt/format.h>

namespace gdjit {

std::string format_figure(double value, int digits) {
  return std::isnan(value) ? "nan" : fmt::format("{:.{}g}", value, digits);
}

} // namespace gdjit
