// Which outputs of a step are what its loss compares with a target.
#pragma once

#include "gdjit/Driver/Compile.h"

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

  /// True where the loss takes output k as it is, and that is no probability.
  bool takes_logits(const Step& step, size_t k) const;
};

/// An evaluation in which equal nodes are one and a sigmoid written out is a sigmoid; loops as they
/// are.
Work comparable(Work evaluation);

/// Of a step that is comparable. `given` are the inputs that predictions need; the others are
/// targets, weights and the like.
Comparison find_comparison(const Step& step, const std::string& target,
                           std::span<const std::string> given);

} // namespace gdjit::tool
