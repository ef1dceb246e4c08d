// The outputs of predicted rows, gathered from batches, in the forms that people and programs read.
#pragma once

#include "Evaluate.h"
#include "Figures.h"

namespace gdjit::tool {

class Predictions {
public:
  /// For `rows` rows of these outputs. `labels` name the classes of each output, none where it is
  /// not a class number.
  Predictions(const Signature& signature, int64_t rows,
              const std::vector<std::vector<std::string>>& labels);

  void add(const SeenBatch& batch);

  /// Columns under their names, a row a line; what has no row per example stands before them.
  std::string table() const;
  std::string csv() const;
  Json json() const;
  /// The one output that there is; Error(usage) that lists them where there are several.
  const Array& only() const;

private:
  struct Output {
    std::string name;
    Array values;
    bool per_row;
    std::vector<std::string> labels; ///< of class numbers, shown by them
  };
  struct Column {
    std::string name;
    const Output* output;
    int64_t element; ///< of a row
  };

  std::vector<Column> columns() const;
  std::string cell(const Column& column, int64_t row, bool plain) const;

  int64_t rows_;
  int64_t seen_ = 0;
  std::vector<Output> outputs_;
};

} // namespace gdjit::tool
