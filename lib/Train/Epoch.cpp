#include "gdjit/Train/Epoch.h"

#include "gdjit/JIT/Executable.h"
#include "gdjit/Support/Error.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace gdjit {

namespace {

/// Calls todo(row, name) for each output that is a single number.
template <class Todo> void for_each_single(const StepFunction& step, const Todo& todo) {
  const std::vector<OutputDecl>& outputs = step.executable().signature().outputs;
  for (size_t row = 0; row < outputs.size(); ++row)
    if (outputs[row].type.shape.rank() == 0)
      todo(static_cast<int>(row), outputs[row].name);
}

/// Runs the batches that native code takes; false where none is left of the epoch.
bool run_natively(StepFunction& step, Loader& loader, const Scalars& scalars, EpochMeans& means,
                  std::vector<double>& sums) {
  RowPass& pass = loader.pass();
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
  size_t singles = 0;
  for_each_single(step, [&](int, std::string_view) { ++singles; });
  std::vector<double> sums(singles); // each times the rows of its batch
  if (run_natively(step, loader, scalars, means, sums)) {
    const Scalars kept; // as the first call set them
    for (const Batch& batch : loader) {
      step(batch.views(), means.batches == 0 ? scalars : kept);
      auto sum = sums.begin();
      for_each_single(step, [&](int row, std::string_view) {
        *sum++ += step.output(row).at(0) * static_cast<double>(batch.rows());
      });
      ++means.batches;
      means.rows += batch.rows();
    }
  }
  means.outputs.reserve(singles);
  auto sum = sums.begin();
  for_each_single(step, [&](int, std::string_view name) {
    means.outputs.push_back({std::string(name), *sum++ / static_cast<double>(means.rows)});
    if (name == "loss")
      means.loss = means.outputs.back().mean;
  });
  return means;
}

} // namespace gdjit
