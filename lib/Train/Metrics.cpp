// Metrics by the formulas in their header.
#include "gdjit/Train/Metrics.h"

#include "gdjit/Support/Error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace gdjit {

namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

[[noreturn]] void fail(std::string message) { throw Error(ErrorCode::data, std::move(message)); }

void check_equal_size(const char* what, const TensorView& a, const TensorView& b) {
  if (a.elements() != b.elements())
    fail(fmt::format("{}: predictions {} and targets {} differ in size", what, to_string(a.type),
                     to_string(b.type)));
}

bool is_ignored(const TensorView& targets, int64_t i) {
  return is_integer(targets.type.dtype) && targets.at(i) < 0;
}

/// Element i as a class number below `classes`.
int class_at(const char* role, const TensorView& numbers, int64_t i, int classes) {
  double number = numbers.at(i);
  if (!(number >= 0 && number < classes) || number != std::floor(number))
    fail(fmt::format("ConfusionMatrix: {} {} is {}, not a class number below {}", role, i, number,
                     classes));
  return static_cast<int>(number);
}

} // namespace

void MeanMetric::add(double mean, int64_t rows) {
  if (rows < 0)
    throw Error(ErrorCode::usage, fmt::format("MeanMetric: {} rows", rows));
  if (rows > 0)
    sum_ += mean * static_cast<double>(rows);
  rows_ += rows;
}

double MeanMetric::value() const {
  return rows_ == 0 ? undefined : sum_ / static_cast<double>(rows_);
}

ConfusionMatrix::ConfusionMatrix(int classes, double threshold)
    : classes_(classes), threshold_(threshold) {
  if (classes < 2)
    throw Error(ErrorCode::usage, fmt::format("ConfusionMatrix: {} classes, at least 2", classes));
  counts_.assign(static_cast<size_t>(classes) * static_cast<size_t>(classes), 0);
}

void ConfusionMatrix::add(const Array& predictions, const Array& targets) {
  add(TensorView("predictions", predictions), TensorView("targets", targets));
}

void ConfusionMatrix::add(const TensorView& predictions, const TensorView& targets) {
  bool real = is_float(predictions.type.dtype);
  bool scores = real && predictions.type.shape.rank() > 0 &&
                predictions.type.shape[predictions.type.shape.rank() - 1] == classes_ &&
                predictions.elements() == targets.elements() * classes_;
  if (!scores && (predictions.elements() != targets.elements() || (real && classes_ != 2)))
    fail(fmt::format("ConfusionMatrix: predictions {} do not fit targets {} of {} classes",
                     to_string(predictions.type), to_string(targets.type), classes_));
  auto score = [&](int64_t i) {
    double s = predictions.at(i);
    if (std::isnan(s))
      fail(fmt::format("ConfusionMatrix: prediction {} is NaN", i));
    return s;
  };
  // Counted aside, so that a batch that is refused leaves nothing behind.
  std::vector<int64_t> counts = counts_;
  for (int64_t i = 0; i < targets.elements(); ++i) {
    if (is_ignored(targets, i))
      continue;
    int actual = class_at("target", targets, i, classes_), predicted = 0;
    if (scores) {
      for (int c = 0; c < classes_; ++c)
        if (score(i * classes_ + c) > score(i * classes_ + predicted))
          predicted = c;
    } else {
      predicted = real ? score(i) > threshold_ : class_at("prediction", predictions, i, classes_);
    }
    ++counts[place(actual, predicted)];
  }
  counts_ = std::move(counts);
}

void ConfusionMatrix::grow(int classes) {
  if (classes <= classes_)
    return;
  ConfusionMatrix larger(classes, threshold_);
  for (int actual = 0; actual < classes_; ++actual)
    for (int predicted = 0; predicted < classes_; ++predicted)
      larger.counts_[larger.place(actual, predicted)] = at(actual, predicted);
  *this = std::move(larger);
}

void ConfusionMatrix::check_class(int c) const {
  if (c < 0 || c >= classes_)
    throw Error(ErrorCode::usage, fmt::format("ConfusionMatrix: class {} of {}", c, classes_));
}

size_t ConfusionMatrix::place(int actual, int predicted) const {
  return static_cast<size_t>(actual) * static_cast<size_t>(classes_) +
         static_cast<size_t>(predicted);
}

int64_t ConfusionMatrix::at(int actual, int predicted) const {
  check_class(actual);
  check_class(predicted);
  return counts_[place(actual, predicted)];
}

int64_t ConfusionMatrix::row_sum(int actual) const {
  int64_t sum = 0;
  for (int c = 0; c < classes_; ++c)
    sum += at(actual, c);
  return sum;
}

int64_t ConfusionMatrix::column_sum(int predicted) const {
  int64_t sum = 0;
  for (int c = 0; c < classes_; ++c)
    sum += at(c, predicted);
  return sum;
}

int64_t ConfusionMatrix::rows() const {
  int64_t sum = 0;
  for (int64_t count : counts_)
    sum += count;
  return sum;
}

