// Passes over rows through a Frame of their own.
#include "RowPasses.h"

#include "gdjit/Runtime/TensorView.h"
#include "gdjit/Support/FloatEnvironment.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <cmath>
#include <cstring>
#include <fmt/format.h>

namespace gdjit::testing {

namespace {

/// The rows of a batch backwards, or twice.
std::vector<char> data_of(const Array& batch, bool ordered) {
  const auto bytes = static_cast<size_t>(batch.type().bytes());
  const auto rows = static_cast<size_t>(batch.type().shape[0]);
  const char* from = static_cast<const char*>(batch.bytes());
  std::vector<char> data(from, from + bytes);
  if (!ordered)
    data.insert(data.end(), from, from + bytes);
  for (size_t row = 0; ordered && row < rows; ++row)
    std::memcpy(data.data() + row * (bytes / rows), from + (rows - 1 - row) * (bytes / rows),
                bytes / rows);
  return data;
}

} // namespace

Step with_batch(Step step) {
  int64_t& batch = step.signature.batch;
  for (InputDecl& input : step.signature.inputs)
    if (const Shape& shape = input.type.shape;
        shape.rank() > 0 && shape[0] > 0 && (batch == 0 || batch == shape[0])) {
      batch = shape[0];
      input.batch_axis = 0;
    }
  return step;
}

std::string difference_of_pass(const std::shared_ptr<const Executable>& code,
                               const CallArguments& arguments, const CallResults& first,
                               const CallResults& second, bool ordered) {
  const Signature& signature = code->signature();
  Frame frame(code);
  std::vector<std::vector<char>> data;
  std::vector<int64_t> order;
  int64_t rows = 0;
  for (uint32_t i = 0; i < signature.inputs.size(); ++i) {
    const Array& input = arguments.inputs[i];
    frame.set_input(i, input.bytes());
    if (signature.inputs[i].batch_axis != 0)
      continue;
    rows = input.type().shape[0];
    data.push_back(data_of(input, ordered));
    frame.set_input(i, data.back().data());
  }
  for (int64_t i = 0; ordered && i < 2 * rows; ++i)
    order.push_back(rows - 1 - i % rows);
  std::vector<Array> states = arguments.states;
  for (uint32_t i = 0; i < states.size(); ++i)
    frame.set_state(i, states[i].bytes());
  for (uint32_t i = 0; i < signature.scalars.size(); ++i)
    std::memcpy(frame.scalar(i), arguments.scalars[i].bytes(),
                static_cast<size_t>(byte_size(signature.scalars[i].dtype)));

  std::vector<double> sums, expected_sums;
  for (size_t i = 0; i < signature.outputs.size(); ++i)
    if (signature.outputs[i].type.shape.rank() == 0) {
      sums.push_back(0.5);
      expected_sums.push_back(0.5 + first.outputs[i].at(0) * static_cast<double>(rows) +
                              second.outputs[i].at(0) * static_cast<double>(rows));
    }
  int64_t steps = 2;
  CallResults results;
  {
    FloatEnvironment environment;
    results.status = frame.run(steps, ordered ? order.data() : nullptr, sums);
  }
  for (uint32_t i = 0; i < signature.outputs.size(); ++i)
    results.outputs.push_back(TensorView("", signature.outputs[i].type, frame.output(i)).copy());
  for (const UpdateDecl& update : signature.updates)
    results.updates.push_back(states[update.state]);
  if (steps != (first.status.ok() && second.status.ok() ? 2 : first.status.ok() + 1))
    return fmt::format("{} steps are done", steps);
  for (size_t i = 0; results.status.ok() && i < sums.size(); ++i)
    if (sums[i] != expected_sums[i] && !(std::isnan(sums[i]) && std::isnan(expected_sums[i])))
      return fmt::format("sum {} is {}, not {}", i, sums[i], expected_sums[i]);
  return first_difference(signature, second, results);
}

} // namespace gdjit::testing
