// Where the rows of a command come from: the model itself, a table, a file of an array for each
// input, or a folder of digits.
#pragma once

#include "Subject.h"

#include "gdjit/Data/Checkpoint.h"

#include <optional>

namespace gdjit::tool {

/// The options by which rows are named, and how their text is to be read.
struct DataArguments {
  std::vector<std::string> files; ///< one table or folder, or INPUT=FILE for each input
  std::string columns;
  std::string classes;
  std::string delimiter, comment, header;

  void add_to(CLI::App& command);
  bool given() const { return !files.empty(); }
  /// Error(usage) for what is no delimiter.
  TableOptions table_options() const;
};

/// Rows, and what is to be known of the table that they came from.
struct FoundRows {
  Dataset rows;
  std::optional<Dataset> test = {}; ///< where a folder has rows for testing of its own
  std::vector<ClassLabels> labels = {};
  std::vector<InputColumnNames> columns = {};
};

/// Rows for these inputs. `inputs` are all of the model where a table without --columns is to hold
/// columns for more than `wanted`: of a file that a run was trained on, prediction takes what it
/// needs. `known` gives the columns and the numbers of labels of an earlier run: Error(data) for a
/// table that has some of their names and lacks others.
FoundRows read_rows(const DataArguments& arguments, std::span<const InputDecl> wanted,
                    std::span<const InputDecl> inputs, const Checkpoint* known, Tool& tool);

/// The rows that a step carries, for a command that takes --data: Error(data) for inputs without
/// rows says so, too.
Dataset carried_rows(const Signature& signature, const Subject& subject);

/// A line on standard error where the checkpoint in `path` is of a run over rows with another
/// checksum: parts and order are then those of other rows.
void warn_of_other_rows(const Checkpoint& run, int64_t checksum, const std::string& path);

/// The error of a step whose index is out of range, with what the integer inputs hold; others as
/// they are.
Error with_ranges(const Error& error, const Dataset& rows);

/// The labels of the classes of this input, empty where it has none, or its columns differ in them.
std::vector<std::string> labels_of(const std::vector<InputColumnNames>& columns,
                                   const std::vector<ClassLabels>& labels,
                                   const std::string& input);

/// True where an input has a row per example.
bool scales_with_rows(const Signature& signature);

/// The rows that the model shows predictions for, without their targets.
Dataset example_rows(const Subject& subject, const Signature& prediction);

/// The first rows, as many as the step takes at once, in the order of its inputs; where there are
/// not as many, the same ones over again.
std::vector<Array> first_batch(const Signature& signature, const Dataset& rows);

/// Rows to time and to check a step by: those that it carries, or where it carries none random
/// ones, of which a line on standard error tells.
Dataset some_rows(const Subject& subject, const Work& work, uint64_t seed);

} // namespace gdjit::tool
