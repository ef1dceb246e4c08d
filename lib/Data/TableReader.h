// TableReader: the rows of a CSV file, block by block on several threads.
//
// A block is a range of bytes and owns the lines that begin in it. Each is parsed alone, with lines
// and labels counted from its own start; joining them gives the same table for any blocks and any
// number of threads, and the same mistake, the first in the file.
#pragma once

#include "TableHead.h"

#include <atomic>
#include <map>
#include <optional>
#include <set>

namespace gdjit {

class TableReader {
public:
  TableReader(const TextSource& source, const TableOptions& options);
  Table read();

private:
  enum class Kind : uint8_t { skipped, number, label };
  struct Column {
    Kind kind = Kind::skipped;
    size_t place = 0; ///< in a row of the result
  };
  /// Labels by the number that stands for them within a block.
  using Labels = std::map<std::string, double, std::less<>>;
  struct Block {
    std::vector<double> values;
    std::vector<std::pair<int64_t, int64_t>> lines; ///< as Table::lines_, from 0 and 0
    std::vector<Labels> labels;                     ///< per column of the result
    int64_t line_count = 0;
    std::optional<LineMistake> mistake; ///< at line_count
    bool too_long = false;
  };

  using Names = std::vector<std::string>;

  void choose_columns();
  /// For each column of the file one that stands for all numbered together with it.
  std::vector<size_t> group_columns() const;
  void parse_all(std::vector<Block>& blocks);
  void parse_block(size_t begin, size_t end, Block& block, std::string& buffer);
  void parse_line(std::string_view line, Block& block);
  void parse_field(size_t number, FieldReader& fields, double* row, Block& block);
  double label(std::string_view text, Labels& labels);
  void require_no_mistake(const std::vector<Block>& blocks) const;
  void join(std::vector<Block>& blocks, Table& table) const;
  /// Error(data) that names the line where this label of a column first stands.
  void fail_label(const std::vector<Block>& blocks, size_t place, std::string_view text,
                  const Table& table, const std::string& what, const std::string& remedy) const;
  /// The list fixed beforehand for a column, null where there is none.
  const ClassLabels* fixed_labels(const std::string& column) const;
  /// Error(data) where text is neither integers throughout nor words.
  void require_classes(const std::vector<Block>& blocks, size_t place,
                       const std::set<std::string_view>& texts, const Table& table) const;
  /// By column of the result the labels in the order of their numbers; none of integers.
  std::vector<Names> number_labels(const std::vector<Block>& blocks, const Table& table) const;
  /// The number of each block's label, per block.
  std::vector<std::vector<double>> join_labels(const std::vector<Block>& blocks, size_t place,
                                               const Names& labels, const Table& table) const;
  size_t thread_count() const;

  const TextSource& source_;
  const TableOptions& options_;
  TableHead head_;
  std::vector<Column> columns_; ///< of the file
  std::vector<std::string> names_;
  std::vector<char> is_label_; ///< per column of the result
  std::vector<size_t> group_;  ///< likewise, the same for those numbered together
};

} // namespace gdjit
