// The figures of a run, epoch by epoch: what --metrics writes and pictures are drawn of.
#pragma once

#include "Figures.h"

namespace gdjit::tool {

class History {
public:
  /// What was seen when `epoch` epochs and `step` updates were done.
  struct Row {
    int64_t epoch = 0;
    int64_t step = 0;
    Figures figures;
  };

  void add(Row row) { rows_.push_back(std::move(row)); }
  const std::vector<Row>& rows() const { return rows_; }

  /// A line a row, with names in the first line (.csv) or in every line (.jsonl); atomically.
  /// Error(usage) for another ending.
  void write(const std::string& path) const;
  /// The same of a run that an error ends: where that fails, too, a line on standard error.
  void keep(const std::string& path) const;
  /// The rows of such a file up to `step`, for a run that goes on; nothing where there is none.
  /// Error(data) for what is no such file.
  static History read(const std::string& path, int64_t step);
  /// Error(usage) unless `path` ends in .csv or .jsonl.
  static void check_name(const std::string& path);

private:
  std::vector<Row> rows_;
};

} // namespace gdjit::tool
