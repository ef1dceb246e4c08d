// From a model's data, tables and .npy files to the inputs of a model.
#include "TableHead.h"
#include "gdjit/Data/Columns.h"
#include "gdjit/Data/Dataset.h"
#include "gdjit/IO/Idx.h"
#include "gdjit/IO/MappedFile.h"
#include "gdjit/IO/Npy.h"
#include "gdjit/Support/Error.h"
#include "gdjit/Support/Suggest.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

namespace gdjit {

namespace {

std::vector<Note> sides(std::span<const InputDecl> inputs, std::span<const std::string> columns) {
  std::vector<Note> notes;
  for (const InputDecl& input : inputs)
    notes.push_back({fmt::format("input {} : {} takes {}", input.name, to_string(input.type),
                                 row_elements(input)),
                     {}});
  notes.push_back({"columns: " + list_columns(columns), {}});
  notes.push_back({"say which go where: x=first:last,y=name", {}});
  return notes;
}

/// Columns of each input: as the mapping says, or in order.
std::vector<InputColumns> columns_of(std::span<const InputDecl> inputs,
                                     std::span<const std::string> columns, std::string_view mapping,
                                     const std::string& file) {
  auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::data, fmt::format("{}{}{}", file, file.empty() ? "" : ": ", what), {},
                sides(inputs, columns));
  };
  std::vector<InputColumns> result;
  for (const InputDecl& input : inputs)
    if (input.batch_axis != 0)
      fail(fmt::format("input {} has no batch on its first axis; a table cannot give it",
                       input.name));
  if (mapping.empty()) {
    int64_t wanted = 0;
    for (const InputDecl& input : inputs) {
      std::vector<int> list;
      for (int64_t i = 0; i < row_elements(input) && wanted < int64_t{1} << 30; ++i)
        list.push_back(static_cast<int>(wanted++));
      result.push_back({input.name, std::move(list)});
    }
    if (wanted != static_cast<int64_t>(columns.size()))
      fail(fmt::format("the inputs take {} columns, the table has {}", wanted, columns.size()));
    return result;
  }
  std::vector<InputColumns> given = parse_mapping(mapping, columns);
  std::vector<std::string> names;
  for (const InputDecl& input : inputs)
    names.push_back(input.name);
  for (const InputColumns& each : given)
    if (std::find(names.begin(), names.end(), each.input) == names.end())
      fail(fmt::format("there is no input '{}'{}", each.input, did_you_mean(each.input, names)));
  for (const InputDecl& input : inputs) {
    auto found = std::find_if(given.begin(), given.end(),
                              [&](const InputColumns& c) { return c.input == input.name; });
    if (found == given.end())
      fail(fmt::format("no columns are named for input {}", input.name));
    if (static_cast<int64_t>(found->columns.size()) != row_elements(input))
      fail(fmt::format("input {} takes {} columns, {} are named for it", input.name,
                       row_elements(input), found->columns.size()));
    result.push_back(*found);
  }
  return result;
}

/// Why the type does not hold the number, "" where it does.
std::string misfit(DType type, double value) {
  if (type == DType::boolean)
    return value == 0 || value == 1 ? "" : "neither 0 nor 1, which a bool takes";
  if (type == DType::f32)
    return std::isfinite(value) && !std::isfinite(static_cast<float>(value))
               ? "beyond the greatest f32"
               : "";
  if (type == DType::f64)
    return "";
  if (value != std::trunc(value))
    return "no integer";
  // A larger one may have been another integer in the text.
  double limit = type == DType::i32 ? 0x1p31 : 0x1p53;
  return value >= -limit && value < limit ? ""
                                          : fmt::format("beyond what is read as {}", name(type));
}

[[noreturn]] void fail_element(const Table& table, const InputDecl& input, int64_t row, int column,
                               const std::string& why) {
  int64_t line = table.line(row);
  std::string where = describe_column(table.names(), column);
  if (line == 0)
    where = fmt::format("{}: row {}, {}", table.file(), row + 1, where);
  throw Error(ErrorCode::data, fmt::format("{}: {} is {}", where, table.at(row, column), why),
              {table.file(), static_cast<uint32_t>(std::min<int64_t>(line, UINT32_MAX)), 0},
              {{fmt::format("it goes to input {} : {}", input.name, to_string(input.type)), {}}});
}

