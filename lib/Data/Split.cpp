// Splits: a permutation by seed, cut, each part sorted again.
#include "gdjit/Data/Split.h"

#include "gdjit/Data/Permutation.h"
#include "gdjit/Support/Error.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>

namespace gdjit {

namespace {

void require_fraction(const char* part, double fraction) {
  if (!(fraction >= 0 && fraction < 1))
    throw Error(
        ErrorCode::usage,
        fmt::format("the {} part is {} of the rows; give at least 0, less than 1", part, fraction));
}

/// Rows of each class in the order of `order`; all in one without a stratifying input.
std::map<double, std::vector<int64_t>> classes(const Dataset& rows, const std::string& stratify,
                                               const std::vector<int64_t>& order) {
  if (stratify.empty())
    return {{0.0, order}};
  const InputRows& input = rows.input(stratify);
  if (input.batch_axis != 0 || input.array.type.elements() != rows.rows())
    throw Error(ErrorCode::usage,
                fmt::format("cannot stratify by input {} : {}; it needs one number a row", stratify,
                            to_string(input.array.type)));
  TensorView values = input.array.view(stratify);
  std::map<double, std::vector<int64_t>> result;
  for (int64_t row : order) {
    double value = values.at(row);
    if (std::isnan(value))
      throw Error(ErrorCode::data,
                  fmt::format("cannot stratify by input {}: row {} is NaN", stratify, row + 1));
    result[value].push_back(row);
  }
  return result;
}

} // namespace

Split split(const Dataset& rows, const SplitOptions& options) {
  require_fraction("development", options.development);
  require_fraction("test", options.test);
  if (options.development + options.test >= 1)
    throw Error(ErrorCode::usage,
                fmt::format("development {} and test {} leave nothing to train on",
                            options.development, options.test));
  std::vector<int64_t> parts[3]; // train, development, test
  const double fractions[] = {0, options.development, options.test};
  // Up to here each part should have so many rows; carried over the classes, so that rounding does
  // not add up.
  double wanted[3] = {};
  for (auto& [value, list] :
       classes(rows, options.stratify, permutation(rows.rows(), options.seed))) {
    size_t at = 0;
    for (int part : {1, 2}) {
      wanted[part] += fractions[part] * static_cast<double>(list.size());
      double missing = std::round(wanted[part]) - static_cast<double>(parts[part].size());
      auto take = static_cast<size_t>(std::max(0.0, missing));
      for (take = std::min(take, list.size() - at); take > 0; --take)
        parts[part].push_back(list[at++]);
    }
    parts[0].insert(parts[0].end(), list.begin() + static_cast<std::ptrdiff_t>(at), list.end());
  }
  Split result;
  Dataset* targets[] = {&result.train, &result.development, &result.test};
  static constexpr const char* names[] = {"training", "development", "test"};
  for (int part = 0; part < 3; ++part) {
    if (part > 0 && fractions[part] == 0)
      continue;
    if (parts[part].empty())
      throw Error(ErrorCode::usage,
                  fmt::format("the {} part of {} rows would have none", names[part], rows.rows()));
    std::sort(parts[part].begin(), parts[part].end());
    *targets[part] = rows.select(parts[part]);
  }
  return result;
}

} // namespace gdjit
