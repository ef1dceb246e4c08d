// compile for users: variants per batch size, several steps over one State, initial values.
#include "gdjit/gdjit.h"

#include "unit/Runtime/Resident.h"

#include "gdjit/Driver/Compile.h"
#include "gdjit/Driver/ReadStep.h"
#include "gdjit/Interp/GraphInterpreter.h"
#include "gdjit/Transforms/PassManager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

using namespace gdjit;

namespace {

void line(Model& m) {
  Tensor x = m.input("x", {m.batch(), 1});
  Tensor y = m.input("y", {m.batch(), 1});
  Parameter w = m.parameter("w", zeros({1, 1}));
  Tensor h = matmul(x, w);
  m.minimize(mse_loss(h, y), SGD{.lr = 0.05});
  m.output("h", h);
  m.data({{"x", {{1}, {2}, {3}}}, {"y", {{2}, {4}, {6}}}});
}

TEST(CompileModel, trains_evaluates_and_predicts_on_one_state) {
  Model m(line);
  State s = initial_state(m);
  StepFunction train = compile(m.training(), s), evaluate = compile(m.evaluation(), s),
               predict = compile(m.prediction(), s);
  EXPECT_EQ(train.batch(), 3);
  for (int i = 0; i < 100; ++i)
    train(rows(m));
  EXPECT_LT(evaluate(rows(m)), 1e-6);
  EXPECT_EQ(evaluate(rows(m)), evaluate(rows(m))) << "evaluation updates nothing";
  Array x({DType::f32, {1, 1}}, {4});
  predict({{"x", x}}); // another number of rows, and y is not asked for
  EXPECT_NEAR(predict.output("h").at(0), 8, 1e-3);
  EXPECT_EQ(predict.outputs(), 1);
  EXPECT_EQ(s.view("minimize/step").at(0), 100);
}

TEST(CompileModel, computes_the_outputs_named_and_the_same_updates) {
  auto model = [](Model& m) {
    line(m);
    m.output("far", exp(matmul(m.constant({{1, 2}, {3, 4}}), m.parameter("v", ones({2, 1})))));
  };
  Model m(model);
  State s = initial_state(m), t = initial_state(m);
  const ModelStep loss = m.training().with_outputs({"loss"});
  StepFunction whole = compile(m.training(), s), part = compile(loss, t);
  const auto computed = [](const ModelStep& step) {
    return compile(step.step(), {.last = Stage::Simplified}).work.step.graph.size();
  };
  EXPECT_LT(computed(loss), computed(m.training()));
  EXPECT_EQ(part.outputs(), 1);
  EXPECT_THROW(part.output("h"), Error);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(whole(rows(m)), part(rows(m)));
  for (int i = 0; i < s.size(); ++i)
    EXPECT_TRUE(same_bits(s.view(i).copy(), t.view(i).copy())) << s.name(i);

  StepFunction none = compile(m.training().with_outputs({}), t);
  none(rows(m));
  EXPECT_EQ(none.outputs(), 0);
  whole(rows(m));
  EXPECT_TRUE(same_bits(s.view("w").copy(), t.view("w").copy()));
  for (const ModelStep& step : {m.training(), m.evaluation()})
    EXPECT_EQ(step.with_outputs({"loss"}).step().signature.inputs.size(), 2) << step.name();
  const Step h = m.prediction().with_outputs({"far"}).step();
  ASSERT_EQ(h.signature.outputs.size(), 1);
  EXPECT_EQ(h.signature.outputs[0].name, "far");
}

/// Its form is the plain one where a gradient of p is taken, though nothing else asks for that.
TEST(CompileModel, gives_the_same_bits_without_the_output_that_decides_how_the_loss_is_computed) {
  auto model = [](Model& m) {
    Tensor x = m.input("x", {m.batch(), 2}), y = m.input("y", {m.batch(), 1});
    Parameter w = m.parameter("w", ones({2, 1}));
    Tensor p = sigmoid(matmul(x, w)), loss = binary_cross_entropy(p, y);
    m.minimize(loss, SGD{.lr = 0.01});
    m.output("slope", gradient(loss, p));
    m.data({{"x", {{60, 80}, {1, 2}, {3, 50}}}, {"y", {{0}, {1}, {0}}}});
  };
  Model m(model);
  State s = initial_state(m), t = initial_state(m);
  StepFunction whole = compile(m.training(), s),
               part = compile(m.training().with_outputs({"loss"}), t);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(whole(rows(m)), part(rows(m)));
  EXPECT_TRUE(same_bits(s.view("w").copy(), t.view("w").copy()));
  State u = initial_state(m);
  StepFunction evaluate = compile(m.evaluation(), u),
               loss = compile(m.evaluation().with_outputs({"loss"}), u);
  EXPECT_EQ(evaluate(rows(m)), loss(rows(m)));
}

TEST(CompileModel, refuses_a_text_other_numbers_of_rows) {
  Model m(line);
  State s = initial_state(m);
  Work text;
  text.step = m.training().step(3);
  StepFunction train = compile(text, s);
  train(rows(m));
  const Array one({DType::f32, {1, 1}}, {4});
  try {
    train({{"x", one}, {"y", one}});
    FAIL() << "a step for 3 rows did one";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::graph);
    EXPECT_STREQ(error.what(), no_step_for(3, "1", "1").what());
    EXPECT_THAT(error.what(), testing::HasSubstr("--batch 1, or take the model itself"));
  }
}

