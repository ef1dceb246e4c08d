// The ranges of an optimizer's numbers. Private to Train.
#pragma once

#include "gdjit/Frontend/Tensor.h"
#include "gdjit/Support/Error.h"

#include <fmt/format.h>

#include <cmath>

namespace gdjit {

/// Error where `value` is not in [low, high), or not finite; high may be infinite.
inline void check_range(const char* what, const char* name, double value, double low, double high,
                        Place at) {
  if (value >= low && value < high && std::isfinite(value))
    return;
  throw Error(ErrorCode::graph,
              std::isinf(high)
                  ? fmt::format("{}: {} {} is below {} or not finite", what, name, value, low)
                  : fmt::format("{}: {} {} is not in [{}, {})", what, name, value, low, high),
              location_of(at));
}

} // namespace gdjit
