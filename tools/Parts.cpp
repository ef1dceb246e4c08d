// Split first, fit then: nothing of the development part may reach the numbers of the scaling.
#include "Parts.h"

#include "Subject.h"

#include <algorithm>

namespace gdjit::tool {

namespace {

SplitOptions parse_split(const PartArguments& a, int64_t seed) {
  SplitOptions options{.seed = seed, .stratify = a.stratify};
  size_t comma = a.split.find(',');
  options.development = parse_number(a.split.substr(0, comma), "--split");
  if (comma != std::string::npos)
    options.test = parse_number(a.split.substr(comma + 1), "--split");
  return options;
}

} // namespace

void PartArguments::add_to(CLI::App& command) {
  auto* option =
      command
          .add_option("--split", split,
                      "fractions of the rows to set aside by --seed: 0.2 for development, "
                      "0.2,0.1 for development and test")
          ->type_name("DEV[,TEST]");
  command
      .add_option("--stratify", stratify,
                  "an input, each value of which --split spreads over the parts in proportion")
      ->needs(option)
      ->type_name("INPUT");
  command
      .add_option("--standardize", standardize,
                  "an input to take the mean of the training part from and divide by its "
                  "standard deviation; kept by --save; of a target figures and predictions are "
                  "in these units")
      ->allow_extra_args(false)
      ->type_name("INPUT");
  command
      .add_option("--min-max", min_max,
                  "an input to bring into 0 .. 1 by least and greatest of the training part")
      ->allow_extra_args(false)
      ->type_name("INPUT");
}

std::vector<int64_t> Parts::rows() const {
  std::vector<int64_t> rows;
  for (const Part& part : parts)
    rows.push_back(part.rows.rows());
  return rows;
}

Parts make_parts(const Dataset& rows, const std::optional<Dataset>& test, const PartArguments& a,
                 int64_t seed, const std::vector<Scaling>* fitted) {
  Parts result{.parts = {}, .whole = rows, .scalings = {}};
  if (a.split.empty()) {
    result.parts.push_back({"", rows});
  } else {
    SplitOptions options = parse_split(a, seed);
    Split split = gdjit::split(rows, options);
    result.parts.push_back({"", split.train});
    if (options.development > 0)
      result.parts.push_back({"dev/", split.development});
    if (options.test > 0)
      result.parts.push_back({"test/", split.test, /*at_the_end=*/true});
    if (options.test > 0 && test)
      throw Error(ErrorCode::usage, "--split: the test rows come from --data, as files of their "
                                    "own; give the development part alone");
  }
  if (test)
    result.parts.push_back({"test/", *test});
  for (const std::string& input : a.min_max)
    if (std::find(a.standardize.begin(), a.standardize.end(), input) != a.standardize.end())
      throw Error(ErrorCode::usage,
                  fmt::format("input {} is given to --standardize and to --min-max", input));
  if (fitted) {
    result.scalings = *fitted;
  } else {
    for (const std::string& input : a.standardize)
      result.scalings.push_back(fit(result.training(), input, ScalingKind::standardize));
    for (const std::string& input : a.min_max)
      result.scalings.push_back(fit(result.training(), input, ScalingKind::min_max));
  }
  for (Part& part : result.parts)
    part.rows = gdjit::apply(result.scalings, part.rows);
  return result;
}

Dataset scaled(std::span<const Scaling> scalings, Dataset rows) {
  for (const Scaling& scaling : scalings)
    if (std::ranges::find(rows.inputs(), scaling.input, &InputRows::name) != rows.inputs().end())
      rows = gdjit::apply(scaling, rows);
  return rows;
}

} // namespace gdjit::tool
