// Columns are found by name as soon as the file is open, so that only those are read that an input
// takes.
#include "Rows.h"

#include "Digits.h"
#include "Settings.h"

#include "gdjit/Support/Suggest.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace gdjit::tool {

namespace {

char parse_delimiter(const std::string& word) {
  static constexpr std::pair<const char*, char> names[] = {
      {"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"blank", ' '}};
  for (auto [name, sign] : names)
    if (word == name || word == std::string(1, sign))
      return sign;
  throw Error(ErrorCode::usage,
              fmt::format("--delimiter: '{}' is none of comma, semicolon, tab, blank", word));
}

[[noreturn]] void fail_lacking(std::span<const InputColumnNames> earlier,
                               std::span<const std::string> columns,
                               const std::vector<std::string>& missing, const std::string& file) {
  std::vector<Note> notes;
  std::string remedy;
  for (const InputColumnNames& each : earlier) {
    notes.push_back(
        {fmt::format("input {} took '{}'", each.input, fmt::join(each.columns, "', '")), {}});
    remedy += (remedy.empty() ? "" : ",") + each.input + "=…";
  }
  notes.push_back({"columns: " + list_columns(columns), {}});
  notes.push_back({"say which go where: --columns " + remedy, {}});
  throw Error(ErrorCode::data,
              fmt::format("{}: of the columns that the run took it lacks '{}'", file,
                          fmt::join(missing, "', '")),
              {}, std::move(notes));
}

/// Columns of a file without a header are numbers, and mean the same places of any file. False
/// where there is another name among them.
bool by_number(std::vector<InputColumnNames>& inputs, std::span<const std::string> columns) {
  std::vector<InputColumnNames> found(inputs.begin(), inputs.end());
  for (InputColumnNames& each : found)
    for (std::string& name : each.columns) {
      size_t number = 0;
      auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
      if (error != std::errc() || *end != '\0' || number == 0 || number > columns.size())
        return false;
      name = columns[number - 1];
    }
  inputs = std::move(found);
  return true;
}

/// The columns by the names that they had in an earlier run; nothing where the file has none of
/// the names. Where it has some of them their places would be a guess.
std::vector<InputColumnNames> earlier_columns(std::span<const InputDecl> wanted,
                                              std::span<const std::string> columns,
                                              const Checkpoint& known, const std::string& file) {
  std::vector<InputColumnNames> earlier;
  for (const InputDecl& input : wanted)
    for (const InputColumnNames& each : known.columns)
      if (each.input == input.name)
        earlier.push_back(each);
  std::vector<std::string> missing;
  bool named = false; // a number stands for a column without a name
  for (const InputColumnNames& each : earlier)
    for (const std::string& name : each.columns) {
      auto found = std::ranges::find(columns, name);
      if (found == columns.end())
        missing.push_back(name);
      else if (name != std::to_string(found - columns.begin() + 1))
        named = true;
    }
  // None of the names: the order of declaration, unless the run was told another.
  const bool told = !kept_words(known, "--columns").empty();
  if (!named && !missing.empty() && told && by_number(earlier, columns))
    return earlier;
  if (!missing.empty() && (named || told))
    fail_lacking(earlier, columns, missing, file);
  if (!missing.empty() || earlier.size() != wanted.size())
    return {};
  return earlier;
}

/// A header that calls its columns as the model its inputs, in another order.
void warn_of_names(std::span<const InputColumnNames> inputs) {
  for (const InputColumnNames& each : inputs)
    for (const InputColumnNames& other : inputs)
      if (each.input != other.input && std::ranges::count(each.columns, other.input) > 0) {
        std::string by_name;
        for (const InputColumnNames& input : inputs)
          by_name += (by_name.empty() ? "" : ",") + input.input + "=" + input.input;
        log("warning: column '{}' goes to input {}, by the order of declaration; by names it is "
            "--columns {}",
            other.input, each.input, by_name);
        return;
      }
}

/// What the wanted inputs take: as said, as an earlier run did, or in the order of declaration.
std::vector<InputColumnNames> choose_columns(const DataArguments& a,
                                             std::span<const InputDecl> wanted,
                                             std::span<const InputDecl> inputs,
                                             std::span<const std::string> columns,
                                             const Checkpoint* known) {
  const std::string& file = a.files.front();
  if (!a.columns.empty())
    return column_names(wanted, columns, a.columns, file);
  if (known)
    if (auto earlier = earlier_columns(wanted, columns, *known, file); !earlier.empty())
      return earlier;
  int64_t all = 0, needed = 0;
  for (const InputDecl& input : inputs)
    all += row_elements(input);
  for (const InputDecl& input : wanted)
    needed += row_elements(input);
  bool whole = all != needed && all == static_cast<int64_t>(columns.size());
  std::vector<InputColumnNames> names = column_names(whole ? inputs : wanted, columns, "", file);
  warn_of_names(names);
  std::erase_if(names, [&](const InputColumnNames& each) {
    return std::none_of(wanted.begin(), wanted.end(),
                        [&](const InputDecl& input) { return input.name == each.input; });
  });
  return names;
}

FoundRows read_table_rows(const DataArguments& a, std::span<const InputDecl> wanted,
                          std::span<const InputDecl> inputs, const Checkpoint* known) {
  const std::string& file = a.files.front();
  TableOptions options = a.table_options();
  std::vector<std::string> columns = read_column_names(file, options);
  FoundRows found;
  found.columns = choose_columns(a, wanted, inputs, columns, known);
  std::string mapping = mapping_text(found.columns);
  options = gdjit::table_options(wanted, columns, mapping, options);
  if (known)
    options.labels = labels_for(found.columns, known->columns, known->labels);
  Table table = read_table(file, options);
  found.rows = dataset(wanted, table, mapping);
  found.labels = table.labels();
  return found;
}

/// What is said of tables and text means nothing for files of arrays, nor for a folder of digits.
void require_no_table_options(const DataArguments& a) {
  if (!a.columns.empty())
    throw Error(ErrorCode::usage, "--columns: a file of its own gives each input its rows; "
                                  "columns are those of one table");
  const std::pair<const char*, const std::string&> options[] = {{"--classes", a.classes},
                                                                {"--delimiter", a.delimiter},
                                                                {"--comment", a.comment},
                                                                {"--header", a.header}};
  for (const auto& [name, word] : options)
    if (!word.empty())
      throw Error(
          ErrorCode::usage,
          fmt::format("{}: an npy or IDX file is no text and has neither delimiter nor words "
                      "for classes; leave it out, or give one table",
                      name));
}

void add_file(std::vector<InputFile>& files, InputFile added) {
  for (const InputFile& earlier : files)
    if (earlier.input == added.input)
      throw Error(ErrorCode::usage,
                  fmt::format("--data: input {} is given twice, from {} and {}; leave one out",
                              added.input, earlier.path, added.path));
  files.push_back(std::move(added));
}

/// `word` is INPUT=FILE, and there is no such input.
[[noreturn]] void fail_input(const std::string& word, const std::string& input,
                             std::span<const InputDecl> inputs) {
  std::vector<std::string> names;
  for (const InputDecl& each : inputs)
    names.push_back(each.name);
  throw Error(
      ErrorCode::usage,
      fmt::format("--data {}: there is no input '{}'{}", word, input, did_you_mean(input, names)),
      {}, {{fmt::format("inputs: {}", fmt::join(names, ", ")), {}}});
}

} // namespace

void DataArguments::add_to(CLI::App& command) {
  auto* data = command
                   .add_option("--data", files,
                               "rows from FILE.csv or .npy; INPUT=FILE for each input, .npy or "
                               "IDX; or a folder of digits as they are distributed, "
                               "train-images-idx3-ubyte.gz and so on")
                   ->allow_extra_args(false)
                   ->type_name("[INPUT=]FILE");
  command
      .add_option("--columns", columns,
                  "which columns an input takes: x=quiz1:quiz3,y=final, or by number x=1:3,y=4; "
                  "without it in the order of declaration")
      ->needs(data)
      ->type_name("INPUT=FIRST:LAST,…");
  command
      .add_option("--classes", classes,
                  "columns of class labels, words or integers, for inputs of floats (those of "
                  "integer inputs are taken so anyway); words are numbered in their order")
      ->needs(data)
      ->type_name("COLUMN,…");
  command
      .add_option("--delimiter", delimiter,
                  "comma, semicolon, tab or blank; without it as the first line has it")
      ->needs(data)
      ->type_name("SIGN");
  command.add_option("--comment", comment, "begins a comment line, # without it; none for none")
      ->needs(data)
      ->type_name("SIGN");
  command.add_option("--header", header, "is the first line one? yes, no; without it as it looks")
      ->check(one_of({"yes", "no", "detect"}))
      ->needs(data)
      ->type_name("WORD");
}

TableOptions DataArguments::table_options() const {
  TableOptions options;
  if (!delimiter.empty())
    options.delimiter = parse_delimiter(delimiter);
  if (comment == "none")
    options.comment = 0;
  else if (comment.size() == 1)
    options.comment = comment[0];
  else if (!comment.empty())
    throw Error(ErrorCode::usage,
                fmt::format("--comment: '{}' is no single character, nor none", comment));
  options.classes = classes;
  options.header = header == "yes" ? Header::yes : header == "no" ? Header::no : Header::detect;
  return options;
}

FoundRows read_rows(const DataArguments& a, std::span<const InputDecl> wanted,
                    std::span<const InputDecl> inputs, const Checkpoint* known, Tool& tool) {
  std::vector<InputFile> files; // of any input, wanted or not
  for (const std::string& word : a.files) {
    size_t equals = word.find('=');
    std::string name = word.substr(0, equals);
    bool is_input =
        equals != std::string::npos &&
        std::any_of(inputs.begin(), inputs.end(), [&](const auto& i) { return i.name == name; });
    tool.read.push_back(is_input ? word.substr(equals + 1) : word);
    if (is_input)
      add_file(files, {name, word.substr(equals + 1)});
    else if (std::error_code ignored; equals != std::string::npos &&
                                      name.find('/') == std::string::npos &&
                                      !std::filesystem::exists(word, ignored))
      fail_input(word, name, inputs);
    else if (a.files.size() > 1)
      throw Error(ErrorCode::usage,
                  fmt::format("--data {}: give one table, or INPUT=FILE for each input", word));
  }
  std::error_code ignored;
  const bool folder = files.empty() && std::filesystem::is_directory(a.files.front(), ignored);
  if (files.empty() && !folder)
    return read_table_rows(a, wanted, inputs, known);
  require_no_table_options(a);
  if (folder)
    return read_digits(a.files.front(), wanted);
  std::erase_if(files, [&](const InputFile& file) {
    return std::ranges::find(wanted, file.input, &InputDecl::name) == wanted.end();
  });
  FoundRows found;
  found.rows = dataset(wanted, files);
  return found;
}

Dataset carried_rows(const Signature& signature, const Subject& subject) {
  try {
    return dataset(signature, subject.folder());
  } catch (const Error& error) {
    if (signature.data.size() >= signature.inputs.size())
      throw;
    std::vector<Diagnostic> all = error.diagnostics();
    all.front().notes.push_back({"or from a file: --data FILE", {}});
    throw Error(error.code(), std::move(all));
  }
}

void warn_of_other_rows(const Checkpoint& run, int64_t checksum, const std::string& path) {
  if (run.rows_checksum >= 0 && run.rows_checksum != checksum)
    log("warning: these are not the rows that the run in {} was trained on", path);
}

Error with_ranges(const Error& error, const Dataset& rows) {
  std::vector<Diagnostic> all = error.diagnostics();
  if (all.front().message.find("index out of range") == std::string::npos)
    return error;
  for (const InputRows& input : rows.inputs()) {
    TensorView view = input.array.view(input.name);
    if (!is_integer(view.type.dtype) || view.elements() == 0)
      continue;
    int64_t least = 0, greatest = 0;
    for (int64_t i = 1; i < view.elements(); ++i) {
      least = view.at(i) < view.at(least) ? i : least;
      greatest = view.at(i) > view.at(greatest) ? i : greatest;
    }
    int64_t each = input.batch_axis == 0 ? view.elements() / rows.rows() : view.elements();
    all.front().notes.push_back(
        {fmt::format("input {} holds {}, in row {}, to {}, in row {}", input.name, view.at(least),
                     least / each + 1, view.at(greatest), greatest / each + 1),
         {}});
  }
  return Error(error.code(), std::move(all));
}

std::vector<std::string> labels_of(const std::vector<InputColumnNames>& columns,
                                   const std::vector<ClassLabels>& labels,
                                   const std::string& input) {
  auto each = std::ranges::find(columns, input, &InputColumnNames::input);
  if (each == columns.end() || each->columns.empty())
    return {};
  auto of = [&](const std::string& column) {
    auto found = std::ranges::find(labels, column, &ClassLabels::column);
    return found == labels.end() ? std::vector<std::string>{} : found->labels;
  };
  std::vector<std::string> first = of(each->columns.front());
  for (const std::string& column : each->columns)
    if (of(column) != first)
      return {};
  return first;
}

bool scales_with_rows(const Signature& signature) {
  return std::any_of(signature.inputs.begin(), signature.inputs.end(),
                     [](const InputDecl& input) { return input.batch_axis >= 0; });
}

Dataset example_rows(const Subject& subject, const Signature& prediction) {
  Signature own = prediction;
  own.data = own.examples;
  return dataset(own, subject.folder());
}

std::vector<Array> first_batch(const Signature& signature, const Dataset& given) {
  Dataset rows = given;
  if (scales_with_rows(signature) && rows.rows() < signature.batch) {
    std::vector<int64_t> again(static_cast<size_t>(signature.batch));
    for (size_t i = 0; i < again.size(); ++i)
      again[i] = static_cast<int64_t>(i) % given.rows();
    rows = given.select(again);
  }
  Loader loader(rows, {.batch = scales_with_rows(signature) ? signature.batch : 0});
  std::vector<Array> arrays;
  Loader::Iterator first = loader.begin();
  for (const InputDecl& input : signature.inputs)
    for (const TensorView& view : first->views())
      if (view.name == input.name)
        arrays.push_back(view.copy());
  return arrays;
}

Dataset some_rows(const Subject& subject, const Work& work, uint64_t seed) {
  const Signature& signature = work.signature();
  if (!signature.data.empty() || signature.inputs.empty())
    return dataset(signature, subject.folder());
  log("{} carries no rows: random ones of the shapes declared are taken", subject.name());
  int64_t bound = work.is_graph() ? index_bound(work.step.graph) : 1;
  Signature without_states; // of which nobody asks for random ones
  without_states.inputs = signature.inputs;
  std::vector<Array> arrays = random_arguments(without_states, seed, bound).inputs;
  std::vector<InputRows> rows;
  for (size_t i = 0; i < arrays.size(); ++i)
    rows.push_back(
        {signature.inputs[i].name, std::move(arrays[i]), signature.inputs[i].batch_axis});
  return Dataset(std::move(rows));
}

} // namespace gdjit::tool
