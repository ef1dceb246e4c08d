#include "gdjit/Train/Epoch.h"

#include "gdjit/Support/Error.h"
#include "gdjit/Train/Metrics.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace gdjit {

namespace {

/// An output that is a single number.
struct Single {
  int output;
  MeanMetric mean;
};

std::vector<Single> single_numbers(const StepFunction& step) {
  std::vector<Single> singles;
  for (int i = 0; i < step.outputs(); ++i)
    if (step.output(i).type.shape.rank() == 0)
      singles.push_back({i, {}});
  return singles;
}

} // namespace

double EpochMeans::mean(std::string_view output) const {
  std::vector<std::string_view> names;
  for (const Output& o : outputs) {
    if (o.name == output)
      return o.mean;
    names.push_back(o.name);
  }
  throw Error(ErrorCode::usage, fmt::format("no mean of '{}'; outputs that are single numbers: {}",
                                            output, fmt::join(names, ", ")));
}

EpochMeans run_epoch(StepFunction& step, Loader& loader, const Scalars& scalars) {
  EpochMeans means;
  std::vector<Single> singles = single_numbers(step);
  const Scalars kept; // as the first call set them
  for (const Batch& batch : loader) {
    step(batch.views(), means.batches == 0 ? scalars : kept);
    for (Single& single : singles)
      single.mean.add(step.output(single.output).at(0), batch.rows());
    ++means.batches;
    means.rows += batch.rows();
  }
  for (const Single& single : singles)
    means.outputs.push_back({std::string(step.output(single.output).name), single.mean.value()});
  for (const EpochMeans::Output& output : means.outputs)
    if (output.name == "loss")
      means.loss = output.mean;
  return means;
}

} // namespace gdjit
