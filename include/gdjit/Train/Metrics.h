// Metrics of an epoch as plain C++ over arrays. Each is filled batch by batch with add and then
// asked: means weigh batches by rows; what is no mean (F1, ROC AUC, R^2) comes from the whole
// epoch's predictions. A figure that nothing defines is NaN, and said so.
#pragma once

#include "gdjit/Runtime/TensorView.h"

#include <cstdint>
#include <vector>

namespace gdjit {

/// A mean of batch means, weighted by rows: an epoch's loss.
class MeanMetric {
public:
  /// The mean over `rows` rows. Error(usage) for a negative number of rows.
  void add(double mean, int64_t rows);
  /// NaN without rows.
  double value() const;
  int64_t rows() const { return rows_; }

private:
  double sum_ = 0;
  int64_t rows_ = 0;
};

/// How often each class was taken for each.
class ConfusionMatrix {
public:
  /// At least 2 classes; a probability above `threshold` means class 1 where there are two.
  explicit ConfusionMatrix(int classes = 2, double threshold = 0.5);

  /// Targets are class numbers (integers, bools, or floats that are whole). Predictions are class
  /// numbers of as many elements (integers, bools), scores [.., classes] of floats, of which the
  /// greatest counts (the first where several are), or, of two classes, as many floats as targets:
  /// probabilities of class 1. Rows with an integer target below 0, as an ignored index is, are
  /// left out. Error(data) for other shapes, for a number that is no class, for NaN.
  void add(const TensorView& predictions, const TensorView& targets);
  void add(const Array& predictions, const Array& targets);

  int classes() const { return classes_; }
  /// More classes from now on, where their number shows only as predictions come; fewer change
  /// nothing.
  void grow(int classes);
  /// How many rows of class `actual` were taken for `predicted`.
  int64_t at(int actual, int predicted) const;
  int64_t rows() const;

  /// The share of rows taken for what they are; NaN without rows.
  double accuracy() const;
  /// Of the rows taken for the class, the share that is: tp / (tp + fp); 0 where none was.
  double precision(int of_class = 1) const;
  /// Of the class's rows, the share taken for it: tp / (tp + fn); 0 where there are none.
  double recall(int of_class = 1) const;
  /// 2 tp / (2 tp + fp + fn), the harmonic mean of both; 0 where that is 0 / 0.
  double f1(int of_class = 1) const;
  /// Means over the classes that occur, as rows or as predictions; NaN without rows.
  double macro_precision() const;
  double macro_recall() const;
  double macro_f1() const;

private:
  double mean_over_classes(double (ConfusionMatrix::*figure)(int) const) const;
  void check_class(int of_class) const;
  size_t place(int actual, int predicted) const;
  int64_t row_sum(int actual) const;
  int64_t column_sum(int predicted) const;

  int classes_;
  double threshold_;
  std::vector<int64_t> counts_; ///< [actual, predicted]
};

/// The area under the receiver's operating characteristic: the probability that a row of class 1
/// has a greater score than one of class 0, equal scores counting half (Mann, Whitney 1947).
class RocAuc {
public:
  /// Scores of any float type and targets 0 or 1, as many; those with an integer target below 0
  /// are left out. Error(data) otherwise, and for NaN.
  void add(const TensorView& scores, const TensorView& targets);
  void add(const Array& scores, const Array& targets);
  /// NaN where one of the classes is missing.
  double value() const;

private:
  struct Row {
    double score;
    bool positive;
  };
  std::vector<Row> rows_;
};

/// Errors of real predictions.
class RegressionMetrics {
public:
  /// As many elements, along axis 0 the rows. Error(data) otherwise, and where a row has more or
  /// fewer numbers than those before.
  void add(const TensorView& predictions, const TensorView& targets);
  void add(const Array& predictions, const Array& targets);
  /// mean |prediction - target| and mean (prediction - target)^2; NaN without elements.
  double mean_absolute_error() const;
  double mean_squared_error() const;
  /// 1 - sum (target - prediction)^2 / sum (target - mean target)^2; of several numbers a row the
  /// mean of each one's, those left out whose targets do not vary; NaN where none does.
  double r2() const;

private:
  /// One of a row's numbers.
  struct Column {
    double squared = 0;
    double mean = 0, deviation = 0; ///< of the targets, by Welford's recurrence
  };

  int64_t rows_ = 0;
  double absolute_ = 0;
  std::vector<Column> columns_;
};

} // namespace gdjit
