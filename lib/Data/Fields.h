// Lines of a CSV file as fields, fields as numbers.
#pragma once

#include "gdjit/Support/Error.h"

#include <string>
#include <string_view>
#include <vector>

namespace gdjit {

/// What is wrong with a line; whoever knows file and line makes it an Error.
struct LineMistake {
  std::string what;
  std::string remedy;
};

struct LineFormat {
  char delimiter = ',';
  char comment = '#';

  bool blank(char c) const { return c == ' ' || (c == '\t' && delimiter != '\t'); }
  /// Without the blanks and the CR at its end.
  std::string_view trimmed(std::string_view line) const;
  /// Nothing to read in it.
  bool skipped(std::string_view line) const;
};

/// The fields of a trimmed line, one after the other.
class FieldReader {
public:
  FieldReader(std::string_view line, const LineFormat& format)
      : at_(line.data()), end_(at_ + line.size()), format_(format) {
    skip_blanks();
  }

  const char* at() const { return at_; }
  const char* end() const { return end_; }
  /// If a field that began at at() ends at `p`, goes behind it and its blanks; false otherwise.
  bool ends_at(const char* p) {
    const char* q = p;
    while (q != end_ && format_.blank(*q))
      ++q;
    if (q != end_ && *q != format_.delimiter && !(format_.delimiter == ' ' && q != p))
      return false;
    at_ = q;
    return true;
  }
  /// The field's text without quotes and blanks; goes behind it. Throws LineMistake for a quote
  /// without end or followed by text.
  std::string_view text();
  /// Behind a field: goes to the next one; false at the end of the line.
  bool next() {
    if (at_ == end_)
      return false;
    if (format_.delimiter != ' ')
      ++at_;
    skip_blanks();
    return true;
  }

private:
  void skip_blanks() {
    while (at_ != end_ && format_.blank(*at_))
      ++at_;
  }
  std::string_view quoted();

  const char* at_;
  const char* end_;
  const LineFormat& format_;
  std::string unescaped_;
};

std::vector<std::string> split(std::string_view line, const LineFormat& format);
/// The first of tab ; , blank that stands in the line outside quotes; ',' where there is none.
char detect_delimiter(std::string_view line);

/// True where the text is a number, finite or not: what tells a header from rows.
bool looks_like_number(std::string_view text);
/// A finite number; throws LineMistake.
double to_number(std::string_view text);
/// True where it is an integer of at most 15 digits.
bool to_integer(std::string_view text, double& value);

bool valid_utf8(std::string_view text);
/// 'text' for a message: cut, with escapes for what cannot be shown.
std::string show(std::string_view text);

} // namespace gdjit
