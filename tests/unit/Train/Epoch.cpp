// run_epoch: a pass over a loader is the loop that one would write.
#include "gdjit/gdjit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

using namespace gdjit;

namespace {

void noisy_line(Model& m) {
  Tensor x = m.input("x", {m.batch(), 3}), y = m.input("y", {m.batch()});
  Parameter w = m.parameter("w", uniform({3, 1}, -1, 1)), b = m.parameter("b", zeros({}));
  Tensor h = m.named("h", reshape(matmul(x, w), {m.batch()}) + b);
  m.minimize(mse_loss(h, y + m.normal("noise", {m.batch()})), Adam{.lr = 0.05});
  m.output("h", h);
  m.output("largest", max(h));
}

/// Rows of a plane, the row's number in the first column.
Dataset plane(int64_t rows) {
  Array x({DType::f32, {rows, 3}}), y({DType::f32, {rows}});
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t k = 0; k < 3; ++k)
      x.set(3 * i + k, k == 0 ? static_cast<double>(i) : std::sin(static_cast<double>(i + k)));
    y.set(i, 0.5 * x.at(3 * i) - x.at(3 * i + 1));
  }
  return Dataset({{"x", std::move(x)}, {"y", std::move(y)}});
}

void expect_equal(const State& a, const State& b) {
  EXPECT_EQ(a.step(), b.step());
  for (int i = 0; i < a.size(); ++i)
    for (int64_t k = 0; k < a.view(i).elements(); ++k)
      EXPECT_EQ(a.view(i).at(k), b.view(i).at(k)) << a.view(i).name;
}

TEST(Epoch, is_the_loop_over_its_batches) {
  Model m(noisy_line, {.batch = 4});
  State called = initial_state(m), looped = initial_state(m);
  StepFunction call = compile(m.training(), called), loop = compile(m.training(), looped);
  const LoaderOptions options{.batch = 4, .shuffle_seed = 3}; // four batches, the last of 2 rows
  Loader ours(plane(14), options), theirs(plane(14), options);
  for (int epoch = 0; epoch < 3; ++epoch) {
    EpochMeans means = run_epoch(call, ours, {.lr = 0.1});
    MeanMetric loss, largest;
    for (const Batch& batch : theirs) {
      loss.add(loop(batch, {.lr = 0.1}), batch.rows());
      largest.add(loop.output("largest").at(0), batch.rows());
    }
    EXPECT_EQ(means.loss, loss.value());
    EXPECT_EQ(means.mean("loss"), loss.value());
    EXPECT_EQ(means.mean("largest"), largest.value());
    EXPECT_EQ(means.outputs.size(), 2u) << "h is no single number";
    EXPECT_EQ(means.batches, 4);
    EXPECT_EQ(means.rows, 14);
    expect_equal(called, looped);
  }
  EXPECT_EQ(called.step(), 12);
}

TEST(Epoch, ends_one_that_was_begun) {
  Model m(noisy_line, {.batch = 4});
  State s = initial_state(m);
  StepFunction train = compile(m.training(), s);
  Loader loader(plane(14), {.batch = 4, .shuffle_seed = 3});
  for (const Batch& batch : loader) {
    train(batch);
    if (batch.index() == 1)
      break;
  }
  EpochMeans rest = run_epoch(train, loader);
  EXPECT_EQ(rest.batches, 2);
  EXPECT_EQ(rest.rows, 6);
  EXPECT_EQ(loader.position().epoch, 1);
}

TEST(Epoch, of_a_step_without_loss) {
  Model m([](Model& m) { m.output("sum", sum(m.input("x", {m.batch(), 3}))); }, {.batch = 7});
  State s = initial_state(m);
  StepFunction step = compile(m.prediction(), s);
  Loader loader(plane(14), {.batch = 7});
  EpochMeans means = run_epoch(step, loader);
  EXPECT_TRUE(std::isnan(means.loss));
  EXPECT_GT(means.mean("sum"), 0);
  try {
    means.mean("total");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_STREQ(error.what(), "error: no mean of 'total'; outputs that are single numbers: sum");
  }
}

TEST(Epoch, stops_behind_the_batch_that_failed) {
  Model m(
      [](Model& m) {
        Tensor row = m.input("row", {m.batch()}, DType::i64);
        m.output("picked", sum(gather(m.constant({1.0, 2.0, 3.0}), row)));
      },
      {.batch = 1});
  State s = initial_state(m);
  StepFunction step = compile(m.prediction(), s);
  Loader loader(Dataset({{"row", Array({DType::i64, {4}}, {0, 1, 7, 2})}}), {.batch = 1});
  try {
    run_epoch(step, loader);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    EXPECT_THAT(error.what(), testing::HasSubstr("index out of range"));
  }
  EXPECT_EQ(loader.position().batch, 3);
  EXPECT_EQ(run_epoch(step, loader).mean("picked"), 3);
}

} // namespace
