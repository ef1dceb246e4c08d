// run(n): many steps in one call are as many calls of run().
#include "gdjit/gdjit.h"

#include "gdjit/JIT/Executable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace gdjit;

namespace {

/// One kernel, whose target is noisy by the number of the step.
void noisy_line(Model& m) {
  Tensor x = m.input("x", {m.batch()});
  Parameter w = m.parameter("w", uniform({}, -1, 1)), b = m.parameter("b", zeros({}));
  Tensor noise = m.normal("noise", {m.batch()});
  m.minimize(mse_loss(w * x + b, 2 * x + noise), Adam{.lr = 0.05});
  m.output("noise", noise);
}

/// Several kernels.
void network(Model& m) {
  Tensor h = reshape(m.input("x", {m.batch()}), {m.batch(), 1});
  for (int i = 0; i < 3; ++i) {
    std::string number = std::to_string(i);
    h = tanh(Linear(m, "layer" + number, i == 0 ? 1 : 128, 128)(h));
    h = Dropout(m, "drop" + number, 0.25)(h);
  }
  m.minimize(mean(square(h)), SGD{.lr = 0.1});
}

/// Reads a row further on at each step; there are four.
void walk(Model& m) {
  Parameter place = m.parameter("place", zeros({}));
  Tensor table = m.constant({{1.0, 2.0, 3.0, 4.0}});
  Tensor row = gather(reshape(table, {4, 1}), reshape(cast(place, DType::i32), {1}));
  m.output("row", row);
  m.update(place, place + 1);
}

Array rows_of(int64_t n) {
  Array x({DType::f32, {n}});
  for (int64_t i = 0; i < n; ++i)
    x.set(i, 0.25 * static_cast<double>(i));
  return x;
}

/// All that a call leaves behind.
std::vector<double> left_by(const StepFunction& f, const State& s) {
  std::vector<double> all{static_cast<double>(s.step())};
  auto add = [&](const TensorView& view) {
    for (int64_t k = 0; k < view.elements(); ++k)
      all.push_back(view.at(k));
  };
  for (int i = 0; i < f.outputs(); ++i)
    add(f.output(i));
  for (int i = 0; i < s.size(); ++i)
    add(s.view(i));
  return all;
}

TEST(ManySteps, are_as_many_calls) {
  for (auto* model : {noisy_line, network})
    for (int threads : {1, 2})
      for (bool numbered : {false, true}) {
        Model m(model);
        State alone = initial_state(m), together = initial_state(m);
        MachineTable machine;
        machine.least_shared = 1000;
        CompileOptions options{.threads = threads, .machine = &machine};
        StepFunction one = compile(m.training(), alone, options, 8),
                     many = compile(m.training(), together, options, 8);
        EXPECT_EQ(one.executable().launches() > 1, model == network);
        EXPECT_EQ(many.executable().threads(), model == network ? threads : 1);
        Array x = rows_of(8);
        one.bind({{"x", x}});
        many.bind({{"x", x}});
        double loss = 0;
        for (int call = 0; call < 2; ++call) {
          if (numbered) { // the same draws at each step
            one.set("step", 7);
            many.set("step", 7);
          }
          for (int i = 0; i < 5; ++i)
            loss = one.run();
          EXPECT_EQ(many.run(5), loss);
          EXPECT_EQ(left_by(many, together), left_by(one, alone));
        }
      }
}

TEST(ManySteps, of_an_evaluation_are_all_at_the_step_of_the_state) {
  Model m(noisy_line);
  State s = initial_state(m);
  StepFunction train = compile(m.training(), s, {}, 8),
               evaluate = compile(m.evaluation(), s, {}, 8);
  Array x = rows_of(8);
  train.bind({{"x", x}});
  evaluate.bind({{"x", x}});
  train.run(3u);
  EXPECT_EQ(evaluate.run(4), evaluate.run());
  EXPECT_EQ(s.step(), 3);
}

TEST(ManySteps, end_where_an_index_is_out_of_range) {
  Model m(walk);
  State s = initial_state(m);
  StepFunction step = compile(m.training(), s);
  step.run(3);
  EXPECT_EQ(step.output("row").at(0), 3);
  try {
    step.run(10);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    EXPECT_THAT(error.what(), testing::HasSubstr("index out of range"));
  }
  EXPECT_EQ(s.step(), 5);
  EXPECT_EQ(s.view("place").at(0), 5);
}

TEST(ManySteps, are_looked_at_one_by_one_for_NaN) {
  Model m([](Model& m) {
    Parameter w = m.parameter("w", constant({}, 2));
    m.output("root", sqrt(w));
    m.update(w, w - 1);
  });
  State s = initial_state(m);
  StepFunction step = compile(m.training(), s, {.check_nan = true});
  try {
    step.run(10);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("step 3: the result of sqrt"));
  }
}

TEST(ManySteps, are_at_least_one) {
  Model m(walk);
  State s = initial_state(m);
  StepFunction step = compile(m.training(), s);
  for (int count : {0, -3})
    try {
      step.run(count);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      EXPECT_THAT(error.what(), testing::HasSubstr("give at least 1"));
    }
}

} // namespace
