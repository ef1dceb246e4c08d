// The pictures that there are, in one table.
#pragma once

#include "PlotRoles.h"

namespace gdjit::tool {

struct Picture {
  std::string_view name;
  /// Why the model has no such picture; "" where it has.
  std::string (*lacks)(const PlotSource& source, const Roles& roles);
  /// For gnuplot.
  std::string (*script)(const PlotSource& source, const Roles& roles);
};
std::span<const Picture> pictures();

} // namespace gdjit::tool
