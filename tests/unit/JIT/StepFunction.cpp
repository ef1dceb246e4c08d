// StepFunction: what a program sees of a compiled step, right and wrong uses.
#include "gdjit/JIT/StepFunction.h"

#include "unit/JIT/LinearStep.h"

#include "gdjit/Runtime/StateStorage.h"
#include "gdjit/Support/Error.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <thread>

namespace gdjit::test {
namespace {

using testing::HasSubstr;

const Array x6({DType::f64, {6, 1}}, {1, 2, 3, 4, 5, 6});
const Array y6({DType::f64, {6}}, {3, 5, 7, 9, 11, 13});
const Array x4({DType::f64, {4, 1}}, {1, 2, 3, 4});
const Array y4({DType::f64, {4}}, {3, 5, 7, 9});

template <class F> std::string message_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

StepFunction training(State& state) { return {state, std::make_shared<LinearCompiler>(), 6}; }

TEST(StepFunction, that_was_moved_away_says_so) {
  State state = linear_state();
  StepFunction train = training(state), there = std::move(train);
  auto refused = HasSubstr("this step function was moved to another; call that one");
  // NOLINTBEGIN(bugprone-use-after-move)
  EXPECT_THAT(message_of([&] { train({{"x", x6}, {"y", y6}}); }), refused);
  EXPECT_THAT(message_of([&] { train.bind({{"x", x6}, {"y", y6}}); }), refused);
  EXPECT_THAT(message_of([&] { train.run(); }), refused);
  EXPECT_THAT(message_of([&] { train.run(3); }), refused);
  EXPECT_THAT(message_of([&] { train.set("lr", 1); }), refused);
  EXPECT_THAT(message_of([&] { train.rebatch(4); }), refused);
  EXPECT_THAT(message_of([&] { (void)train.output("loss"); }), refused);
  EXPECT_THAT(message_of([&] { (void)train.output(0); }), refused);
  EXPECT_THAT(message_of([&] { (void)train.batch(); }), refused);
  EXPECT_THAT(message_of([&] { (void)train.executable(); }), refused);
  // NOLINTEND(bugprone-use-after-move)
  there({{"x", x6}, {"y", y6}}, {.lr = 0.1});
}

TEST(StepFunction, trains_and_gives_the_loss_before_each_update) {
  State state = linear_state();
  StepFunction train = training(state);
  double w = 0, b = 0;
  for (int step = 0; step < 50; ++step) {
    double sums[3] = {-0.0, -0.0, -0.0};
    for (int i = 0; i < 6; ++i) {
      double d = std::fma(w, x6.at(i), b) - y6.at(i);
      sums[0] = std::fma(d, d, sums[0]);
      sums[1] = std::fma(d, x6.at(i), sums[1]);
      sums[2] = std::fma(d, 1, sums[2]);
    }
    EXPECT_EQ(train({{"x", x6}, {"y", y6}}, {.lr = 0.02}), sums[0] * (1.0 / 6));
    w = w - 0.02 * (2.0 / 6) * sums[1];
    b = b - 0.02 * (2.0 / 6) * sums[2];
    EXPECT_EQ(state.view("w").at(0), w);
    EXPECT_EQ(state.view("b").at(0), b);
  }
  EXPECT_EQ(train.output("residual").elements(), 6);
  EXPECT_EQ(train.output("residual").at(5), train.output(2).as<double>()[5]);
  EXPECT_EQ(train.outputs(), 3);
}

TEST(StepFunction, takes_step_and_seed_from_its_state_and_counts_training_calls_only) {
  State state = linear_state();
  StepFunction train = training(state);
  StepFunction evaluate(state, std::make_shared<LinearCompiler>(false), 6);
  train({{"x", x6}, {"y", y6}}, {.lr = 0.01});
  EXPECT_EQ(train.output("call").at(0), 1);
  EXPECT_EQ(train.output("call").at(1), 42);
  double loss = evaluate({{"x", x6}, {"y", y6}}, {.lr = 0});
  EXPECT_EQ(state.step(), 1);
  state.set_seed((int64_t{1} << 62) + 1);         // no double in between
  EXPECT_EQ(train({{"x", x6}, {"y", y6}}), loss); // lr keeps its value
  EXPECT_EQ(train.output("call").at(0), 2);
  EXPECT_EQ(train.output("call").as<int64_t>()[1], (int64_t{1} << 62) + 1);
  train({{"x", x6}, {"y", y6}}, {.named = {{"step", 77}}});
  EXPECT_EQ(train.output("call").at(0), 77);
  EXPECT_EQ(state.step(), 3);
}

TEST(StepFunction, compiles_another_number_of_rows_once_and_keeps_it) {
  State state = linear_state();
  auto compiler = std::make_shared<LinearCompiler>();
  StepFunction train(state, compiler, 6);
  train.set("lr", 0.01);
  for (int i = 0; i < 3; ++i) {
    train({{"y", y4}, {"x", x4}});
    EXPECT_EQ(train.batch(), 4);
    train({{"x", x6}, {"y", y6}, {"unused", x4}});
    EXPECT_EQ(train.batch(), 6);
  }
  EXPECT_EQ(compiler->compilations, 2);
  EXPECT_EQ(state.step(), 6);
  EXPECT_THAT(message_of([&] { train.bind({{"x", x4}, {"y", y4}}); }),
              HasSubstr("call rebatch(4) first"));
  train.rebatch(4);
  EXPECT_THAT(message_of([&] { train.run(); }), HasSubstr("call bind first"));
  train.bind({{"x", x4}, {"y", y4}});
  train.run();
  EXPECT_EQ(compiler->compilations, 2);
}

TEST(StepFunction, reads_bound_inputs_anew_at_each_run) {
  State state = linear_state();
  StepFunction evaluate(state, std::make_shared<LinearCompiler>(false), 4);
  Array y = y4;
  evaluate.bind({{"x", x4}, {"y", y}});
  double before = evaluate.run({.lr = 0});
  y.set(0, 1000);
  EXPECT_GT(evaluate.run(), before);
}

TEST(StepFunction, needs_inputs_bound_anew_once_a_call_or_a_bind_has_failed) {
  State state = linear_state();
  StepFunction train = training(state);
  const char* bytes = reinterpret_cast<const char*>(y6.bytes());
  TensorView crooked("y", y6.type(), bytes + 1);
  for (bool by_bind : {false, true}) {
    train.bind({{"x", x6}, {"y", y6}});
    train.run({.lr = 0.01});
    {
      auto gone = std::make_unique<Array>(x6);
      EXPECT_THAT(message_of([&] {
                    if (by_bind)
                      train.bind({{"x", *gone}, crooked});
                    else
                      train({{"x", *gone}, crooked});
                  }),
                  HasSubstr("input y lies at address"));
    }
    EXPECT_THAT(message_of([&] { train.run(); }), HasSubstr("run needs bound inputs"));
  }
  train.bind({{"x", x6}, {"y", y6}});
  train.run();
}

TEST(StepFunction, keeps_nothing_of_a_call_that_it_refuses) {
  State state = linear_state(), same = linear_state();
  StepFunction train = training(state), other = training(same);
  train({{"x", x6}, {"y", y6}}, {.lr = 0.01});
  other({{"x", x6}, {"y", y6}}, {.lr = 0.01});
  EXPECT_THROW(train({{"x", x6}, {"y", y6}}, {.lr = 0, .named = {{"nope", 1}}}), Error);
  EXPECT_THROW(train({{"x", x6}}, {.lr = 0}), Error);
  EXPECT_EQ(train({{"x", x6}, {"y", y6}}), other({{"x", x6}, {"y", y6}}));
  EXPECT_EQ(train({{"x", x6}, {"y", y6}}), other({{"x", x6}, {"y", y6}}));
  train.bind({{"x", x6}, {"y", y6}});
  EXPECT_THROW(train({{"x", x6}}), Error);
  EXPECT_THAT(message_of([&] { train.run(); }), HasSubstr("run needs bound inputs"));
}

TEST(StepFunction, refuses_variants_with_another_signature) {
  class Compiler : public StepCompiler {
  public:
    explicit Compiler(void (*change)(Signature&)) : change_(change) {}
    std::shared_ptr<const Executable> compile(int64_t batch) override {
      loop::Program program = linear_step(batch);
      if (batch == 4)
        change_(program.signature);
      return Executable::compile(program);
    }

  private:
    void (*change_)(Signature&);
  };
  struct Case {
    void (*change)(Signature&);
    const char* message;
    const char* first;
    const char* other;
  };
  for (const Case& c : {
           Case{[](Signature& s) { s.scalars[0].name = "rate"; },
                "the scalars of step training change with the batch size",
                "for 6 rows: lr : f64, step : i64, seed : i64",
                "for 4 rows: rate : f64, step : i64, seed : i64"},
           Case{[](Signature& s) { std::swap(s.outputs[0].name, s.outputs[1].name); },
                "the outputs of step training change with the batch size",
                "for 6 rows: loss : f64 of rank 0, call : i64 of rank 1",
                "for 4 rows: call : f64 of rank 0, loss : i64 of rank 1"},
           Case{[](Signature& s) { s.inputs[1].name = "z"; },
                "the inputs of step training change with the batch size",
                "for 6 rows: x : f64 of rank 2, y : f64 of rank 1",
                "for 4 rows: x : f64 of rank 2, z : f64 of rank 1"},
       }) {
    State state = linear_state();
    StepFunction train(state, std::make_shared<Compiler>(c.change), 6);
    train({{"x", x6}, {"y", y6}}, {.lr = 0.01});
    std::string message = message_of([&] { train({{"x", x4}, {"y", y4}, {"z", y4}}); });
    EXPECT_THAT(message, HasSubstr(c.message));
    EXPECT_THAT(message, HasSubstr(c.first));
    EXPECT_THAT(message, HasSubstr(c.other));
    train({{"x", x6}, {"y", y6}}); // the variant that is there goes on
  }
}

TEST(StepFunction, keeps_the_memory_of_its_state) {
  auto state = std::make_unique<State>(linear_state());
  StepFunction train = training(*state);
  State moved = std::move(*state);
  state.reset();
  train({{"x", x6}, {"y", y6}}, {.lr = 0.01});
  EXPECT_EQ(moved.step(), 1);
  EXPECT_NE(moved.view("w").at(0), 0);
}

TEST(StepFunction, refuses_wrong_inputs_with_both_sides) {
  State state = linear_state();
  StepFunction train = training(state);
  train.set("lr", 0.1);
  EXPECT_THAT(message_of([&] { train({{"x", x6}}); }), HasSubstr("needs input y; given are: x"));
  EXPECT_THAT(message_of([&] { train({{"x", y6}, {"y", y6}}); }),
              HasSubstr("input x is f64[6], step training takes f64[6,1] with any number of rows"));
  EXPECT_THAT(message_of([&] { train({{"x", x4}, {"y", y6}}); }), HasSubstr("x has 4, y has 6"));
  Array none({DType::f64, {0, 1}});
  EXPECT_THAT(message_of([&] { train({{"x", none}, {"y", y6}}); }),
              HasSubstr("input x has no rows"));
  TensorView odd("y", y6.type(), static_cast<const char*>(y6.bytes()) + 1);
  EXPECT_THAT(message_of([&] { train({{"x", x6}, odd}); }), HasSubstr("divisible by 8"));
  TensorView null("y", y6.type(), nullptr);
  EXPECT_THAT(message_of([&] { train({{"x", x6}, null}); }), HasSubstr("address 0x0"));
  EXPECT_EQ(state.step(), 0);
}

TEST(StepFunction, refuses_inputs_that_overlap_what_it_writes) {
  State state = linear_state();
  StepFunction train(state, std::make_shared<LinearCompiler>(), 1);
  StepFunction evaluate(state, std::make_shared<LinearCompiler>(false), 1);
  train.set("lr", 0.1);
  evaluate.set("lr", 0.1);
  Array x({DType::f64, {1, 1}});
  TensorView w("y", {DType::f64, {1}}, state.view("w").data);
  EXPECT_THAT(message_of([&] { train({{"x", x}, w}); }),
              HasSubstr("input y overlaps w, which the step writes"));
  EXPECT_THAT(message_of([&] { train.bind({{"x", x}, w}); }), HasSubstr("overlaps w"));
  EXPECT_EQ(message_of([&] { evaluate({{"x", x}, w}); }), "no error"); // it only reads w
  TensorView own("y", {DType::f64, {1}}, evaluate.output("residual").data);
  EXPECT_THAT(message_of([&] { evaluate({{"x", x}, own}); }),
              HasSubstr("overlaps memory of the step itself"));
}

TEST(StepFunction, refuses_learning_rates_that_are_negative_or_not_finite_but_takes_zero) {
  State state = linear_state();
  StepFunction train = training(state);
  for (double bad : {-1e-3, std::nan(""), std::numeric_limits<double>::infinity()})
    EXPECT_THAT(message_of([&] { train({{"x", x6}, {"y", y6}}, {.lr = bad}); }),
                HasSubstr("learning rate lr is "));
  EXPECT_THAT(message_of([&] { train.set("lr", -1); }), HasSubstr("learning rate lr is -1"));
  EXPECT_EQ(state.step(), 0);
  train({{"x", x6}, {"y", y6}}, {.lr = 0});
  EXPECT_EQ(state.view("w").at(0), 0);
}

TEST(StepFunction, names_scalars_that_are_unknown_or_missing) {
  State state = linear_state();
  StepFunction train = training(state);
  EXPECT_THAT(message_of([&] { train({{"x", x6}, {"y", y6}}); }),
              HasSubstr("scalar lr has no default"));
  EXPECT_THAT(message_of([&] { train({{"x", x6}, {"y", y6}}, {.lr = 1, .named = {{"rate", 1}}}); }),
              HasSubstr("no scalar is named rate; there are: lr, step, seed"));
  EXPECT_THAT(message_of([&] { train.output("los"); }),
              HasSubstr("no output is named los; there are: loss"));
  EXPECT_THAT(message_of([&] { train.output(3); }), HasSubstr("no output 3: the step has 3"));
  EXPECT_THAT(message_of([&] { train.output(-1); }), HasSubstr("no output -1"));
  EXPECT_THAT(message_of([&] { (void)state.view(2); }), HasSubstr("no array 2: the State has 2"));
}

TEST(StepFunction, names_states_that_are_missing_or_of_another_type) {
  State other({"w"}, {Array({DType::f64, {1}})});
  EXPECT_THAT(message_of([&] { training(other); }),
              HasSubstr("needs state b, which the State does not have; it has: w"));
  State wrong({"w", "b"}, {Array({DType::f64, {1}}), Array({DType::f32, {1}})});
  EXPECT_THAT(message_of([&] { training(wrong); }),
              HasSubstr("needs state b as f64[1], the State has it as f32[1]"));
}

TEST(StepFunction, turns_an_index_out_of_range_into_an_error_with_the_users_line) {
  class Compiler : public StepCompiler {
    std::shared_ptr<const Executable> compile(int64_t) override {
      LoopBuilder b;
      BufferId places = b.input("places", {DType::i64, {5}});
      LoopId i = b.begin(0, 5);
      ValueId p = b.load(places, {at(i)});
      b.check(b.compute(ScalarOp::lt, {DType::boolean, 1}, {p, b.constant({DType::i64, 1}, 3)}),
              at(i), 12);
      b.end();
      loop::Program program = b.finish();
      program.notes.push_back({12, "gather", {"words.cpp", 31, 9}, Part::forward});
      return Executable::compile(program);
    }
  };
  State state({}, {});
  StepFunction call(state, std::make_shared<Compiler>(), 0);
  Array good({DType::i64, {5}}, {0, 1, 2, 1, 0}), bad({DType::i64, {5}}, {0, 1, 2, 3, 9});
  EXPECT_TRUE(std::isnan(call({{"places", good}}))); // no output is named loss
  try {
    call({{"places", bad}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    EXPECT_EQ(error.location(), (SourceLocation{"words.cpp", 31, 9}));
    EXPECT_THAT(error.what(), HasSubstr("gather: index out of range at position 3"));
  }
  EXPECT_EQ(message_of([&] { call({{"places", good}}); }), "no error");
}

TEST(StepFunction, sees_two_calls_at_once) {
  State state = linear_state();
  StepFunction train = training(state);
  state.storage()->busy = true; // another function is writing the State
  EXPECT_THAT(message_of([&] { train({{"x", x6}, {"y", y6}}, {.lr = 0}); }),
              HasSubstr("a State of its own"));
  state.storage()->busy = false;

  StepFunction slow(state, std::make_shared<LinearCompiler>(false, 100'000'000), 6);
  slow.set("lr", 0);
  slow.bind({{"x", x6}, {"y", y6}});
  std::atomic<bool> started = false;
  std::thread other([&] {
    started = true;
    slow.run();
  });
  while (!started)
    std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_THAT(message_of([&] { slow.run(); }), HasSubstr("is called while it runs"));
  other.join();
  EXPECT_EQ(message_of([&] { slow.run(); }), "no error");
}

TEST(StepFunction, runs_over_different_states_in_several_threads_with_equal_bits) {
  auto train_alone = [](double& w, double& b) {
    State state = linear_state();
    StepFunction train = training(state);
    for (int step = 0; step < 2000; ++step)
      train({{"x", x6}, {"y", y6}}, {.lr = 0.01});
    w = state.view("w").at(0);
    b = state.view("b").at(0);
  };
  double w = 0, b = 0;
  train_alone(w, b);
  std::vector<std::thread> threads;
  std::vector<std::pair<double, double>> results(4);
  for (auto& [tw, tb] : results)
    threads.emplace_back(train_alone, std::ref(tw), std::ref(tb));
  for (std::thread& thread : threads)
    thread.join();
  for (auto& [tw, tb] : results) {
    EXPECT_EQ(tw, w);
    EXPECT_EQ(tb, b);
  }
}

TEST(StepFunction, shares_one_state_among_functions) {
  State state = linear_state();
  StepFunction train = training(state);
  StepFunction evaluate(state, std::make_shared<LinearCompiler>(false), 4);
  double before = evaluate({{"x", x4}, {"y", y4}}, {.lr = 0});
  for (int i = 0; i < 100; ++i)
    train({{"x", x6}, {"y", y6}}, {.lr = 0.02});
  double after = evaluate({{"x", x4}, {"y", y4}});
  EXPECT_LT(after, before / 100);
  State copy = state.clone();
  train({{"x", x6}, {"y", y6}});
  EXPECT_EQ(copy.step(), 100);
  EXPECT_NE(copy.view("w").at(0), state.view("w").at(0));
}

} // namespace
} // namespace gdjit::test
