// Dataset: rows for the inputs of a model, by the name of the input, along the batch axis.
//
//   Dataset rows({{"x", x}, {"y", y}});          // arrays in memory
//   Dataset rows = dataset(model);               // m.data
//   Dataset rows = dataset(model, read_table("scores.csv"), "x=quiz1:quiz3,y=final");
//   Dataset rows = dataset(model, {{"x", "x.npy"}, {"y", "y.npy"}});
#pragma once

#include "gdjit/Data/Columns.h"
#include "gdjit/Data/Table.h"
#include "gdjit/Frontend/Model.h"
#include "gdjit/IO/SharedArray.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gdjit {

/// One input's values: its rows, or all of it where it has no batch.
struct InputRows {
  std::string name;
  SharedArray array;
  int batch_axis = 0; ///< -1 for none
};

/// Copying shares the elements.
class Dataset {
public:
  Dataset() = default;
  /// Error(data) where inputs differ in rows, have no row or no batch axis, or share a name.
  explicit Dataset(std::vector<InputRows> inputs);

  /// 1 where no input has a batch.
  int64_t rows() const { return rows_; }
  const std::vector<InputRows>& inputs() const { return inputs_; }
  /// Error(usage) that lists the names where there is none.
  const InputRows& input(std::string_view name) const;
  /// All rows, for a call: train(rows.views()). They live as long as the Dataset.
  std::vector<TensorView> views() const;
  /// Rows [begin, end) without a copy; every batch must be the first axis, as below.
  Dataset slice(int64_t begin, int64_t end) const;
  /// A copy of these rows, in this order.
  Dataset select(std::span<const int64_t> rows) const;
  /// Error(data) where a file that an input is mapped from was written since it was opened.
  /// Whatever copies rows looks here when it is done, a Loader at the end of each epoch.
  void require_unchanged() const;
  /// Of names, types and elements of all inputs: two data sets that differ have another one, but
  /// for one in 2^32.
  uint32_t checksum() const;
  /// With the values of one input replaced.
  Dataset with(std::string_view name, SharedArray array) const;

private:
  void require_leading_batch() const;

  std::vector<InputRows> inputs_;
  int64_t rows_ = 1;
};

/// A file for an input.
struct InputFile {
  std::string input;
  std::string path;
};

/// What the rows of a model's steps must give: InputDecl of the evaluation step. Prediction needs
/// fewer: take the signature of its step.
std::vector<InputDecl> input_declarations(const Model& model);

/// Numbers that a row of the input takes.
int64_t row_elements(const InputDecl& input);

/// The rows of m.data; Error(data) that names each input without rows.
Dataset dataset(const Model& model);
/// The rows that the signature of a step carries: values, or .npy files, whose names are relative
/// to `folder`. Error(data) as above.
Dataset dataset(const Signature& signature, const std::string& folder = "");

/// Columns go to the inputs in the order of declaration, each as many as its extents after the
/// batch multiply to, unless `mapping` says which (Data/Columns.h). Error(data) that lists both
/// sides where they do not fit, and for a number that the input's type does not hold (with row,
/// line and column): a fraction for an integer, neither 0 nor 1 for a bool, beyond the greatest
/// f32.
Dataset dataset(const Model& model, const Table& table, std::string_view mapping = "");
Dataset dataset(std::span<const InputDecl> inputs, const Table& table,
                std::string_view mapping = "");

/// The columns that each input takes of a table with these columns: as the mapping says, else in
/// the order of declaration. Errors as above; `file` stands before their messages.
std::vector<InputColumnNames> column_names(std::span<const InputDecl> inputs,
                                           std::span<const std::string> columns,
                                           std::string_view mapping = "",
                                           const std::string& file = "");

/// Each input from its own .npy or IDX file, rows along the batch axis; rows may have another shape
/// of as many elements where the batch axis is the first. Of the input's type, of one that converts
/// exactly (i32 to i64 or f64, f32 to f64 …), or integers that are all floats of the input's type.
/// Error(data) as above.
Dataset dataset(const Model& model, const std::vector<InputFile>& files);
Dataset dataset(std::span<const InputDecl> inputs, const std::vector<InputFile>& files);

/// The labels of an earlier run, which took the columns `earlier`, for TableOptions::labels of a
/// table of which `columns` are taken: they stay with the input and the place of a column in it,
/// whatever its name. Columns without labels there have an empty list. Error(data) where one column
/// goes to inputs whose labels differ.
std::vector<ClassLabels> labels_for(std::span<const InputColumnNames> columns,
                                    std::span<const InputColumnNames> earlier,
                                    std::span<const ClassLabels> labels);

/// Options for read_table so that it reads only what these inputs take, with text in the columns of
/// integer inputs as class labels, numbered together in all columns of one input.
TableOptions table_options(std::span<const InputDecl> inputs, std::span<const std::string> columns,
                           std::string_view mapping = "", TableOptions options = {});

} // namespace gdjit
