// run_epoch: a pass over a loader is the loop that one would write, in native code or not.
#include "gdjit/JIT/Executable.h"
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
    EXPECT_TRUE(same_bits(a.view(i).copy(), b.view(i).copy())) << a.view(i).name;
}

/// The means of an epoch as the loop over its batches gives them, in the order of the outputs.
std::vector<double> looped_means(StepFunction& step, Loader& loader, const Scalars& scalars) {
  std::vector<MeanMetric> means(static_cast<size_t>(step.outputs()));
  std::vector<double> values;
  for (const Batch& batch : loader) {
    step(batch, scalars);
    for (int i = 0; i < step.outputs(); ++i)
      if (step.output(i).type.shape.rank() == 0)
        means[static_cast<size_t>(i)].add(step.output(i).at(0), batch.rows());
  }
  for (const MeanMetric& mean : means)
    if (mean.rows() > 0)
      values.push_back(mean.value());
  return values;
}

/// Three epochs by run_epoch and by the loop: bits of means, outputs and State, and where the
/// loaders stand. `natively`: what the step is expected to be.
void expect_loop(void (*function)(Model&), const Dataset& rows, const LoaderOptions& options,
                 bool natively = true, const CompileOptions& how = {},
                 const Scalars& scalars = {.lr = 0.1}) {
  SCOPED_TRACE(testing::Message() << "batches of " << options.batch.value << ", shuffled "
                                  << options.shuffle_seed.given);
  Model m(function, {.batch = options.batch});
  State called = initial_state(m), looped = initial_state(m);
  StepFunction call = compile(m.training(), called, how), loop = compile(m.training(), looped, how);
  EXPECT_EQ(call.executable().passes_over_rows(), natively);
  Loader ours(rows, options), theirs(rows, options);
  for (int epoch = 0; epoch < 3; ++epoch) {
    const EpochMeans means = run_epoch(call, ours, scalars);
    const std::vector<double> expected = looped_means(loop, theirs, scalars);
    ASSERT_EQ(means.outputs.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i)
      EXPECT_EQ(means.outputs[i].mean, expected[i]) << means.outputs[i].name;
    for (int i = 0; i < call.outputs(); ++i)
      EXPECT_TRUE(same_bits(call.output(i).copy(), loop.output(i).copy())) << call.output(i).name;
    EXPECT_EQ(means.batches, ours.batches());
    EXPECT_EQ(ours.position(), theirs.position());
    expect_equal(called, looped);
  }
}

TEST(Epoch, is_the_loop_over_its_batches) {
  for (int batch : {1, 2, 4, 7, 14}) // in three cases the last batch has fewer rows, or is alone
    for (ShuffleSeed seed : {ShuffleSeed(), ShuffleSeed(3)}) {
      expect_loop(noisy_line, plane(15), {.batch = batch, .shuffle_seed = seed});
      expect_loop(noisy_line, plane(15), {.batch = batch, .shuffle_seed = seed, .drop_last = true});
    }
  Model m(noisy_line, {.batch = 4});
  State s = initial_state(m);
  StepFunction train = compile(m.training(), s);
  Loader loader(plane(14), {.batch = 4, .shuffle_seed = 3}); // four batches, the last of 2 rows
  const EpochMeans means = run_epoch(train, loader, {.lr = 0.1});
  EXPECT_EQ(means.outputs.size(), 2u) << "h is no single number";
  EXPECT_EQ(means.mean("loss"), means.loss);
  EXPECT_EQ(means.batches, 4);
  EXPECT_EQ(means.rows, 14);
  EXPECT_EQ(s.step(), 4);
}

/// Classes of rows of f64, with an input that has no batch, and numbers of every type.
void classes(Model& m) {
  Tensor x = m.input("x", {m.batch(), 3}, DType::f64),
         label = m.input("label", {m.batch()}, DType::i32);
  Tensor scale = m.input("scale", {3}, DType::f64);
  Parameter w = m.parameter("w", zeros({3, 4}), DType::f64);
  Tensor logits = matmul(x * scale, w);
  m.minimize(cross_entropy(logits, label), SGD{.lr = 0.1, .momentum = 0.9});
  m.output("largest", max(logits));
  m.output("label", sum(label));
  m.output("labels", sum(cast(label, DType::i64)));
  m.output("any", max(logits) > 1.0);
  m.output("single", cast(max(logits), DType::f32));
}

Dataset class_rows(int64_t rows, int64_t wrong = -1) {
  Array x({DType::f64, {rows, 3}}), label({DType::i32, {rows}});
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t k = 0; k < 3; ++k)
      x.set(3 * i + k, std::sin(static_cast<double>(5 * i + k)));
    label.set(i, i == wrong ? 4 : static_cast<double>(i * i % 4));
  }
  return Dataset({{"label", std::move(label)},
                  {"unused", Array({DType::f32, {rows, 2}})},
                  {"x", std::move(x)},
                  {"scale", Array({DType::f64, {3}}, {1, 2, 3}), -1}});
}

