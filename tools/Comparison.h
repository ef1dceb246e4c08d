// Which outputs of a step are what its loss compares with a target.
#pragma once

#include "gdjit/IR/Step.h"

#include <climits>
#include <span>
#include <string>
#include <vector>

namespace gdjit::tool {

/// What a contraction counts as: more than the operations of a softmax. An output nearer than that
/// is the model's answer in some form, one farther away something it is made of.
inline constexpr int contraction_distance = 16;

/// Where a loss brings a target together with what the model computed.
struct Comparison {
  /// For each output, how far it stands from there: the operations between them. INT_MAX where no
  /// way leads there.
  std::vector<int> distances;
  /// True where the one is subtracted from the other: a regression, whatever the target holds.
  bool subtracts = false;
};

/// `given` are the inputs that predictions need; the others are targets, weights and the like.
Comparison find_comparison(const Step& step, const std::string& target,
                           std::span<const std::string> given);

} // namespace gdjit::tool
