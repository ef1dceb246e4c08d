// Fields and numbers; the slow ways, with the messages.
#include "Fields.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace gdjit {

namespace {

constexpr size_t shown = 40;
constexpr const char* number_remedy =
    "numbers are written as 1, -2.5 or 1e-3; leave the column out or name it as classes "
    "(--classes)";

/// Length of the UTF-8 sequence at the front, 0 where it is none (Unicode 15, table 3-7).
size_t utf8_length(std::string_view s) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  unsigned char lead = byte(0);
  if (lead < 0x80)
    return 1;
  size_t length = lead >= 0xc2 && lead <= 0xdf   ? 2
                  : (lead & 0xf0) == 0xe0        ? 3
                  : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                 : 0;
  if (length == 0 || s.size() < length)
    return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80)
      return 0;
  bool bad = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f) ||
             (lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f);
  return bad ? 0 : length;
}

std::string_view without_plus(std::string_view text) {
  return text.size() > 1 && text[0] == '+' && text[1] != '-' ? text.substr(1) : text;
}

/// 1,5: one comma between digits, with a sign at most.
bool decimal_comma(std::string_view text) {
  std::string point(text);
  auto comma = point.find(',');
  if (comma == std::string::npos)
    return false;
  point[comma] = '.';
  return looks_like_number(point);
}

} // namespace

std::string_view LineFormat::trimmed(std::string_view line) const {
  if (line.ends_with('\r'))
    line.remove_suffix(1);
  while (!line.empty() && blank(line.back()))
    line.remove_suffix(1);
  return line;
}

bool LineFormat::skipped(std::string_view line) const {
  size_t at = 0;
  while (at < line.size() && (line[at] == ' ' || line[at] == '\t' || line[at] == '\r'))
    ++at;
  // A line of tabs alone has fields where tabs divide them.
  if (at == line.size())
    return delimiter != '\t' || line.find('\t') == std::string_view::npos;
  return comment != 0 && line[at] == comment;
}

std::string_view FieldReader::text() {
  if (at_ != end_ && *at_ == '"')
    return quoted();
  const char* begin = at_;
  while (at_ != end_ && *at_ != format_.delimiter && !(format_.delimiter == ' ' && *at_ == '\t'))
    ++at_;
  const char* last = at_;
  while (last != begin && format_.blank(last[-1]))
    --last;
  if (format_.delimiter == ' ')
    ends_at(at_);
  return {begin, static_cast<size_t>(last - begin)};
}

std::string_view FieldReader::quoted() {
  const char* begin = ++at_;
  unescaped_.clear();
  for (;;) {
    const char* quote = std::find(at_, end_, '"');
    if (quote == end_)
      throw LineMistake{"a quoted field has no end on its line",
                        "close the quote; a field may not hold a line break"};
    const char* behind = quote + 1;
    if (behind != end_ && *behind == '"') {
      unescaped_.append(begin, behind);
      begin = at_ = behind + 1;
      continue;
    }
    if (!ends_at(behind))
      throw LineMistake{fmt::format("text follows a quoted field: {}",
                                    show({behind, static_cast<size_t>(end_ - behind)})),
                        "a quote within quotes is written twice"};
    unescaped_.append(begin, quote);
    return unescaped_;
  }
}

std::vector<std::string> split(std::string_view line, const LineFormat& format) {
  FieldReader reader(line, format);
  std::vector<std::string> fields;
  do
    fields.emplace_back(reader.text());
  while (reader.next());
  return fields;
}

char detect_delimiter(std::string_view line) {
  std::string outside;
  bool quoted = false;
  for (char c : line) {
    quoted ^= c == '"';
    if (!quoted)
      outside += c;
  }
  for (char c : {'\t', ';', ','})
    if (outside.find(c) != std::string::npos)
      return c;
  size_t first = outside.find_first_not_of(' ');
  return first != std::string::npos && outside.find(' ', first) != std::string::npos ? ' ' : ',';
}

bool looks_like_number(std::string_view text) {
  text = without_plus(text);
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error != std::errc::invalid_argument && end == text.data() + text.size();
}

bool to_integer(std::string_view text, double& value) {
  text = without_plus(text);
  int64_t integer = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), integer);
  value = static_cast<double>(integer);
  return error == std::errc() && end == text.data() + text.size() && text.size() <= 16 &&
         std::abs(value) < 1e15;
}

double to_number(std::string_view text) {
  if (text.empty())
    throw LineMistake{"is empty", "fill in a number, or leave the column or the row out"};
  std::string_view plain = without_plus(text);
  const char *first = plain.data(), *last = first + plain.size();
  double value = 0;
  auto [end, error] = std::from_chars(first, last, value);
  if (end == last && error == std::errc::result_out_of_range) {
    // Too small is rounded to 0, as every other number is rounded; too large is a mistake.
    long double wide = 0;
    if (std::from_chars(first, last, wide).ec == std::errc() && std::abs(wide) < 1)
      return wide < 0 ? -0.0 : 0.0;
    throw LineMistake{fmt::format("{} is beyond the range of a double", show(text)),
                      "numbers up to 1.79e308 can be held"};
  }
  if (end == last && error == std::errc()) {
    if (!std::isfinite(value))
      throw LineMistake{fmt::format("{} is not a finite number", show(text)),
                        "leave the row out or fill in a number"};
    return value;
  }
  if (!valid_utf8(text))
    throw LineMistake{fmt::format("{} is not UTF-8", show(text)), "save the file as UTF-8"};
  if (decimal_comma(plain))
    throw LineMistake{fmt::format("{} has a decimal comma", show(text)),
                      "write a decimal point: 1.5"};
  throw LineMistake{fmt::format("{} is not a number", show(text)), number_remedy};
}

bool valid_utf8(std::string_view text) {
  while (!text.empty()) {
    size_t length = utf8_length(text);
    if (length == 0)
      return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string show(std::string_view text) {
  std::string out = "'";
  bool cut = text.size() > shown;
  std::string_view rest = cut ? text.substr(0, shown) : text;
  while (!rest.empty()) {
    size_t length = utf8_length(rest);
    auto byte = static_cast<unsigned char>(rest[0]);
    if (length == 0 || byte < 0x20 || byte == 0x7f)
      out += fmt::format("\\x{:02x}", byte);
    else
      out += rest.substr(0, length);
    rest.remove_prefix(std::max<size_t>(length, 1));
  }
  return out + (cut ? "…'" : "'");
}

} // namespace gdjit
