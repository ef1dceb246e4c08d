// Scaling of inputs: fitted on the training part, kept with the checkpoint, applied to every other
// part and in prediction.
#pragma once

#include "gdjit/Data/Dataset.h"

namespace gdjit {

enum class ScalingKind : uint8_t {
  standardize, ///< (x - mean) / standard deviation, unbiased (n - 1)
  min_max,     ///< (x - min) / (max - min): the training part lies in [0, 1]
};

/// x' = (x - offset) / scale in f64, then rounded to the input's type; one pair of numbers for each
/// element of a row. A column that does not vary has scale 1, so that it becomes 0.
struct Scaling {
  std::string input;
  ScalingKind kind = ScalingKind::standardize;
  std::vector<double> offset, scale;

  bool operator==(const Scaling&) const = default;
};

/// Error(usage) where the input is none of the data's, no float or has no leading batch;
/// Error(data) for values that are not finite, or a single row to standardize.
Scaling fit(const Dataset& training, std::string_view input,
            ScalingKind kind = ScalingKind::standardize);

/// A copy with one input scaled; the others are shared. Error(data) where the width differs.
Dataset apply(const Scaling& scaling, const Dataset& rows);
Dataset apply(std::span<const Scaling> scalings, const Dataset& rows);

/// "standardize", "min_max".
std::string_view name(ScalingKind kind);

} // namespace gdjit
