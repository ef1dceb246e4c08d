// Tables from files, from text, from .npy.
#include "gdjit/Data/Table.h"

#include "TableReader.h"
#include "gdjit/Data/Columns.h"
#include "gdjit/IO/Npy.h"
#include "gdjit/Support/Error.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace gdjit {

namespace {

bool is_npy(const TextSource& source) {
  std::string buffer;
  return source.read(0, 6, buffer) == std::string_view("\x93NUMPY", 6);
}

std::vector<std::string> numbered(int64_t columns) {
  std::vector<std::string> names;
  for (int64_t i = 1; i <= columns; ++i)
    names.push_back(std::to_string(i));
  return names;
}

void require_no_text_options(const std::string& path, const TableOptions& options) {
  const TableOptions own;
  if (options.delimiter != own.delimiter || options.comment != own.comment ||
      options.header != own.header || !options.classes.empty())
    throw Error(ErrorCode::usage,
                fmt::format("{}: an npy file is no text: it has no delimiter, no comments, no "
                            "header and no words for classes",
                            path),
                {},
                {{"leave --delimiter, --comment, --header and --classes out, or give the rows as "
                  "CSV",
                  {}}});
}

struct Extents {
  int64_t rows, columns;
};

Extents table_extents(const std::string& path, const TensorType& type) {
  const int rank = type.shape.rank();
  if (rank != 1 && rank != 2)
    throw Error(ErrorCode::data, fmt::format("{}: a table has one or two axes, this array is {}",
                                             path, to_string(type)));
  Extents extents{type.shape[0], rank == 2 ? type.shape[1] : 1};
  if (extents.rows == 0 || extents.columns == 0)
    throw Error(ErrorCode::data, fmt::format("{}: holds no row", path));
  return extents;
}

/// Columns of a matrix as f64.
Table npy_table(const std::string& path, const TableOptions& options) {
  SharedArray array = read_npy(path);
  auto [rows, width] = table_extents(path, array.type);
  std::vector<std::string> names = numbered(width), chosen_names;
  std::vector<int> chosen;
  if (options.columns.empty()) {
    for (int64_t i = 0; i < width; ++i)
      chosen.push_back(static_cast<int>(i));
  } else {
    chosen = select_columns(options.columns, names);
  }
  for (int c : chosen)
    chosen_names.push_back(names[static_cast<size_t>(c)]);
  Array values({DType::f64, {rows, static_cast<int64_t>(chosen.size())}});
  TensorView view = array.view(path);
  double* out = values.data<double>();
  for (int64_t r = 0; r < rows; ++r)
    for (int c : chosen) {
      *out = view.at(r * width + c);
      if (!std::isfinite(*out))
        throw Error(ErrorCode::data,
                    fmt::format("{}: row {}, column {}: {} is not a finite number", path, r + 1,
                                c + 1, *out),
                    {}, {{"leave the row out or fill in a number", {}}});
      ++out;
    }
  array.require_unchanged();
  return Table(path, std::move(values), std::move(chosen_names));
}

} // namespace

Table::Table(std::string file, Array values, std::vector<std::string> names)
    : file_(std::move(file)), values_(std::make_shared<const Array>(std::move(values))),
      names_(std::move(names)) {
  const TensorType& type = values_->type();
  if (type.dtype != DType::f64 || type.shape.rank() != 2)
    throw Error(ErrorCode::usage, "a table is made of f64[rows,columns], not " + to_string(type));
  if (names_.empty())
    names_ = numbered(type.shape[1]);
  if (static_cast<int64_t>(names_.size()) != type.shape[1])
    throw Error(ErrorCode::usage, fmt::format("a table of {} columns is given {} names",
                                              type.shape[1], names_.size()));
}

int64_t Table::line(int64_t row) const {
  auto behind = std::upper_bound(lines_.begin(), lines_.end(), row,
                                 [](int64_t r, const auto& entry) { return r < entry.first; });
  if (behind == lines_.begin())
    return 0;
  const auto& [first, line] = behind[-1];
  return line + row - first;
}

Table read_table(const std::string& path, const TableOptions& options) {
  TextSource source(path);
  return is_npy(source) ? npy_table(path, options) : TableReader(source, options).read();
}

Table parse_table(std::string_view text, const std::string& file, const TableOptions& options) {
  TextSource source(text, file);
  return TableReader(source, options).read();
}

std::vector<std::string> read_column_names(const std::string& path, const TableOptions& options) {
  TextSource source(path);
  if (!is_npy(source))
    return read_head(source, options).names;
  require_no_text_options(path, options);
  return numbered(table_extents(path, read_npy(path).type).columns);
}

} // namespace gdjit
