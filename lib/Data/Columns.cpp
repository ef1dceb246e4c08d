// Reading selections of columns. Names of a table without header are "1", "2" …
#include "gdjit/Data/Columns.h"

#include "gdjit/Support/Error.h"
#include "gdjit/Support/Suggest.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace gdjit {

namespace {

constexpr size_t listed = 40;

class Reader {
public:
  Reader(std::string_view text, std::span<const std::string> names)
      : text_(text), rest_(text), names_(names) {}

  bool at_end() {
    skip_blanks();
    return rest_.empty();
  }
  bool accept(char c) {
    if (at_end() || rest_[0] != c)
      return false;
    rest_.remove_prefix(1);
    return true;
  }

  /// A quoted or plain word, up to , : or =.
  std::string word() {
    std::string out;
    if (accept('"')) {
      for (;;) {
        size_t end = rest_.find('"');
        if (end == std::string_view::npos)
          fail("a quoted name has no end");
        out += rest_.substr(0, end);
        rest_.remove_prefix(end + 1);
        if (!rest_.starts_with('"'))
          return out;
        out += '"';
        rest_.remove_prefix(1);
      }
    }
    skip_blanks();
    size_t end = std::min(rest_.find_first_of(",:="), rest_.size());
    out = rest_.substr(0, end);
    rest_.remove_prefix(end);
    while (out.ends_with(' '))
      out.pop_back();
    if (out.empty())
      fail("a column is missing");
    return out;
  }

  int column(const std::string& word) {
    auto found = std::find(names_.begin(), names_.end(), word);
    if (found != names_.end())
      return static_cast<int>(found - names_.begin());
    int number = 0;
    auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error == std::errc() && end == word.data() + word.size() && number >= 1 &&
        static_cast<size_t>(number) <= names_.size())
      return number - 1;
    fail(fmt::format("there is no column '{}'{}", word, did_you_mean(word, names_)));
  }

  /// The rest of an item whose first word is read: one column or a range.
  void columns(const std::string& first, std::vector<int>& out) {
    int from = column(first), to = from;
    if (accept(':'))
      to = at_end() || rest_[0] == ',' ? static_cast<int>(names_.size()) - 1 : column(word());
    if (to < from)
      fail(fmt::format("the range from {} to {} runs backwards", describe_column(names_, from),
                       describe_column(names_, to)));
    for (int c = from; c <= to; ++c) {
      if (std::find(out.begin(), out.end(), c) != out.end())
        fail(describe_column(names_, c) + " is given twice");
      out.push_back(c);
    }
  }

  [[noreturn]] void fail(const std::string& what) {
    throw Error(ErrorCode::usage, fmt::format("columns '{}': {}", text_, what), {},
                {{"columns: " + list_columns(names_), {}}});
  }

private:
  void skip_blanks() {
    while (rest_.starts_with(' '))
      rest_.remove_prefix(1);
  }

  std::string_view text_, rest_;
  std::span<const std::string> names_;
};

} // namespace

std::vector<int> select_columns(std::string_view text, std::span<const std::string> names) {
  Reader reader(text, names);
  std::vector<int> out;
  do
    reader.columns(reader.word(), out);
  while (reader.accept(','));
  if (!reader.at_end())
    reader.fail("columns are divided by commas");
  return out;
}

std::vector<InputColumns> parse_mapping(std::string_view text, std::span<const std::string> names) {
  Reader reader(text, names);
  std::vector<InputColumns> out;
  do {
    std::string word = reader.word();
    if (reader.accept('=')) {
      for (const InputColumns& earlier : out)
        if (earlier.input == word)
          reader.fail(fmt::format("input '{}' is given twice", word));
      out.push_back({std::move(word), {}});
      word = reader.word();
    }
    if (out.empty())
      reader.fail("say for which input: x=…,y=…");
    reader.columns(word, out.back().columns);
  } while (reader.accept(','));
  if (!reader.at_end())
    reader.fail("columns are divided by commas");
  return out;
}

std::string quoted_name(std::string_view name) {
  std::string text = "\"";
  for (char c : name)
    text += c == '"' ? "\"\"" : std::string(1, c);
  return text + "\"";
}

std::string mapping_text(std::span<const InputColumnNames> inputs) {
  std::string text;
  for (const InputColumnNames& each : inputs)
    for (size_t i = 0; i < each.columns.size(); ++i)
      text += (text.empty() ? "" : ",") + (i == 0 ? quoted_name(each.input) + "=" : "") +
              quoted_name(each.columns[i]);
  return text;
}

std::string list_columns(std::span<const std::string> names) {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), listed); ++i) {
    text += fmt::format("{}{}", i ? ", " : "", i + 1);
    if (names[i] != std::to_string(i + 1))
      text += fmt::format(" '{}'", names[i]);
  }
  if (names.size() > listed)
    text += fmt::format(" … {}", names.size());
  return text;
}

std::string describe_column(std::span<const std::string> names, int column) {
  const std::string& name = names[static_cast<size_t>(column)];
  return name == std::to_string(column + 1) ? fmt::format("column {}", column + 1)
                                            : fmt::format("column {} ('{}')", column + 1, name);
}

} // namespace gdjit
