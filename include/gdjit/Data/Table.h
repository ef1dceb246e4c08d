// Table: rows of numbers from a text file (CSV) or a two-dimensional .npy, with names of columns
// and of class labels.
//
// A CSV file is UTF-8, with or without byte order mark, lines ended by LF or CRLF. Empty lines and
// those that begin with the comment sign are skipped. Fields are divided by the delimiter, blanks
// around them do not count; a field may stand in double quotes, with a quote inside doubled, and
// ends on its line. Numbers are decimal, with a point. Every chosen field must be a finite number
// or a class label; what is not is an Error(data) with file, line, column, what was found and what
// to do.
#pragma once

#include "gdjit/IR/Array.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gdjit {

/// The labels of a column of text, by the number that stands for each.
struct ClassLabels {
  std::string column;
  std::vector<std::string> labels; ///< label i is the number i

  bool operator==(const ClassLabels&) const = default;
};

enum class Header : uint8_t {
  detect, ///< the first line is a header where none of its fields is a number
  yes,
  no,
};

struct TableOptions {
  Header header = Header::detect;
  /// ',' ';' '\t' or ' ' (any number of blanks); 0: the first of tab ; , blank that the first line
  /// holds.
  char delimiter = 0;
  /// Begins a comment line; 0 for none.
  char comment = '#';
  /// Columns to read (Data/Columns.h), in their order in the result; empty for all.
  std::string columns = {};
  /// Columns that hold classes: kept as they are where every field is an integer; otherwise text,
  /// numbered from 0 in the order of its bytes. Numbers that are no integers are an Error.
  std::string classes = {};
  /// Columns of classes that share one numbering, each list as `columns`: the text of all of them
  /// together is numbered from 0.
  std::vector<std::string> together = {};
  /// Numbers of labels fixed beforehand, by column: a label not among them is an Error. An empty
  /// list is of a column of classes whose text was integers: anything else is an Error.
  std::vector<ClassLabels> labels = {};
  /// At most so many threads; 0 for one per core.
  int threads = 0;
  /// Bytes that a thread reads and parses at once.
  size_t block_bytes = size_t{1} << 21;
};

class Table {
public:
  /// `values` is [rows, columns]; without names columns are called "1", "2" …
  Table(std::string file, Array values, std::vector<std::string> names = {});

  int64_t rows() const { return values_->type().shape[0]; }
  int columns() const { return static_cast<int>(names_.size()); }
  const std::vector<std::string>& names() const { return names_; }
  /// All numbers, f64[rows, columns].
  const Array& values() const { return *values_; }
  double at(int64_t row, int column) const {
    return values_->data<double>()[row * columns() + column];
  }
  /// Of those columns that hold text.
  const std::vector<ClassLabels>& labels() const { return labels_; }
  /// Where it came from, for messages; "" from memory.
  const std::string& file() const { return file_; }
  /// The line of a row in its file, from 1; 0 where it has no lines.
  int64_t line(int64_t row) const;

private:
  friend class TableReader;
  std::string file_;
  std::shared_ptr<const Array> values_;
  std::vector<std::string> names_;
  std::vector<ClassLabels> labels_;
  /// From which row on which line, where rows do not follow line by line.
  std::vector<std::pair<int64_t, int64_t>> lines_;
};

/// Reads a CSV file, in parallel and in blocks, or a .npy file of one or two axes (by its first
/// bytes). Error(usage) for columns that do not exist, Error(data) for everything else.
Table read_table(const std::string& path, const TableOptions& options = {});
/// The same of CSV text in memory; `file` names it in messages.
Table parse_table(std::string_view text, const std::string& file, const TableOptions& options = {});
/// The names of a file's columns, without reading its rows. Error(usage) for options about
/// text (delimiter, comment, header, classes) and an .npy file, which has none.
std::vector<std::string> read_column_names(const std::string& path,
                                           const TableOptions& options = {});

} // namespace gdjit
