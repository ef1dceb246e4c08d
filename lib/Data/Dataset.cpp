// Datasets: rows cut and gathered.
#include "gdjit/Data/Dataset.h"

#include "Gather.h"
#include "gdjit/IO/Safetensors.h"
#include "gdjit/Support/Error.h"
#include "gdjit/Support/Suggest.h"

#include <fmt/format.h>

namespace gdjit {

Dataset::Dataset(std::vector<InputRows> inputs) : inputs_(std::move(inputs)) {
  const InputRows* first = nullptr;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const InputRows& input = inputs_[i];
    for (size_t j = 0; j < i; ++j)
      if (inputs_[j].name == input.name)
        throw Error(ErrorCode::data, fmt::format("rows of input {} are given twice", input.name));
    if (input.batch_axis < 0)
      continue;
    const Shape& shape = input.array.type.shape;
    if (input.batch_axis >= shape.rank())
      throw Error(ErrorCode::data,
                  fmt::format("rows of input {}: {} has no axis {} for them", input.name,
                              to_string(input.array.type), input.batch_axis));
    int64_t rows = shape[input.batch_axis];
    if (rows == 0)
      throw Error(ErrorCode::data, fmt::format("input {} has no row", input.name));
    if (first && rows != rows_)
      throw Error(ErrorCode::data, fmt::format("inputs {} and {} have {} and {} rows", first->name,
                                               input.name, rows_, rows));
    if (!first)
      first = &input;
    rows_ = rows;
  }
}

const InputRows& Dataset::input(std::string_view name) const {
  std::vector<std::string> names;
  for (const InputRows& input : inputs_) {
    if (input.name == name)
      return input;
    names.push_back(input.name);
  }
  throw Error(ErrorCode::usage,
              fmt::format("the data has no input {}{}", name, did_you_mean(name, names)), {},
              {{fmt::format("there are: {}", fmt::join(names, ", ")), {}}});
}

std::vector<TensorView> Dataset::views() const {
  std::vector<TensorView> views;
  for (const InputRows& input : inputs_)
    views.push_back(input.array.view(input.name));
  return views;
}

void Dataset::require_leading_batch() const {
  for (const InputRows& input : inputs_)
    if (input.batch_axis > 0)
      throw Error(ErrorCode::data,
                  fmt::format("input {} has its batch on axis {}; only batches on axis 0 can be "
                              "cut into parts",
                              input.name, input.batch_axis));
}

Dataset Dataset::slice(int64_t begin, int64_t end) const {
  require_leading_batch();
  if (begin < 0 || begin >= end || end > rows_)
    throw Error(ErrorCode::usage, fmt::format("rows {} to {} of {} are no slice of at least a row",
                                              begin, end, rows_));
  Dataset part = *this;
  for (InputRows& input : part.inputs_) {
    if (input.batch_axis < 0)
      continue;
    input.array.data = static_cast<const char*>(input.array.data) + begin * row_bytes(input);
    input.array.type.shape[0] = end - begin;
  }
  part.rows_ = end - begin;
  return part;
}

Dataset Dataset::select(std::span<const int64_t> rows) const {
  require_leading_batch();
  for (int64_t row : rows)
    if (row < 0 || row >= rows_)
      throw Error(ErrorCode::usage, fmt::format("there is no row {} of {}", row, rows_));
  std::vector<InputRows> parts;
  for (const InputRows& input : inputs_) {
    InputRows part = input;
    if (input.batch_axis == 0) {
      TensorType type = input.array.type;
      type.shape[0] = static_cast<int64_t>(rows.size());
      Array copy(type);
      gather(input, rows, copy.bytes());
      part.array = std::move(copy);
    }
    parts.push_back(std::move(part));
  }
  require_unchanged();
  return Dataset(std::move(parts));
}

uint32_t Dataset::checksum() const {
  std::string parts;
  for (const InputRows& input : inputs_) {
    const TensorView view = input.array.view(input.name);
    const auto bytes = static_cast<size_t>(view.type.bytes());
    parts += fmt::format("{} {} {} ", input.name, to_string(view.type),
                         gdjit::checksum({static_cast<const char*>(view.data), bytes}));
  }
  return gdjit::checksum(parts);
}

void Dataset::require_unchanged() const {
  for (const InputRows& input : inputs_)
    input.array.require_unchanged();
}

Dataset Dataset::with(std::string_view name, SharedArray array) const {
  const InputRows& old = input(name); // throws with the list of names
  std::vector<InputRows> inputs = inputs_;
  inputs[static_cast<size_t>(&old - inputs_.data())].array = std::move(array);
  return Dataset(std::move(inputs));
}

} // namespace gdjit