TEST(Epoch, takes_inputs_of_every_kind) {
  for (int batch : {1, 8, 9})
    for (ShuffleSeed seed : {ShuffleSeed(), ShuffleSeed(0)})
      expect_loop(classes, class_rows(33), {.batch = batch, .shuffle_seed = seed});
}

TEST(Epoch, takes_data_beyond_the_pages_of_memory_that_a_step_has) {
  for (ShuffleSeed seed : {ShuffleSeed(), ShuffleSeed(0)})
    expect_loop(classes, class_rows(20001), {.batch = 500, .shuffle_seed = seed});
}

TEST(Epoch, of_a_step_that_reads_no_row) {
  expect_loop(
      [](Model& m) {
        m.input("x", {m.batch(), 3});
        Parameter w = m.parameter("w", uniform({4}, -1, 1));
        m.output("sum", sum(w));
        m.update(w, w * 1.5);
      },
      plane(15), {.batch = 4, .shuffle_seed = 1}, true, {}, {});
}

/// Steps that native code does not repeat, and those whose scalars do not count up with it.
TEST(Epoch, is_the_loop_where_only_calls_can_do_it) {
  const LoaderOptions options{.batch = 4, .shuffle_seed = 1};
  expect_loop(noisy_line, plane(15), options, true, {}, {.named = {{"step", 5}}});
  expect_loop(noisy_line, plane(15), options, true, {.check_nan = true});
  expect_loop(noisy_line, plane(15), {.batch = 4, .shuffle_seed = 1, .prefetch = Prefetch::always});
  MachineTable machine = machine_table("native");
  machine.least_shared = 1;
  expect_loop(
      [](Model& m) {
        Tensor h = tanh(Linear(m, "a", 3, 64)(m.input("x", {m.batch(), 3})));
        Tensor p = reshape(Linear(m, "b", 64, 1)(tanh(Linear(m, "c", 64, 64)(h))), {m.batch()});
        m.minimize(mse_loss(p, m.input("y", {m.batch()})), SGD{.lr = 0.1});
      },
      plane(130), {.batch = 64, .shuffle_seed = 1}, false, {.threads = 2, .machine = &machine});
}

/// The rows are those of a State that the step writes: each batch is copied when its turn comes.
TEST(Epoch, reads_what_the_step_has_written) {
  auto epoch = [](bool call) {
    Model m(
        [](Model& m) {
          Tensor x = m.input("x", {m.batch(), 2});
          Parameter w = m.parameter("w", uniform({6, 2}, -1, 1));
          m.update(w, w + sum(x));
          m.output("sum", sum(x));
        },
        {.batch = 2});
    State s = initial_state(m);
    StepFunction step = compile(m.training(), s);
    const TensorView w = s.view("w");
    Loader loader(Dataset({{"x", SharedArray(w.type, w.data, nullptr)}}),
                  {.batch = 2, .shuffle_seed = 2});
    return call ? run_epoch(step, loader).mean("sum") : looped_means(step, loader, {})[0];
  };
  EXPECT_EQ(epoch(true), epoch(false));
}

/// What an error says, and what it leaves behind.
TEST(Epoch, fails_as_the_loop_does) {
  const LoaderOptions options{.batch = 4, .shuffle_seed = 1};
  struct Case {
    Dataset rows;
    Scalars scalars;
    const char* message;
  };
  const Array x({DType::f64, {33, 3}});
  for (const Case& c :
       {Case{class_rows(33, 17), {}, "index out of range"},
        Case{class_rows(33, 0), {}, "index out of range"},
        Case{Dataset({{"x", x}}), {}, "needs input label"},
        Case{class_rows(33).with("x", Array({DType::f32, {33, 3}})), {}, "input x is f32[4,3]"},
        Case{class_rows(33), {.lr = -1}, "learning rate lr is -1"}}) {
    Model m(classes, {.batch = 4});
    State called = initial_state(m), looped = initial_state(m);
    StepFunction call = compile(m.training(), called), loop = compile(m.training(), looped);
    Loader ours(c.rows, options), theirs(c.rows, options);
    std::string message, expected;
    try {
      run_epoch(call, ours, c.scalars);
    } catch (const Error& error) {
      message = error.what();
    }
    try {
      looped_means(loop, theirs, c.scalars);
    } catch (const Error& error) {
      expected = error.what();
    }
    EXPECT_THAT(message, testing::HasSubstr(c.message));
    EXPECT_EQ(message, expected);
    EXPECT_EQ(ours.position(), theirs.position());
    expect_equal(called, looped);
  }
}

TEST(Epoch, runs_in_native_code) {
  Model m(noisy_line, {.batch = 4});
  State s = initial_state(m);
  StepFunction train = compile(m.training(), s);
  Loader loader(plane(14), {.batch = 4, .shuffle_seed = 3});
  RowPass pass = loader.pass();
  std::vector<double> sums(2);
  train.run(pass, sums);
  EXPECT_EQ(pass.done, 3);
  EXPECT_EQ(s.step(), 3);
  EXPECT_GT(sums[0], 0);
  try {
    train.run(pass, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "error: 0 sums are given to a step with 2 outputs that are single numbers");
  }
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
