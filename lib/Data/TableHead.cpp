// Reading the first lines of a CSV file.
#include "TableHead.h"

#include "gdjit/Data/Columns.h"
#include "gdjit/IO/Idx.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace gdjit {

namespace {

/// A line and where it stands.
struct Line {
  std::string text;
  int64_t number = 0;
  size_t begin = 0;
  size_t end = 0; ///< behind the line's end
};

class Lines {
public:
  Lines(const TextSource& source, size_t begin) : source_(source), next_(begin) {}

  /// The next line of any kind; false at the end.
  bool read(Line& line) {
    if (next_ >= source_.size())
      return false;
    line.begin = next_;
    line.number = ++number_;
    for (size_t length = 1 << 12;; length *= 4) {
      std::string_view text = source_.read(next_, std::min(length, longest_line), buffer_);
      size_t end = text.find('\n');
      bool last = next_ + text.size() >= source_.size();
      if (end == std::string_view::npos && !last) {
        if (length >= longest_line)
          fail_long_line(source_.name(), number_);
        continue;
      }
      line.text = text.substr(0, end);
      next_ = end == std::string_view::npos ? source_.size() : next_ + end + 1;
      line.end = next_;
      return true;
    }
  }

private:
  const TextSource& source_;
  size_t next_;
  int64_t number_ = 0;
  std::string buffer_;
};

/// A start that holds CR, but not as its last byte, and no LF: one line, as lines are read here.
bool ends_lines_by_cr(std::string_view start) {
  return start.find('\n') == std::string_view::npos && start.find('\r') < start.size() - 1;
}

/// The length of a byte order mark; refuses what is not text in UTF-8.
size_t check_encoding(const TextSource& source) {
  std::string buffer;
  std::string_view start = source.read(0, 4096, buffer);
  auto refuse = [&](const char* what, const char* remedy) {
    throw Error(ErrorCode::data, fmt::format("{}: {}", source.name(), what), {}, {{remedy, {}}});
  };
  if (start.empty())
    refuse("the file is empty", "it needs a row of numbers at least");
  if (start.starts_with("\xff\xfe") || start.starts_with("\xfe\xff"))
    refuse("the file is in UTF-16", "save it as UTF-8");
  require_no_archive(start, source.name());
  if (start.starts_with("\x1f\x8b"))
    refuse(
        "the file is packed by gzip",
        "unpack a table first (gunzip); of digits give the folder, or INPUT=FILE for each input");
  // The types of IDX are 8 to 14, and text in UTF-32 has a zero there.
  if (is_idx(start) && start.size() > 3 && start[2] >= 8 && start[2] <= 14)
    refuse("the file is an IDX file, one array and no table",
           "give the folder that it is in, or INPUT=FILE for each input");
  if (start.find('\0') != std::string_view::npos)
    refuse("the file holds zero bytes: it is in UTF-16 or no text", "save it as CSV in UTF-8");
  if (ends_lines_by_cr(start))
    refuse("its lines end by CR alone, as on an old Mac", "save it with lines ended by LF");
  return start.starts_with("\xef\xbb\xbf") ? 3 : 0;
}

bool is_header(const std::vector<std::string>& fields) {
  return std::none_of(fields.begin(), fields.end(), looks_like_number) &&
         std::any_of(fields.begin(), fields.end(), [](const auto& f) { return !f.empty(); });
}

std::vector<std::string> header_names(std::vector<std::string> fields) {
  for (size_t i = 0; i < fields.size(); ++i) {
    if (!valid_utf8(fields[i]))
      throw LineMistake{
          fmt::format("the name of column {} is not UTF-8: {}", i + 1, show(fields[i])),
          "save the file as UTF-8"};
    if (fields[i].empty())
      fields[i] = std::to_string(i + 1);
  }
  std::vector<size_t> order(fields.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return fields[a] != fields[b] ? fields[a] < fields[b] : a < b;
  });
  for (size_t i = 1; i < order.size(); ++i)
    if (fields[order[i - 1]] == fields[order[i]])
      throw LineMistake{fmt::format("columns {} and {} have one name, {}", order[i - 1] + 1,
                                    order[i] + 1, show(fields[order[i]])),
                        "rename one of them"};
  return fields;
}

} // namespace

void require_no_archive(std::string_view start, const std::string& file) {
  if (start.starts_with("PK\x03\x04"))
    throw Error(ErrorCode::data, fmt::format("{}: the file is an archive (.npz, zip)", file), {},
                {{"save one array by numpy.save, or a table as CSV", {}}});
}

void fail_at(const std::string& file, int64_t line, const LineMistake& mistake) {
  auto number =
      static_cast<uint32_t>(std::min<int64_t>(line, std::numeric_limits<uint32_t>::max()));
  std::vector<Note> notes;
  if (!mistake.remedy.empty())
    notes.push_back({mistake.remedy, {}});
  throw Error(ErrorCode::data, mistake.what, {file, number, 0}, std::move(notes));
}

void fail_long_line(const std::string& file, int64_t line) {
  fail_at(file, line,
          {fmt::format("the line is longer than {} MiB", longest_line >> 20),
           "is this a CSV file, with lines ended by LF or CRLF?"});
}

TableHead read_head(const TextSource& source, const TableOptions& options) {
  TableHead head;
  head.format = {options.delimiter, options.comment};
  Lines lines(source, check_encoding(source));
  Line line;
  bool found = false;
  while (!found && lines.read(line))
    found = !head.format.skipped(line.text);
  if (!found)
    throw Error(ErrorCode::data, fmt::format("{}: holds no row, only comments", source.name()), {},
                {{"it needs a row of numbers at least", {}}});
  if (head.format.delimiter == 0)
    head.format.delimiter = detect_delimiter(head.format.trimmed(line.text));
  try {
    head.names = split(head.format.trimmed(line.text), head.format);
    if (options.header == Header::no ||
        (options.header == Header::detect && !is_header(head.names))) {
      for (size_t i = 0; i < head.names.size(); ++i)
        head.names[i] = std::to_string(i + 1);
      head.body = line.begin;
      head.line = line.number;
      return head;
    }
    head.names = header_names(std::move(head.names));
  } catch (const LineMistake& mistake) {
    fail_at(source.name(), line.number, mistake);
  }
  head.body = line.end;
  head.line = line.number + 1;
  int64_t header = line.number;
  while (lines.read(line))
    if (!head.format.skipped(line.text))
      return head;
  throw Error(ErrorCode::data,
              fmt::format("{}: holds a header, in line {}, and no row", source.name(), header), {},
              {{"columns: " + list_columns(head.names), {}}});
}

} // namespace gdjit
