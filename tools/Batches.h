// The rows of a model, in order, as the batches that a step is called with.
#pragma once

#include "gdjit/IR/Step.h"
#include "gdjit/Runtime/TensorView.h"

#include <map>
#include <string>
#include <vector>

namespace gdjit::tool {

/// Rows by the name of the input. Arrays are shared with the model, not copied.
using RowSet = std::map<std::string, std::shared_ptr<const Array>>;

/// Rows that stand in a file are read from `folder`; Error(data) where they do not fit the input.
RowSet row_set(const Signature& signature, const std::vector<Rows>& rows,
               const std::string& folder);

class Batches {
public:
  /// Cuts the rows of `signature`'s inputs into batches of signature.batch, the last one shorter;
  /// all at once where the step has no batch. Error(data) naming every input without rows, or where
  /// numbers of rows differ.
  Batches(const Signature& signature, const RowSet& rows);

  int64_t rows() const { return rows_; }
  int64_t count() const { return count_; }
  /// Rows of batch i: what the step is compiled for. 0 where it has no batch.
  int64_t size(int64_t i) const;
  /// The inputs of batch i, by name, without a copy.
  std::vector<TensorView> views(int64_t i) const;
  /// The same in the order of the signature, copied.
  std::vector<Array> arrays(int64_t i) const;

private:
  const Signature& signature_;
  std::vector<std::shared_ptr<const Array>> data_; ///< per input
  int64_t rows_ = 1;
  int64_t batch_ = 0;
  int64_t count_ = 1;
};

} // namespace gdjit::tool
