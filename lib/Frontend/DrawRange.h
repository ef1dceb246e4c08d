// What random draws take: bounds in order, a deviation that is none below 0. Private to Frontend.
#pragma once

#include "Declaration.h"

#include <fmt/format.h>

#include <cmath>

namespace gdjit {

/// Error where [low, high) is no range of numbers; `what` names the draw: "uniform 'u'".
inline void check_uniform(const Declaration& d, const std::string& what, Number low, Number high,
                          Place at) {
  const double from = static_cast<double>(low.value), to = static_cast<double>(high.value);
  if (!std::isfinite(from) || !std::isfinite(to) || !std::isfinite(to - from))
    d.fail(fmt::format("{}: the bounds {} and {} are not finite, or too far apart", what,
                       to_string(low), to_string(high)),
           at, {{"give two numbers, the lower one first: uniform(…, -1, 1)", {}}});
  if (from > to)
    d.fail(fmt::format("{}: the lower bound {} is above the upper bound {}", what, to_string(low),
                       to_string(high)),
           at,
           {{fmt::format("give the lower one first: uniform(…, {}, {})", to_string(high),
                         to_string(low)),
             {}}});
}

/// Error where mean or standard deviation is not finite, or the latter negative.
inline void check_normal(const Declaration& d, const std::string& what, Number mean, Number stddev,
                         Place at) {
  const double center = static_cast<double>(mean.value), width = static_cast<double>(stddev.value);
  if (!std::isfinite(center) || !std::isfinite(width))
    d.fail(fmt::format("{}: the mean {} or the standard deviation {} is not finite", what,
                       to_string(mean), to_string(stddev)),
           at, {{"give two numbers, the mean first: normal(…, 0, 1)", {}}});
  if (width < 0)
    d.fail(fmt::format("{}: the standard deviation {} is negative", what, to_string(stddev)), at,
           {{"give the mean first, then a deviation of 0 or more: normal(…, 0, 1)", {}}});
}

} // namespace gdjit
