// The parts that rows are divided into, and the scaling that is fitted on the first.
#pragma once

#include "Tool.h"

#include "gdjit/Data/Scaling.h"
#include "gdjit/Data/Split.h"

#include <optional>

namespace gdjit::tool {

struct PartArguments {
  std::string split; ///< DEVELOPMENT[,TEST] as fractions
  std::string stratify;
  std::vector<std::string> standardize, min_max; ///< inputs

  void add_to(CLI::App& command);
};

/// A part and what figures of it are called: "", "dev/", "test/".
struct Part {
  std::string prefix;
  Dataset rows;
  bool at_the_end = false; ///< looked at then only, not after every epoch
};

struct Parts {
  std::vector<Part> parts; ///< training first
  Dataset whole;           ///< all rows, as they came
  std::vector<Scaling> scalings;

  const Dataset& training() const { return parts.front().rows; }
  std::vector<int64_t> rows() const; ///< of each part
};

/// Splits by seed, then scales every part by numbers fitted on the training part, or by `fitted`
/// where a run goes on. `test` are rows for testing that came apart.
Parts make_parts(const Dataset& rows, const std::optional<Dataset>& test,
                 const PartArguments& arguments, int64_t seed, const std::vector<Scaling>* fitted);

/// Scaled as the training rows were, those inputs that are there.
Dataset scaled(std::span<const Scaling> scalings, Dataset rows);

} // namespace gdjit::tool