template <class T> void fill(const Table& table, std::span<const int> columns, T* out) {
  const double* row = table.values().data<double>();
  for (int64_t r = 0; r < table.rows(); ++r, row += table.columns())
    for (int c : columns)
      *out++ = static_cast<T>(row[c]);
}

SharedArray take_columns(const Table& table, const InputDecl& input, std::span<const int> columns) {
  if (input.type.dtype != DType::f64)
    for (int64_t r = 0; r < table.rows(); ++r)
      for (int c : columns)
        if (std::string why = misfit(input.type.dtype, table.at(r, c)); !why.empty())
          fail_element(table, input, r, c, why);
  TensorType type = input.type;
  type.shape[0] = table.rows();
  Array array(type);
  switch (type.dtype) {
  case DType::f32:
    fill(table, columns, array.data<float>());
    break;
  case DType::f64:
    fill(table, columns, array.data<double>());
    break;
  case DType::i32:
    fill(table, columns, array.data<int32_t>());
    break;
  case DType::i64:
    fill(table, columns, array.data<int64_t>());
    break;
  case DType::boolean:
    fill(table, columns, array.data<bool>());
    break;
  }
  return array;
}

bool is_idx_file(const MappedFile& file) { return is_idx(file.bytes().substr(0, 2)); }

SharedArray read_array(const std::string& path) {
  auto file = MappedFile::open(path);
  require_no_archive(file->bytes(), path);
  return is_idx_file(*file) ? SharedArray(read_idx(path)) : read_npy(path);
}

/// What a file holds by its own word.
std::string contents(const std::string& path, const TensorType& as_read) {
  return is_idx_file(*MappedFile::open(path)) ? idx_contents(path) : to_string(as_read);
}

/// True where rows hold as many elements as the input takes of each, whatever their shape.
bool rows_fit(const Shape& rows, const InputDecl& input) {
  const Shape& wanted = input.type.shape;
  bool same = rows.rank() == wanted.rank();
  for (int axis = 0; same && axis < rows.rank(); ++axis)
    same = axis == input.batch_axis || rows[axis] == wanted[axis];
  if (same || input.batch_axis != 0 || rows.rank() == 0)
    return same;
  int64_t each = 1;
  for (int axis = 1; axis < rows.rank(); ++axis)
    each *= rows[axis];
  return each == row_elements(input);
}

/// "row 3, column 2", as tables have them, or "element 2" where the first axis has no rows.
std::string place_of(int64_t element, const InputDecl& input) {
  if (input.batch_axis != 0)
    return fmt::format("element {}", element + 1);
  const int64_t each = row_elements(input);
  std::string row = fmt::format("row {}", element / each + 1);
  return each == 1 ? row : fmt::format("{}, column {}", row, element % each + 1);
}