namespace {

/// part / whole, `empty` where whole is 0.
double share(int64_t part, int64_t whole, double empty) {
  return whole == 0 ? empty : static_cast<double>(part) / static_cast<double>(whole);
}

} // namespace

double ConfusionMatrix::accuracy() const {
  int64_t right = 0;
  for (int c = 0; c < classes_; ++c)
    right += at(c, c);
  return share(right, rows(), undefined);
}

double ConfusionMatrix::precision(int c) const { return share(at(c, c), column_sum(c), 0); }
double ConfusionMatrix::recall(int c) const { return share(at(c, c), row_sum(c), 0); }
double ConfusionMatrix::f1(int c) const {
  return share(2 * at(c, c), row_sum(c) + column_sum(c), 0);
}

double ConfusionMatrix::macro_precision() const {
  return mean_over_classes(&ConfusionMatrix::precision);
}
double ConfusionMatrix::macro_recall() const { return mean_over_classes(&ConfusionMatrix::recall); }
double ConfusionMatrix::macro_f1() const { return mean_over_classes(&ConfusionMatrix::f1); }

double ConfusionMatrix::mean_over_classes(double (ConfusionMatrix::*figure)(int) const) const {
  double sum = 0;
  int occurring = 0;
  for (int c = 0; c < classes_; ++c)
    if (row_sum(c) + column_sum(c) > 0) {
      sum += (this->*figure)(c);
      ++occurring;
    }
  return occurring == 0 ? undefined : sum / occurring;
}

void RocAuc::add(const Array& scores, const Array& targets) {
  add(TensorView("scores", scores), TensorView("targets", targets));
}

void RocAuc::add(const TensorView& scores, const TensorView& targets) {
  check_equal_size("RocAuc", scores, targets);
  std::vector<Row> added;
  for (int64_t i = 0; i < targets.elements(); ++i) {
    double score = scores.at(i), target = targets.at(i);
    if (is_ignored(targets, i))
      continue;
    if (std::isnan(score))
      fail(fmt::format("RocAuc: score {} is NaN", i));
    if (target != 0 && target != 1)
      fail(fmt::format("RocAuc: target {} is {}, not 0 or 1", i, target));
    added.push_back({score, target == 1});
  }
  rows_.insert(rows_.end(), added.begin(), added.end());
}

double RocAuc::value() const {
  std::vector<Row> sorted = rows_;
  std::sort(sorted.begin(), sorted.end(),
            [](const Row& a, const Row& b) { return a.score < b.score; });
  // Pairs, counted twice so that a tie's half is whole.
  double pairs = 0, negatives = 0, positives = 0;
  for (size_t i = 0; i < sorted.size();) {
    double tied_negatives = 0, tied_positives = 0;
    double score = sorted[i].score;
    for (; i < sorted.size() && sorted[i].score == score; ++i)
      ++(sorted[i].positive ? tied_positives : tied_negatives);
    pairs += tied_positives * (2 * negatives + tied_negatives);
    negatives += tied_negatives;
    positives += tied_positives;
  }
  return negatives == 0 || positives == 0 ? undefined : pairs / (2 * negatives * positives);
}

void RegressionMetrics::add(const Array& predictions, const Array& targets) {
  add(TensorView("predictions", predictions), TensorView("targets", targets));
}

void RegressionMetrics::add(const TensorView& predictions, const TensorView& targets) {
  check_equal_size("RegressionMetrics", predictions, targets);
  const Shape& shape = targets.type.shape;
  if (targets.elements() == 0)
    return;
  const auto width = static_cast<size_t>(shape.rank() < 2 ? 1 : targets.elements() / shape[0]);
  if (rows_ > 0 && width != columns_.size())
    fail(fmt::format("RegressionMetrics: targets {} have {} numbers a row, those before {}",
                     to_string(targets.type), width, columns_.size()));
  columns_.resize(width);
  for (int64_t i = 0; i < targets.elements();) {
    ++rows_;
    for (Column& c : columns_) {
      double target = targets.at(i), error = predictions.at(i) - target;
      absolute_ += std::abs(error);
      c.squared += error * error;
      double from_mean = target - c.mean;
      c.mean += from_mean / static_cast<double>(rows_);
      c.deviation += from_mean * (target - c.mean);
      ++i;
    }
  }
}

double RegressionMetrics::mean_absolute_error() const {
  return absolute_ / (static_cast<double>(rows_) * static_cast<double>(columns_.size())); // 0 / 0
}

double RegressionMetrics::mean_squared_error() const {
  double sum = 0;
  for (const Column& c : columns_)
    sum += c.squared;
  return sum / (static_cast<double>(rows_) * static_cast<double>(columns_.size()));
}

double RegressionMetrics::r2() const {
  double sum = 0;
  int varying = 0;
  for (const Column& c : columns_)
    if (c.deviation > 0) {
      sum += 1 - c.squared / c.deviation;
      ++varying;
    }
  return varying == 0 ? undefined : sum / varying;
}

} // namespace gdjit
