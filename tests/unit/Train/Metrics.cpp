// Metrics against figures worked out by hand, and at their edges.
#include "gdjit/Train/Metrics.h"

#include "gdjit/Support/Error.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace gdjit;

namespace {

Array f64(Shape shape, const std::vector<double>& values) { return {{DType::f64, shape}, values}; }
Array i64(const std::vector<double>& values) {
  return {{DType::i64, {static_cast<int64_t>(values.size())}}, values};
}

TEST(Metrics, a_mean_weighs_batches_by_rows) {
  MeanMetric mean;
  EXPECT_TRUE(std::isnan(mean.value()));
  mean.add(1, 3);
  mean.add(5, 1);
  EXPECT_EQ(mean.value(), 2);
  EXPECT_THROW(mean.add(1, -1), Error);
}

TEST(Metrics, a_confusion_matrix_counts_over_batches) {
  ConfusionMatrix c;
  c.add(f64({3, 1}, {0.9, 0.2, 0.5}), f64({3, 1}, {1, 1, 0})); // 0.5 is not above 0.5
  c.add(f64({2}, {0.8, 0.7}), i64({0, 1}));
  EXPECT_EQ(c.at(1, 1), 2);
  EXPECT_EQ(c.at(1, 0), 1);
  EXPECT_EQ(c.at(0, 1), 1);
  EXPECT_EQ(c.at(0, 0), 1);
  EXPECT_EQ(c.accuracy(), 0.6);
  EXPECT_DOUBLE_EQ(c.precision(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(c.recall(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(c.f1(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(c.f1(0), 0.5);
  EXPECT_DOUBLE_EQ(c.macro_f1(), (2.0 / 3 + 0.5) / 2);
}

TEST(Metrics, scores_take_the_greatest_class_and_the_first_of_equals) {
  ConfusionMatrix c(3);
  c.add(f64({3, 3}, {0, 2, 1, 5, 5, 1, -3, -2, -1}), i64({1, 1, 2}));
  EXPECT_EQ(c.at(1, 1), 1);
  EXPECT_EQ(c.at(1, 0), 1);
  EXPECT_EQ(c.at(2, 2), 1);
  EXPECT_EQ(c.rows(), 3);
}

TEST(Metrics, of_nothing_or_one_class_are_defined_as_stated) {
  ConfusionMatrix c;
  EXPECT_TRUE(std::isnan(c.accuracy()));
  EXPECT_EQ(c.precision(), 0);
  EXPECT_EQ(c.f1(), 0);
  RocAuc auc;
  EXPECT_TRUE(std::isnan(auc.value()));
  auc.add(f64({2}, {0.1, 0.9}), i64({1, 1}));
  EXPECT_TRUE(std::isnan(auc.value())) << "no row of class 0";
  RegressionMetrics r;
  EXPECT_TRUE(std::isnan(r.mean_absolute_error()));
  r.add(f64({2}, {1, 3}), f64({2}, {2, 2}));
  EXPECT_EQ(r.mean_absolute_error(), 1);
  EXPECT_TRUE(std::isnan(r.r2())) << "targets that do not vary";
}

TEST(Metrics, means_over_classes_leave_out_those_that_do_not_occur) {
  ConfusionMatrix c(7);
  EXPECT_TRUE(std::isnan(c.macro_f1()));
  c.add(i64({1, 3, 3}), i64({1, 3, 3}));
  EXPECT_EQ(c.macro_precision(), 1);
  EXPECT_EQ(c.macro_recall(), 1);
  EXPECT_EQ(c.macro_f1(), 1);
  c.add(i64({5}), i64({3})); // taken for a class without rows
  EXPECT_DOUBLE_EQ(c.macro_recall(), (1 + 2.0 / 3 + 0) / 3);
}

TEST(Metrics, rows_of_an_ignored_class_are_left_out) {
  ConfusionMatrix c;
  c.add(i64({1, 0, 1}), i64({1, -1, -100}));
  EXPECT_EQ(c.rows(), 1);
  RocAuc auc;
  auc.add(f64({3}, {0.1, 0.9, NAN}), i64({0, 1, -1}));
  EXPECT_EQ(auc.value(), 1);
}

TEST(Metrics, r2_of_several_numbers_a_row_is_the_mean_of_each) {
  RegressionMetrics r; // the first number is predicted by its mean, the second well
  r.add(f64({3, 2}, {1000, 1, 1000, 2, 1000, 3}), f64({3, 2}, {999, 1, 1000, 2, 1001, 3}));
  EXPECT_EQ(r.r2(), 0.5);
  EXPECT_DOUBLE_EQ(r.mean_squared_error(), 2.0 / 6);
  EXPECT_THROW(r.add(f64({1, 3}, {1, 2, 3}), f64({1, 3}, {1, 2, 3})), Error);
}

TEST(Metrics, roc_auc_counts_ties_as_half) {
  RocAuc auc;
  auc.add(f64({4}, {0.1, 0.4, 0.35, 0.8}), i64({0, 0, 1, 1}));
  EXPECT_EQ(auc.value(), 0.75);
  RocAuc tied;
  tied.add(f64({2}, {0.5, 0.5}), i64({0, 1}));
  EXPECT_EQ(tied.value(), 0.5);
  tied.add(f64({2}, {0.5, 0.7}), i64({0, 1})); // pairs: half, half, 1, 1
  EXPECT_EQ(tied.value(), 0.75);
}

TEST(Metrics, regression_comes_from_the_whole_epoch) {
  RegressionMetrics r;
  r.add(f64({2}, {2.5, 0.0}), f64({2}, {3, -0.5}));
  r.add(f64({2}, {2, 8}), f64({2}, {2, 7}));
  EXPECT_DOUBLE_EQ(r.mean_absolute_error(), 0.5);
  EXPECT_DOUBLE_EQ(r.mean_squared_error(), 0.375);
  EXPECT_NEAR(r.r2(), 0.9486081370449679, 1e-15);
}

TEST(Metrics, refuse_what_is_no_class_and_keep_what_they_had) {
  ConfusionMatrix c(3);
  c.add(i64({1}), i64({1}));
  EXPECT_THROW(c.add(i64({1, 3}), i64({1, 1})), Error);
  EXPECT_THROW(c.add(i64({1, 1}), f64({2}, {1, -1})), Error);
  EXPECT_THROW(c.add(i64({1}), f64({1}, {0.5})), Error);
  EXPECT_THROW(c.add(i64({1, 1}), i64({1})), Error);
  EXPECT_THROW(c.add(f64({1, 3}, {0, NAN, 0}), i64({1})), Error);
  EXPECT_THROW(c.add(f64({1}, {0.7}), i64({1})), Error) << "a probability needs two classes";
  EXPECT_THROW((void)c.recall(3), Error);
  EXPECT_THROW(ConfusionMatrix(1), Error);
  EXPECT_EQ(c.rows(), 1);
  RocAuc auc;
  EXPECT_THROW(auc.add(f64({1}, {0.5}), i64({2})), Error);
  EXPECT_THROW(auc.add(f64({1}, {NAN}), i64({1})), Error);
  EXPECT_THROW(auc.add(f64({2}, {0.5, 1}), i64({1})), Error);
}

} // namespace