SharedArray fit_file(const InputDecl& input, const std::string& path) {
  SharedArray array = read_array(path);
  auto refuse = [&](const std::string& why) {
    throw Error(ErrorCode::data, fmt::format("{}: {}", path, why), {},
                {{fmt::format("input {} : {}, rows along axis {}", input.name,
                              to_string(input.type), input.batch_axis),
                  {}}});
  };
  if (!rows_fit(array.type.shape, input))
    refuse(fmt::format("holds {}, which does not fit input {}", contents(path, array.type),
                       input.name));
  TensorType type = input.type;
  if (input.batch_axis >= 0)
    type.shape[input.batch_axis] =
        array.type.shape[std::min(input.batch_axis, array.type.shape.rank() - 1)];
  if (input.batch_axis >= 0 && type.shape[input.batch_axis] == 0)
    refuse(
        fmt::format("holds {}, which has no row; give one with rows", contents(path, array.type)));
  if (array.type.dtype == input.type.dtype) {
    array.type = type;
    return array;
  }
  // Decimals are rounded, as those of a table are; anything else must be there exactly.
  const bool rounds = is_float(array.type.dtype) && is_float(type.dtype);
  Array converted(type);
  TensorView view = array.view(input.name);
  for (int64_t i = 0; i < view.elements(); ++i) {
    const double value = view.at(i);
    std::string why = std::isfinite(value) || !rounds ? misfit(type.dtype, value) : "";
    // A larger one may have been another integer in the file.
    if (why.empty() && array.type.dtype == DType::i64 && !(std::abs(value) < 0x1p53))
      why = fmt::format("beyond what is read as {}", name(type.dtype));
    if (why.empty()) {
      converted.set(i, value);
      if (!rounds && converted.at(i) != value)
        why = fmt::format("no {}", name(type.dtype));
    }
    if (!why.empty())
      refuse(fmt::format("holds {}, whose {} is {}: {}", contents(path, array.type),
                         place_of(i, input), value, why));
  }
  array.require_unchanged();
  return converted;
}

} // namespace

int64_t row_elements(const InputDecl& input) {
  int64_t elements = 1;
  for (int axis = 0; axis < input.type.shape.rank(); ++axis)
    elements *= axis == input.batch_axis ? 1 : input.type.shape[axis];
  return elements;
}

std::vector<InputDecl> input_declarations(const Model& model) {
  return model.evaluation().step().signature.inputs;
}

Dataset dataset(const Signature& signature, const std::string& folder) {
  std::vector<InputRows> rows;
  std::vector<Note> missing;
  for (size_t i = 0; i < signature.inputs.size(); ++i) {
    const InputDecl& input = signature.inputs[i];
    auto given = std::find_if(signature.data.begin(), signature.data.end(),
                              [&](const Rows& r) { return r.input == i; });
    if (given == signature.data.end()) {
      missing.push_back({fmt::format("{} : {}", input.name, to_string(input.type)),
                         signature.initial.location(input.origin)});
      continue;
    }
    bool elsewhere = !folder.empty() && !given->file.starts_with('/');
    SharedArray array = given->values
                            ? SharedArray(given->values)
                            : fit_file(input, elsewhere ? folder + "/" + given->file : given->file);
    rows.push_back({input.name, std::move(array), input.batch_axis});
  }
  if (!missing.empty()) {
    std::string message =
        fmt::format("model '{}' has no rows for {} of its inputs; give them by m.data({{…}}), in "
                    "a text by a line 'data NAME = …'",
                    signature.name, missing.size());
    throw Error(ErrorCode::data, std::move(message), {}, std::move(missing));
  }
  return Dataset(std::move(rows));
}

Dataset dataset(const Model& model) { return dataset(model.evaluation().step().signature); }

Dataset dataset(std::span<const InputDecl> inputs, const Table& table, std::string_view mapping) {
  std::vector<InputColumns> columns = columns_of(inputs, table.names(), mapping, table.file());
  std::vector<InputRows> rows;
  for (size_t i = 0; i < inputs.size(); ++i)
    rows.push_back({inputs[i].name, take_columns(table, inputs[i], columns[i].columns), 0});
  return Dataset(std::move(rows));
}

std::vector<InputColumnNames> column_names(std::span<const InputDecl> inputs,
                                           std::span<const std::string> columns,
                                           std::string_view mapping, const std::string& file) {
  std::vector<InputColumnNames> names;
  for (const InputColumns& each : columns_of(inputs, columns, mapping, file)) {
    names.push_back({each.input, {}});
    for (int c : each.columns)
      names.back().columns.push_back(columns[static_cast<size_t>(c)]);
  }
  return names;
}

Dataset dataset(const Model& model, const Table& table, std::string_view mapping) {
  return dataset(input_declarations(model), table, mapping);
}