TEST(CompileModel, check_nan_names_the_first_op_that_is_not_finite) {
  Model m([](Model& m) {
    Tensor x = m.input("x", {m.batch()});
    Parameter w = m.parameter("w", ones({}));
    m.minimize(mean(sqrt(x * w)), SGD{.lr = 0.5});
  });
  State s = initial_state(m);
  StepFunction train = compile(m.training(), s, {.check_nan = true}),
               evaluate = compile(m.evaluation(), s, {.check_nan = true});
  auto message = [](auto call) -> std::string {
    try {
      call();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::non_finite);
      EXPECT_THAT(error.location().file, testing::HasSubstr("CompileModel.cpp"));
      return error.what();
    }
    return "none";
  };
  Array x({DType::f32, {3}}, {1, 4, 9}), zero({DType::f32, {2}}, {1, 0}),
      below({DType::f32, {1}}, {-1});
  EXPECT_EQ(train({{"x", x}}), 2);
  EXPECT_THAT(message([&] { evaluate({{"x", below}}); }), testing::HasSubstr("the result of sqrt"));
  EXPECT_THAT(message([&] { train({{"x", below}}); }),
              testing::AllOf(testing::HasSubstr("step 1: the result of sqrt"),
                             testing::HasSubstr("(forward) is nan at element 0")));
  // sqrt is finite at 0, its derivative is not.
  State fresh = initial_state(m);
  StepFunction at_zero = compile(m.training(), fresh, {.check_nan = true});
  EXPECT_THAT(message([&] { at_zero({{"x", zero}}); }), testing::HasSubstr("(backward) is inf"));
  // An output counts as well as the loss.
  Model odds([](Model& m) {
    Tensor x = m.input("x", {m.batch()});
    m.minimize(mean(square(x * m.parameter("w", ones({})))), SGD{.lr = 0.5});
    m.output("odds", log(x));
  });
  State other = initial_state(odds);
  StepFunction with_output = compile(odds.training(), other, {.check_nan = true});
  EXPECT_THAT(message([&] { with_output({{"x", zero}}); }),
              testing::HasSubstr("the result of log"));
}

TEST(CompileModel, check_nan_is_not_led_astray_by_infinities_that_are_meant) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  auto message = [](auto function) -> std::string {
    Model m(function);
    State s = initial_state(m);
    StepFunction train = compile(m.training(), s, {.check_nan = true});
    try {
      train(rows(m));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::non_finite);
      return error.what();
    }
    return "none";
  };
  auto masked = [](Model& m, bool wrong) {
    Tensor x = m.input("x", {m.batch(), 2});
    Tensor scores = x * m.parameter("w", ones({2}));
    m.watch("scores", scores);                        // compares with infinity
    Tensor some = select(x > 1.5, scores, -infinity); // a mask before softmax
    m.output("some", some);                           // holds infinities
    Tensor root = select(x > 1.5, sqrt(scores), 0.0); // infinite slope, not taken
    Tensor loss = mean(square(softmax(some, 1))) + mean(root);
    m.minimize(wrong ? loss + mean(log(scores - 1.0)) : loss, SGD{.lr = 0.1});
    m.data({{"x", {{0, 2}, {3, 4}}}});
  };
  EXPECT_EQ(message([&](Model& m) { masked(m, false); }), "none");
  // An infinity that is meant hides no other, and no other hides behind it.
  auto beside = [](Model& m, double scale) {
    Tensor x = m.input("x", {m.batch(), 2});
    m.output("logs", select(x > 0, log(x), -infinity)); // log(0) is not taken
    Tensor grown = select(x > 3.5, -infinity, x * m.parameter("w", ones({2})));
    m.output("grown", exp(grown) * scale);
    m.minimize(mean(square(x * m.parameter("v", ones({2})))), SGD{.lr = 0.1});
    m.data({{"x", {{0, 2}, {3, 4}}}});
  };
  EXPECT_EQ(message([&](Model& m) { beside(m, 1); }), "none");
  EXPECT_THAT(message([&](Model& m) { beside(m, 3e38); }), testing::HasSubstr("the result of mul"));
  EXPECT_THAT(message([&](Model& m) { masked(m, true); }),
              testing::AllOf(testing::HasSubstr("the result of log"),
                             testing::HasSubstr("(forward) is nan at element 0")));
}

