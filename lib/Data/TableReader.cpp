// Parsing the blocks of a CSV file and joining them.
#include "TableReader.h"

#include "gdjit/Data/Columns.h"
#include "gdjit/Support/Threads.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <numeric>
#include <thread>

namespace gdjit {

namespace {

/// More labels than this in one column are no classes.
constexpr size_t most_labels = 100'000;

/// Of labels in a message.
constexpr size_t listed = 20;

bool all_integers(const std::set<std::string_view>& texts) {
  double value = 0;
  return std::all_of(texts.begin(), texts.end(), [&](auto t) { return to_integer(t, value); });
}

std::string list_classes(const std::vector<std::string>& labels) {
  std::string list;
  for (size_t k = 0; k < std::min(labels.size(), listed); ++k)
    list += (k ? ", " : "") + show(labels[k]);
  return "classes: " + list;
}

} // namespace

TableReader::TableReader(const TextSource& source, const TableOptions& options)
    : source_(source), options_(options), head_(read_head(source, options)) {
  choose_columns();
}

void TableReader::choose_columns() {
  std::vector<int> chosen;
  if (!options_.columns.empty()) {
    chosen = select_columns(options_.columns, head_.names);
  } else {
    for (size_t i = 0; i < head_.names.size(); ++i)
      chosen.push_back(static_cast<int>(i));
  }
  std::vector<int> classes;
  if (!options_.classes.empty())
    classes = select_columns(options_.classes, head_.names);
  columns_.resize(head_.names.size());
  std::vector<size_t> groups = group_columns();
  for (size_t place = 0; place < chosen.size(); ++place) {
    int number = chosen[place];
    const std::string& name = head_.names[static_cast<size_t>(number)];
    const ClassLabels* fixed = fixed_labels(name);
    bool label = std::find(classes.begin(), classes.end(), number) != classes.end() ||
                 (fixed && !fixed->labels.empty());
    columns_[static_cast<size_t>(number)] = {label ? Kind::label : Kind::number, place};
    names_.push_back(name);
    is_label_.push_back(label ? 1 : 0);
    group_.push_back(groups[static_cast<size_t>(number)]);
  }
}

std::vector<size_t> TableReader::group_columns() const {
  std::vector<size_t> leader(head_.names.size());
  std::iota(leader.begin(), leader.end(), size_t{0});
  auto find = [&](size_t c) {
    while (leader[c] != c)
      c = leader[c] = leader[leader[c]];
    return c;
  };
  // A column in two lists makes one of them.
  for (const std::string& list : options_.together) {
    std::vector<int> columns = select_columns(list, head_.names);
    for (int c : columns)
      leader[find(static_cast<size_t>(c))] = find(static_cast<size_t>(columns.front()));
  }
  for (size_t& each : leader)
    each = find(each);
  return leader;
}

const ClassLabels* TableReader::fixed_labels(const std::string& column) const {
  auto found = std::find_if(options_.labels.begin(), options_.labels.end(),
                            [&](const ClassLabels& l) { return l.column == column; });
  return found == options_.labels.end() ? nullptr : &*found;
}

size_t TableReader::thread_count() const {
  return options_.threads > 0 ? static_cast<size_t>(options_.threads)
                              : std::thread::hardware_concurrency();
}

Table TableReader::read() {
  size_t block_bytes = std::max<size_t>(options_.block_bytes, 1);
  std::vector<Block> blocks((source_.size() - head_.body + block_bytes - 1) / block_bytes);
  parse_all(blocks);
  source_.require_unchanged();
  require_no_mistake(blocks);
  int64_t count = 0;
  for (const Block& block : blocks)
    count += static_cast<int64_t>(block.values.size() / names_.size());
  Table table(source_.name(), Array({DType::f64, {count, static_cast<int64_t>(names_.size())}}),
              names_);
  join(blocks, table);
  return table;
}

void TableReader::parse_all(std::vector<Block>& blocks) {
  size_t size = std::max<size_t>(options_.block_bytes, 1);
  on_threads(thread_count(), blocks.size(), [&](Tasks& tasks) {
    std::string buffer;
    for (size_t i; tasks.take(i);) {
      size_t begin = head_.body + i * size;
      parse_block(begin, std::min(begin + size, source_.size()), blocks[i], buffer);
      if (blocks[i].mistake || blocks[i].too_long)
        tasks.stop(); // earlier blocks are taken already and come to their end
    }
  });
}

void TableReader::parse_block(size_t begin, size_t end, Block& block, std::string& buffer) {
  block.labels.resize(names_.size());
  // One byte more in front tells whether a line begins at `begin`.
  size_t front = begin == head_.body ? 0 : 1;
  size_t wanted = end - begin + front + (size_t{1} << 14);
  std::string_view text = source_.read(begin - front, wanted, buffer);
  const size_t own = end - begin + front; // lines that begin before it are ours
  size_t at = 0;
  if (front) {
    size_t newline = text.find('\n');
    if (newline == std::string_view::npos || newline + 1 >= own)
      return;
    at = newline + 1;
  }
  while (at < std::min(own, text.size())) {
    size_t newline = text.find('\n', at);
    if (newline == std::string_view::npos && begin - front + text.size() < source_.size()) {
      if (text.size() - at > longest_line) {
        block.too_long = true;
        return;
      }
      text =
          source_.read(begin - front, text.size() + std::max(text.size(), size_t{1} << 16), buffer);
      continue;
    }
    std::string_view line = text.substr(at, newline - at);
    try {
      if (!head_.format.skipped(line))
        parse_line(head_.format.trimmed(line), block);
    } catch (LineMistake& mistake) {
      block.mistake = std::move(mistake);
      return;
    }
    ++block.line_count;
    at = newline == std::string_view::npos ? text.size() : newline + 1;
  }
}

void TableReader::parse_line(std::string_view line, Block& block) {
  size_t start = block.values.size(), width = names_.size();
  auto row_number = static_cast<int64_t>(start / width);
  int64_t offset = block.lines.empty() ? 0 : block.lines.back().second - block.lines.back().first;
  if (block.line_count - row_number != offset)
    block.lines.emplace_back(row_number, block.line_count);
  if (block.values.capacity() < start + width)
    block.values.reserve(2 * block.values.capacity() + width);
  block.values.resize(start + width);
  double* row = block.values.data() + start;
  FieldReader fields(line, head_.format);
  size_t number = 0;
  do {
    if (number < columns_.size())
      parse_field(number, fields, row, block);
    else
      fields.text();
    ++number;
  } while (fields.next());
  if (number != columns_.size())
    throw LineMistake{
        fmt::format("the row has {} fields, the first line has {}", number, columns_.size()),
        "columns: " + list_columns(head_.names)};
}

void TableReader::parse_field(size_t number, FieldReader& fields, double* row, Block& block) {
  const Column& column = columns_[number];
  double& value = row[column.place]; // of a skipped column place 0, not written
  if (column.kind == Kind::number) {
    auto [end, error] = std::from_chars(fields.at(), fields.end(), value);
    if (error == std::errc() && std::isfinite(value) && fields.ends_at(end)) [[likely]]
      return;
  }
  try {
    std::string_view text = fields.text();
    if (column.kind == Kind::skipped)
      return;
    if (column.kind == Kind::label) {
      value = label(text, block.labels[column.place]);
      return;
    }
    value = to_number(text);
  } catch (LineMistake& mistake) {
    mistake.what =
        fmt::format("{}: {}", describe_column(head_.names, static_cast<int>(number)), mistake.what);
    throw;
  }
}

double TableReader::label(std::string_view text, Labels& labels) {
  auto found = labels.find(text);
  if (found != labels.end())
    return found->second;
  if (text.empty())
    throw LineMistake{"is empty", "fill in a class label, or leave the row out"};
  if (!valid_utf8(text))
    throw LineMistake{fmt::format("{} is not UTF-8", show(text)), "save the file as UTF-8"};
  if (labels.size() == most_labels)
    throw LineMistake{fmt::format("has more than {} different labels", most_labels),
                      "it holds no classes; leave the column out"};
  return labels.emplace(text, static_cast<double>(labels.size())).first->second;
}

void TableReader::require_no_mistake(const std::vector<Block>& blocks) const {
  int64_t line = head_.line;
  for (const Block& block : blocks) {
    line += block.line_count;
    if (block.too_long)
      fail_long_line(source_.name(), line);
    if (block.mistake)
      fail_at(source_.name(), line, *block.mistake);
  }
}

void TableReader::join(std::vector<Block>& blocks, Table& table) const {
  size_t width = names_.size();
  std::vector<int64_t> first(blocks.size());
  int64_t row = 0, line = head_.line;
  auto add_line = [&](int64_t r, int64_t l) {
    if (table.lines_.empty() || table.lines_.back().second - table.lines_.back().first != l - r)
      table.lines_.emplace_back(r, l);
  };
  for (size_t i = 0; i < blocks.size(); ++i) {
    first[i] = row;
    if (!blocks[i].values.empty())
      add_line(row, line);
    for (auto [r, l] : blocks[i].lines)
      add_line(row + r, line + l);
    row += static_cast<int64_t>(blocks[i].values.size() / width);
    line += blocks[i].line_count;
  }
  const std::vector<Names> labels = number_labels(blocks, table);
  std::vector<std::vector<std::vector<double>>> numbers(width); // by column, block, label
  for (size_t place = 0; place < width; ++place) {
    if (is_label_[place])
      numbers[place] = join_labels(blocks, place, labels[place], table);
    if (!labels[place].empty())
      table.labels_.push_back({names_[place], labels[place]});
  }
  // The table is nobody else's yet.
  auto* values = const_cast<double*>(table.values_->data<double>());
  on_threads(thread_count(), blocks.size(), [&](Tasks& tasks) {
    for (size_t i; tasks.take(i);) {
      std::vector<double> from = std::move(blocks[i].values);
      for (size_t place = 0; place < width; ++place)
        if (is_label_[place])
          for (size_t at = place; at < from.size(); at += width)
            from[at] = numbers[place][i][static_cast<size_t>(from[at])];
      if (!from.empty())
        std::memcpy(values + static_cast<size_t>(first[i]) * width, from.data(),
                    from.size() * sizeof(double));
    }
  });
}

void TableReader::fail_label(const std::vector<Block>& blocks, size_t place, std::string_view text,
                             const Table& table, const std::string& what,
                             const std::string& remedy) const {
  size_t width = names_.size();
  int64_t row = 0;
  for (const Block& block : blocks) {
    auto found = block.labels[place].find(text);
    for (size_t at = place; at < block.values.size(); at += width, ++row)
      if (found != block.labels[place].end() && block.values[at] == found->second)
        throw Error(ErrorCode::data,
                    fmt::format("column '{}': {} {}", names_[place], show(text), what),
                    {source_.name(), static_cast<uint32_t>(table.line(row)), 0}, {{remedy, {}}});
  }
}

void TableReader::require_classes(const std::vector<Block>& blocks, size_t place,
                                  const std::set<std::string_view>& texts,
                                  const Table& table) const {
  double value = 0;
  const ClassLabels* fixed = fixed_labels(names_[place]);
  const bool numbers = std::all_of(texts.begin(), texts.end(), looks_like_number);
  for (std::string_view text : texts) {
    if ((!fixed && !numbers) || to_integer(text, value))
      continue;
    if (fixed)
      fail_label(blocks, place, text, table, "is none of the classes",
                 "classes: integers, as they were numbered before");
    fail_label(blocks, place, text, table, "is no integer",
               "classes are numbered by integers, or named by text");
  }
}

std::vector<TableReader::Names> TableReader::number_labels(const std::vector<Block>& blocks,
                                                           const Table& table) const {
  std::vector<Names> labels(names_.size());
  std::map<size_t, std::set<std::string_view>> words; // by group
  std::vector<size_t> places;                         // of columns of words
  for (size_t place = 0; place < names_.size(); ++place) {
    if (!is_label_[place])
      continue;
    const ClassLabels* fixed = fixed_labels(names_[place]);
    if (fixed && !fixed->labels.empty()) {
      labels[place] = fixed->labels;
      continue;
    }
    std::set<std::string_view> texts;
    for (const Block& block : blocks)
      for (const auto& [text, number] : block.labels[place])
        texts.insert(text);
    if (all_integers(texts))
      continue;
    require_classes(blocks, place, texts, table);
    words[group_[place]].merge(texts);
    places.push_back(place);
  }
  for (size_t place : places)
    labels[place].assign(words[group_[place]].begin(), words[group_[place]].end());
  return labels;
}

std::vector<std::vector<double>> TableReader::join_labels(const std::vector<Block>& blocks,
                                                          size_t place, const Names& labels,
                                                          const Table& table) const {
  std::map<std::string_view, double> number_of;
  for (size_t i = 0; i < labels.size(); ++i)
    number_of.emplace(labels[i], static_cast<double>(i));
  std::vector<std::vector<double>> numbers(blocks.size());
  for (size_t i = 0; i < blocks.size(); ++i) {
    numbers[i].resize(blocks[i].labels[place].size());
    for (const auto& [text, local] : blocks[i].labels[place]) {
      double& number = numbers[i][static_cast<size_t>(local)];
      auto found = number_of.find(text);
      if (found != number_of.end())
        number = found->second;
      else if (labels.empty())
        to_integer(text, number);
      else
        fail_label(blocks, place, text, table, "is none of the classes", list_classes(labels));
    }
  }
  return numbers;
}

} // namespace gdjit
