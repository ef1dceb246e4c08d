#include "gdjit/Train/Epoch.h"

#include "gdjit/Support/Error.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace gdjit {

namespace {

/// The outputs that are single numbers.
std::vector<int> single_numbers(const StepFunction& step) {
  std::vector<int> singles;
  for (int i = 0; i < step.outputs(); ++i)
    if (step.output(i).type.shape.rank() == 0)
      singles.push_back(i);
  return singles;
}

/// Runs the batches that native code takes; false where none is left of the epoch.
bool run_natively(StepFunction& step, Loader& loader, const Scalars& scalars, EpochMeans& means,
                  std::vector<double>& sums) {
  RowPass pass = loader.pass();
  const int64_t rows = loader.position().batch_size;
  if (pass.batches == 0)
    return true;
  try {
    step.run(pass, sums, scalars);
  } catch (...) {
    loader.skip(std::max<int64_t>(pass.done, 1));
    throw;
  }
  means.batches = pass.done;
  means.rows = pass.done * rows;
  return loader.skip(pass.done);
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
  const std::vector<int> singles = single_numbers(step);
  std::vector<double> sums(singles.size()); // each times the rows of its batch
  if (run_natively(step, loader, scalars, means, sums)) {
    const Scalars kept; // as the first call set them
    for (const Batch& batch : loader) {
      step(batch.views(), means.batches == 0 ? scalars : kept);
      for (size_t i = 0; i < singles.size(); ++i)
        sums[i] += step.output(singles[i]).at(0) * static_cast<double>(batch.rows());
      ++means.batches;
      means.rows += batch.rows();
    }
  }
  for (size_t i = 0; i < singles.size(); ++i)
    means.outputs.push_back(
        {std::string(step.output(singles[i]).name), sums[i] / static_cast<double>(means.rows)});
  for (const EpochMeans::Output& output : means.outputs)
    if (output.name == "loss")
      means.loss = output.mean;
  return means;
}

} // namespace gdjit