TEST(CompileModel, takes_the_learning_rate_per_call) {
  Model m(line);
  State s = initial_state(m);
  StepFunction train = compile(m.training(), s);
  train(rows(m), {.lr = 0});
  EXPECT_EQ(s.view("w").at(0), 0);
  train(rows(m), {.lr = 0.05});
  EXPECT_GT(s.view("w").at(0), 0);
}

TEST(CompileModel, alternates_steps_over_one_state) {
  Model m(
      [](Model& m) {
        Parameter a = m.parameter("a", ones({})), b = m.parameter("b", ones({}));
        m.minimize(square(a - b), SGD{.lr = 0.5}, {.name = "first", .parameters = "a"});
        m.minimize(square(a + b), SGD{.lr = 0.25}, {.name = "second", .parameters = "b"});
      },
      {.dtype = DType::f64});
  State s = initial_state(m);
  StepFunction first = compile(m.training("first"), s), second = compile(m.training("second"), s);
  std::vector<TensorView> none;
  second(none); // b <- 1 - 0.25 * 2 * 2
  EXPECT_EQ(s.view("b").at(0), 0);
  first(none); // a <- 1 - 0.5 * 2 * 1
  EXPECT_EQ(s.view("a").at(0), 0);
  EXPECT_EQ(s.view("first/step").at(0), 1);
  EXPECT_EQ(s.view("second/step").at(0), 1);
}

TEST(InitialState, has_the_same_bits_compiled_and_interpreted) {
  Model m([](Model& m) {
    (void)m.parameter("w", xavier_normal({2048, 1024})); // well beyond what is interpreted
    Parameter b = m.parameter("b", fan_in_uniform(512, {256}));
    m.minimize(sum(b), Adam{}); // its moments' first values are equal
  });
  State s = initial_state(m, 7);
  std::vector<Array> reference = initial_values(m.evaluation().step().signature, 7);
  ASSERT_EQ(s.size(), 5);
  for (int i = 0; i < s.size(); ++i)
    EXPECT_TRUE(same_bits(s.view(i).copy(), reference[static_cast<size_t>(i)])) << s.name(i);
  EXPECT_FALSE(same_bits(s.view(0).copy(), initial_state(m, 8).view(0).copy()));
}

TEST(InitialState, has_nothing_beside_it_while_it_is_made) {
  Model m([](Model& m) {
    Parameter w = m.parameter("w", xavier_normal({12, 1 << 20}));
    m.minimize(sum(w), Adam{});
  });
  if (!test::set_back_resident_peak())
    GTEST_SKIP() << "no telling how much memory there was";
  const int64_t before = test::resident_megabytes("VmRSS:");
  State s = initial_state(m);
  EXPECT_EQ(s.view("w").type, (TensorType{DType::f32, {12, 1 << 20}}));
  EXPECT_GT(test::resident_megabytes("VmRSS:"), before + 144 - 10);
  EXPECT_LT(test::resident_megabytes("VmHWM:"), before + 144 + 30);
}

TEST(CompileModel, names_the_node_of_an_index_out_of_range) {
  Model m([](Model& m) {
    Tensor z = m.input("z", {m.batch(), 3});
    Tensor label = m.input("label", {m.batch()}, DType::i64);
    Parameter b = m.parameter("b", zeros({3}));
    m.minimize(cross_entropy(z + b, label), SGD{});
    m.data({{"z", {{1, 2, 3}, {1, 2, 3}}}, {"label", {0, 3}}});
  });
  State s = initial_state(m);
  StepFunction train = compile(m.training(), s);
  try {
    train(rows(m));
    FAIL() << "class 3 of 3 was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    EXPECT_THAT(error.what(), testing::HasSubstr("CompileModel.cpp"));
  }
}

} // namespace
