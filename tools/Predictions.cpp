// A batch is a range of rows: its bytes are copied to their place.
#include "Predictions.h"

#include "gdjit/Data/Columns.h"
#include "gdjit/Driver/Values.h"

#include <algorithm>
#include <cstring>

namespace gdjit::tool {

namespace {

std::string csv_field(const std::string& text) {
  return text.find_first_of(",\"\n\r") == std::string::npos ? text : quoted_name(text);
}

} // namespace

Predictions::Predictions(const Signature& signature, int64_t rows,
                         const std::vector<std::vector<std::string>>& labels)
    : rows_(rows) {
  for (size_t k = 0; k < signature.outputs.size(); ++k) {
    const OutputDecl& d = signature.outputs[k];
    TensorType type = d.type;
    if (d.batch_axis > 0)
      throw Error(ErrorCode::usage,
                  fmt::format("output {} : {} has its rows along axis {}; give only rows along the "
                              "first axis, by --output",
                              d.name, to_string(type), d.batch_axis),
                  signature.initial.location(d.origin));
    bool per_row = d.batch_axis == 0;
    int64_t each = per_row && type.shape[0] > 0 ? type.elements() / type.shape[0] : 1;
    if (per_row)
      type.shape[0] = rows;
    bool classes = per_row && each == 1 && is_integer(type.dtype);
    outputs_.push_back(
        {d.name, Array(type), per_row, classes ? labels[k] : std::vector<std::string>()});
  }
}

void Predictions::add(const SeenBatch& batch) {
  int64_t rows = 0;
  for (size_t k = 0; k < outputs_.size(); ++k) {
    Output& output = outputs_[k];
    const TensorView& view = batch.outputs[k];
    if (!output.per_row) {
      output.values = view.copy();
      continue;
    }
    rows = view.type.shape[0];
    int64_t row_bytes = output.values.type().bytes() / std::max<int64_t>(rows_, 1);
    if (view.type.bytes() > 0)
      std::memcpy(static_cast<char*>(output.values.bytes()) + seen_ * row_bytes, view.data,
                  static_cast<size_t>(view.type.bytes()));
  }
  seen_ += rows;
}

std::vector<Predictions::Column> Predictions::columns() const {
  std::vector<Column> columns;
  for (const Output& output : outputs_) {
    if (!output.per_row)
      continue;
    int64_t each = output.values.elements() / std::max<int64_t>(rows_, 1);
    for (int64_t e = 0; e < each; ++e)
      columns.push_back(
          {each == 1 ? output.name : fmt::format("{}[{}]", output.name, e), &output, e});
  }
  return columns;
}

std::string Predictions::cell(const Column& column, int64_t row, bool plain) const {
  const Output& output = *column.output;
  int64_t i = row * (output.values.elements() / rows_) + column.element;
  if (!output.labels.empty())
    if (double value = output.values.at(i);
        value >= 0 && value < static_cast<double>(output.labels.size()))
      return output.labels[static_cast<size_t>(value)];
  if (plain && output.values.type().dtype == DType::boolean)
    return output.values.at(i) != 0 ? "1" : "0";
  return format_element(output.values, i);
}

std::string Predictions::table() const {
  std::string text;
  for (const Output& output : outputs_)
    if (!output.per_row)
      text += fmt::format("{} = {}\n", output.name, format_values(output.values));
  std::vector<Column> all = columns();
  std::vector<std::vector<std::string>> cells;
  std::vector<size_t> widths;
  for (const Column& column : all)
    widths.push_back(column.name.size());
  for (int64_t row = 0; row < rows_ && !all.empty(); ++row) {
    std::vector<std::string>& line = cells.emplace_back();
    for (size_t c = 0; c < all.size(); ++c) {
      line.push_back(cell(all[c], row, false));
      widths[c] = std::max(widths[c], line[c].size());
    }
  }
  auto add_line = [&](auto text_of) {
    for (size_t c = 0; c < all.size(); ++c)
      text += fmt::format("{}{:>{}}", c ? "  " : "", text_of(c), widths[c]);
    text += "\n";
  };
  if (!all.empty())
    add_line([&](size_t c) { return all[c].name; });
  for (const std::vector<std::string>& line : cells)
    add_line([&](size_t c) { return line[c]; });
  return text;
}

std::string Predictions::csv() const {
  std::vector<Column> all = columns();
  if (all.empty())
    throw Error(ErrorCode::usage, "--out: no output has a row per example");
  std::string text;
  for (size_t c = 0; c < all.size(); ++c)
    text += (c ? "," : "") + csv_field(all[c].name);
  text += "\n";
  for (int64_t row = 0; row < rows_; ++row) {
    for (size_t c = 0; c < all.size(); ++c)
      text += (c ? "," : "") + csv_field(cell(all[c], row, true));
    text += "\n";
  }
  return text;
}

Json Predictions::json() const {
  Json json;
  for (const Output& output : outputs_) {
    json[output.name] = to_json(output.values);
    if (!output.labels.empty())
      json[output.name]["labels"] = output.labels;
  }
  return json;
}

const Array& Predictions::only() const {
  if (outputs_.size() == 1)
    return outputs_.front().values;
  std::string names;
  for (const Output& output : outputs_)
    names += (names.empty() ? "" : ", ") + output.name;
  throw Error(
      ErrorCode::usage,
      fmt::format("--out: an .npy file holds one output, there are {}; choose by --output", names));
}

} // namespace gdjit::tool
