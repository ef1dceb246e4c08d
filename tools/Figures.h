// Figures as JSON that round-trips, and criteria over figures (--expect).
#pragma once

#include "gdjit/Driver/Json.h"
#include "gdjit/IR/Array.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace gdjit::tool {

using Json = nlohmann::ordered_json;

/// A number; "nan", "inf", "-inf" as strings, which JSON has no numbers for.
Json to_json(double value);
/// {"type": "f32[2,1]", "values": [row-major]}.
Json to_json(const Array& array);

/// "loss", "development_loss", "generate/loss", "dev/loss".
bool is_loss(std::string_view output);

/// Names and values that a criterion may speak of.
using Figures = std::vector<std::pair<std::string, double>>;

/// 'loss<0.05', with < <= > >= == !=.
struct Criterion {
  std::string text;
  std::string figure;
  std::string relation;
  double bound = 0;

  /// Error(usage) where the text is no criterion.
  explicit Criterion(const std::string& text);
  /// Error(usage) with the nearest name where there is no such figure. NaN meets nothing but !=.
  bool met(const Figures& figures) const;
  double value(const Figures& figures) const;
};

} // namespace gdjit::tool