Dataset dataset(std::span<const InputDecl> inputs, const std::vector<InputFile>& files) {
  std::vector<InputRows> rows;
  std::vector<std::string> names;
  const InputFile* first = nullptr; // with rows
  int64_t all = 0;
  for (const InputDecl& input : inputs) {
    names.push_back(input.name);
    auto found = std::find_if(files.begin(), files.end(),
                              [&](const InputFile& f) { return f.input == input.name; });
    if (found == files.end())
      throw Error(ErrorCode::data, fmt::format("no file is given for input {} : {}", input.name,
                                               to_string(input.type)));
    rows.push_back({input.name, fit_file(input, found->path), input.batch_axis});
    if (input.batch_axis < 0)
      continue;
    const int64_t count = rows.back().array.type.shape[input.batch_axis];
    if (first && count != all)
      throw Error(ErrorCode::data,
                  fmt::format("{} holds {} rows for input {}, {} holds {} for input {}",
                              first->path, all, first->input, found->path, count, input.name),
                  {},
                  {{"their rows belong together, one by one: give files of the same rows, or fetch "
                    "both again",
                    {}}});
    first = &*found;
    all = count;
  }
  for (const InputFile& file : files)
    if (std::find(names.begin(), names.end(), file.input) == names.end())
      throw Error(ErrorCode::data, fmt::format("{}: there is no input '{}'{}", file.path,
                                               file.input, did_you_mean(file.input, names)));
  return Dataset(std::move(rows));
}

Dataset dataset(const Model& model, const std::vector<InputFile>& files) {
  return dataset(input_declarations(model), files);
}

std::vector<ClassLabels> labels_for(std::span<const InputColumnNames> columns,
                                    std::span<const InputColumnNames> earlier,
                                    std::span<const ClassLabels> labels) {
  std::vector<ClassLabels> result;
  auto add = [&](ClassLabels added) {
    auto found = std::ranges::find(result, added.column, &ClassLabels::column);
    if (found == result.end())
      result.push_back(std::move(added));
    else if (found->labels.empty())
      found->labels = std::move(added.labels);
    else if (!added.labels.empty() && found->labels != added.labels)
      throw Error(
          ErrorCode::data,
          fmt::format("column '{}' goes to inputs whose classes have other numbers", added.column),
          {}, {{"give each input a column of its own: --columns x=…,y=…", {}}});
  };
  for (const InputColumnNames& each : columns) {
    auto before = std::ranges::find(earlier, each.input, &InputColumnNames::input);
    if (before == earlier.end())
      continue;
    for (size_t i = 0; i < std::min(each.columns.size(), before->columns.size()); ++i) {
      auto found = std::ranges::find(labels, before->columns[i], &ClassLabels::column);
      add({each.columns[i], found == labels.end() ? std::vector<std::string>{} : found->labels});
    }
  }
  return result;
}

TableOptions table_options(std::span<const InputDecl> inputs, std::span<const std::string> columns,
                           std::string_view mapping, TableOptions options) {
  std::vector<char> read(columns.size()), classes(columns.size());
  std::vector<InputColumns> chosen = columns_of(inputs, columns, mapping, "");
  auto add = [](std::string& list, const std::string& name) {
    list += (list.empty() ? "" : ",") + quoted_name(name);
  };
  for (size_t i = 0; i < inputs.size(); ++i) {
    const bool integers = is_integer(inputs[i].type.dtype);
    std::string together;
    for (int c : chosen[i].columns) {
      read[static_cast<size_t>(c)] = true;
      if (integers)
        classes[static_cast<size_t>(c)] = true;
      add(together, columns[static_cast<size_t>(c)]);
    }
    // Its numbers go to one place, such as the table of an Embedding, whatever their column.
    if (integers && chosen[i].columns.size() > 1)
      options.together.push_back(std::move(together));
  }
  if (!options.classes.empty())
    for (int c : select_columns(options.classes, columns))
      classes[static_cast<size_t>(c)] = true;
  options.columns.clear();
  options.classes.clear();
  for (size_t c = 0; c < columns.size(); ++c) {
    if (read[c])
      add(options.columns, columns[c]);
    if (classes[c])
      add(options.classes, columns[c]);
  }
  return options;
}

} // namespace gdjit
