// Numbers in their shortest form that reads back, so that a resumed run writes the same bytes.
#include "History.h"

#include "Subject.h"

#include "gdjit/Support/AtomicFile.h"
#include "gdjit/Support/Split.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <unordered_map>

namespace gdjit::tool {

namespace {

std::string number(double value) { return std::isnan(value) ? "nan" : fmt::format("{}", value); }

/// Names in the order in which they came up; a row without one of them has nan there.
std::string csv(const std::vector<History::Row>& rows) {
  std::unordered_map<std::string, size_t> columns;
  std::string text = "epoch,step", lines;
  for (const History::Row& row : rows)
    for (const auto& [name, value] : row.figures)
      if (columns.try_emplace(name, columns.size()).second)
        text += "," + name;
  std::vector<double> values;
  for (const History::Row& row : rows) {
    values.assign(columns.size(), NAN);
    for (const auto& [name, value] : row.figures)
      values[columns.at(name)] = value;
    lines += fmt::format("{},{}", row.epoch, row.step);
    for (double value : values)
      lines += "," + number(value);
    lines += "\n";
  }
  return text + "\n" + lines;
}

std::string jsonl(const std::vector<History::Row>& rows) {
  std::string text;
  for (const History::Row& row : rows) {
    text += fmt::format(R"({{"epoch":{},"step":{})", row.epoch, row.step);
    for (const auto& [name, value] : row.figures)
      text += "," + Json(name).dump() + ":" + to_json(value).dump();
    text += "}\n";
  }
  return text;
}

/// "epoch" and "step" among the figures of a line, taken out of them.
History::Row row_of(const Figures& figures) {
  History::Row row;
  for (const char* needed : {"epoch", "step"})
    if (std::ranges::find(figures, needed, &Figures::value_type::first) == figures.end())
      throw Error(ErrorCode::data, fmt::format("it has no '{}'", needed));
  for (const auto& [name, value] : figures) {
    if (name == "epoch")
      row.epoch = static_cast<int64_t>(value);
    else if (name == "step")
      row.step = static_cast<int64_t>(value);
    else
      row.figures.emplace_back(name, value);
  }
  return row;
}

Figures csv_line(const std::string& line, const std::vector<std::string>& names) {
  std::vector<std::string> words = split_at(line, ',');
  Figures figures;
  if (words.size() != names.size())
    throw Error(ErrorCode::data, fmt::format("{} fields for {} names", words.size(), names.size()));
  for (size_t i = 0; i < words.size(); ++i)
    figures.emplace_back(names[i], parse_number(words[i], names[i]));
  return figures;
}

Figures jsonl_line(const std::string& line) {
  Figures figures;
  Json object = Json::parse(line);
  for (const auto& [name, value] : object.items())
    figures.emplace_back(name, value.is_string() ? parse_number(value.get<std::string>(), name)
                                                 : value.get<double>());
  return figures;
}

} // namespace

void History::check_name(const std::string& path) {
  if (!path.ends_with(".csv") && !path.ends_with(".jsonl"))
    throw Error(ErrorCode::usage,
                fmt::format("--metrics {}: the name ends in neither .csv nor .jsonl", path));
}

void History::write(const std::string& path) const {
  check_name(path);
  write_file(path, path.ends_with(".csv") ? csv(rows_) : jsonl(rows_));
}

void History::keep(const std::string& path) const {
  try {
    write(path);
  } catch (const Error& error) {
    log("{}", error.what());
  }
}

History History::read(const std::string& path, int64_t step) {
  History history;
  if (std::error_code ignored; !std::filesystem::exists(path, ignored))
    return history;
  std::vector<std::string> lines = split_lines(read_file(path)), names;
  if (path.ends_with(".csv") && !lines.empty())
    names = split_at(lines.front(), ',');
  for (size_t i = names.empty() ? 0 : 1; i < lines.size(); ++i) {
    if (lines[i].empty())
      continue;
    Row row;
    try {
      row = row_of(names.empty() ? jsonl_line(lines[i]) : csv_line(lines[i], names));
    } catch (const std::exception& error) {
      const auto* ours = dynamic_cast<const Error*>(&error);
      throw Error(ErrorCode::data,
                  fmt::format("no metrics of an earlier run{}",
                              ours ? ": " + ours->diagnostics().front().message : ""),
                  {path, static_cast<uint32_t>(i + 1), 0},
                  {{"move the file away, or give --metrics another", {}}});
    }
    if (row.step <= step)
      history.add(std::move(row));
  }
  return history;
}

} // namespace gdjit::tool
