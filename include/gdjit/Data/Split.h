// Splitting rows into parts for training, development and test, by seed.
#pragma once

#include "gdjit/Data/Dataset.h"

namespace gdjit {

struct SplitOptions {
  double development = 0; ///< fraction of the rows
  double test = 0;
  int64_t seed = 0;
  /// An input of one number a row: each of its values is spread over the parts in proportion.
  std::string stratify = {};
};

/// Parts are copies with their rows in the order of the data; a part of fraction 0 has no inputs.
struct Split {
  Dataset train, development, test;
};

/// A part has its fraction of the rows, rounded; stratified, sizes differ from that by rounding of
/// the classes, whose remainders are carried from one to the next. Error(usage) for fractions
/// outside [0, 1) or that leave a wanted part without rows.
Split split(const Dataset& rows, const SplitOptions& options);

} // namespace gdjit
