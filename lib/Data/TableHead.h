// The head of a CSV file: encoding, delimiter, header, where rows begin.
#pragma once

#include "Fields.h"
#include "TextSource.h"
#include "gdjit/Data/Table.h"

namespace gdjit {

/// A longer line is a mistake: of another kind of file, or a file without line ends.
inline constexpr size_t longest_line = size_t{64} << 20;

struct TableHead {
  LineFormat format;
  std::vector<std::string> names; ///< of every column
  size_t body = 0;                ///< offset of the first line behind the header
  int64_t line = 1;               ///< its number
};

/// Error(data) where there is no row.
TableHead read_head(const TextSource& source, const TableOptions& options);

/// Error(data) for a file that begins as an archive does: what numpy.savez writes, for one.
void require_no_archive(std::string_view start, const std::string& file);

/// Error(data) with the place of a mistake.
[[noreturn]] void fail_at(const std::string& file, int64_t line, const LineMistake& mistake);
[[noreturn]] void fail_long_line(const std::string& file, int64_t line);

} // namespace gdjit
