// Which columns of a table are meant, as a person writes it.
//
//   quiz1:quiz3        a range, both ends included; "quiz2:" goes to the last column
//   2, final           by number (from 1) or by name; a name wins over a number
//   "a,b":"c:d"        names with , : = or " in quotes, a quote doubled
//   x=quiz1:quiz3,y=final   for each input its columns; x=a,b,y=c gives x two
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gdjit {

/// Columns (from 0) in the order written. Error(usage) that lists the columns where one does not
/// exist, is named twice, or a range runs backwards.
std::vector<int> select_columns(std::string_view text, std::span<const std::string> names);

struct InputColumns {
  std::string input;
  std::vector<int> columns;
};

/// "x=…,y=…"; Error(usage) as above.
std::vector<InputColumns> parse_mapping(std::string_view text, std::span<const std::string> names);

/// The same by names, which stay right where columns are left out or stand elsewhere.
struct InputColumnNames {
  std::string input;
  std::vector<std::string> columns;

  bool operator==(const InputColumnNames&) const = default;
};

/// A name in quotes, a quote in it doubled: as select_columns and a field of a CSV file have it.
std::string quoted_name(std::string_view name);

/// A mapping that says so, every name in quotes: "x"="quiz1","quiz2".
std::string mapping_text(std::span<const InputColumnNames> inputs);

/// "1 'quiz1', 2 'quiz2'", long lists cut; columns without names by their numbers.
std::string list_columns(std::span<const std::string> names);
/// "column 3 ('final')".
std::string describe_column(std::span<const std::string> names, int column);

} // namespace gdjit
