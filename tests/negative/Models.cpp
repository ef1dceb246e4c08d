// Mistakes in declaring a model: names, updates, options, batch sizes, steps.
#include "Mistakes.h"

#include "gdjit/IR/PassContext.h"

#include <limits>

using namespace gdjit;
using gdjit::test::message_of;

namespace {

// clang-format off: GDJIT_LINE stands on the line that it names

TEST(ModelMistakes, names_that_are_taken) {
  Model m;
  Parameter w = m.parameter("w", zeros({2})); GDJIT_LINE(first);
  std::string here;
  EXPECT_MISTAKE(message_of([&] { GDJIT_LINE(line); here = line; (void)m.input("w", {2}); }), here + ":",
                 "input 'w': the name is taken", "parameter 'w' was declared here", first);
  EXPECT_MISTAKE(message_of([&] { (void)m.named("w", w + 1); }), "node 'w': the name is taken");
  m.output("y", w + 1); GDJIT_LINE(output_line);
  EXPECT_MISTAKE(message_of([&] { m.output("y", w + 2); }), "output 'y': the name is taken", output_line);
  EXPECT_MISTAKE(message_of([&] { (void)m.named("again", w); }), "named: the value is called 'w' already");
}

TEST(ModelMistakes, a_layer_built_twice_under_one_name) {
  Model m;
  Linear first(m, "fc", 2, 3); GDJIT_LINE(first_line);
  std::string here;
  EXPECT_MISTAKE(message_of([&] { GDJIT_LINE(line); here = line; Linear second(m, "fc", 2, 3); }), here + ":",
                 "parameter 'fc/w': the name is taken", first_line, "scope");
  EXPECT_MISTAKE(message_of([&] { Linear third(m, "other", 2, 3, {.w = zeros({3, 2})}); }),
                 "Linear 'other': the initial value has shape [3,2], the parameter [2,3]", "zeros()");
}

TEST(ModelMistakes, words_that_are_no_names) {
  Model m;
  for (const char* word : {"", "1x", "a b", "/a", "a/", "a//b", "ü"})
    EXPECT_MISTAKE(message_of([&] { (void)m.input(word, {2}); }), "is no name");
  EXPECT_MISTAKE(message_of([&] { (void)m.scalar("step", 1); }), "scalar 'step': the name belongs to every model");
}

TEST(ModelMistakes, a_state_updated_twice) {
  Model m;
  Parameter w = m.parameter("w", zeros({2}));
  m.update(w, w + 1); GDJIT_LINE(first);
  std::string here;
  EXPECT_MISTAKE(message_of([&] { GDJIT_LINE(line); here = line; m.update(w, w + 2); }), here + ":",
                 "update: state 'w' is updated twice in one step", first);
  EXPECT_MISTAKE(message_of([&] { m.minimize(sum(w * w), SGD{}); }), "update: state 'w' is updated twice", first);
}

TEST(ModelMistakes, two_minimizes_of_one_parameter) {
  Model m;
  Parameter w = m.parameter("w", zeros({2}));
  m.minimize(sum(w * w), SGD{}, "a"); GDJIT_LINE(first);
  m.minimize(sum(w), SGD{}, "b"); GDJIT_LINE(second);
  EXPECT_EQ(m.training("a").step().updates.size(), 2u);
  EXPECT_MISTAKE(message_of([&] { (void)m.training().step(); }), second + ":", "update: state 'w' is updated twice",
                 "the update of minimize 'a' stands here", first, "MinimizeOptions::parameters");
  EXPECT_MISTAKE(message_of([&] { (void)m.training("c"); }, ErrorCode::usage), "has no minimize 'c'");
  EXPECT_MISTAKE(message_of([&] { m.minimize(sum(w), SGD{}, "b"); }), "minimize: another one is called 'b'", second, "give each a name");
}

TEST(ModelMistakes, an_update_of_another_type) {
  Model m;
  Parameter w = m.parameter("w", zeros({2})); GDJIT_LINE(w_line);
  EXPECT_MISTAKE(message_of([&] { m.update(w, sum(w)); }), "update: state 'w' has type f32[2], its next value f32[]", w_line);
  Variable n = m.variable("n", zeros({}), DType::i64);
  EXPECT_MISTAKE(message_of([&] { m.update(n, 0.5); }), "update: 0.5 is no i64");
}

TEST(ModelMistakes, starts_that_do_not_fit) {
  Model m;
  EXPECT_MISTAKE(message_of([&] { (void)m.parameter("a", zeros()); }), "parameter 'a': the initial value has no shape");
  EXPECT_MISTAKE(message_of([&] { (void)m.parameter("b", zeros({2}), DType::i32); }), "parameter 'b': of type i32");
  EXPECT_MISTAKE(message_of([&] { (void)m.parameter("c", xavier_uniform({2})); }), "parameter 'c': fans of shape [2]");
  EXPECT_MISTAKE(message_of([&] { (void)m.parameter("d", values({{1, 2}, {3}})); }), "differ in length");
  EXPECT_MISTAKE(message_of([&] { (void)m.parameter("e", zeros({-1})); }), "parameter 'e'", "-1");
  EXPECT_MISTAKE(message_of([&] { (void)m.variable("f", uniform({2}), DType::i64); }), "random initial value of type i64");
}

TEST(ModelMistakes, integers_beyond_a_double) {
  Model m;
  EXPECT_MISTAKE(message_of([&] { (void)m.scalar("n", int64_t{9007199254740993}, DType::i64); }),
                 "scalar 'n': 9007199254740993 lies beyond 2^53", "a scalar is given as a double");
  (void)m.scalar("even", int64_t{9007199254740992}, DType::i64);
  EXPECT_MISTAKE(message_of([&] { Linear(m, "fc", 2, 3, {.b = zeros({1, 1, 1, 1, 1, 1, 1, 1, 3})}); }),
                 "Linear 'fc': the initial value has shape [1,1,1,1,1,1,1,1,3], the parameter [3]");
}

TEST(ModelMistakes, draws_out_of_nothing) {
  Model m;
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  std::string here;
  EXPECT_MISTAKE(message_of([&] { GDJIT_LINE(line); here = line; (void)m.uniform("u", {3}, 5, 2); }), here + ":",
                 "uniform 'u': the lower bound 5 is above the upper bound 2", "give the lower one first: uniform(…, 2, 5)");
  EXPECT_MISTAKE(message_of([&] { (void)m.uniform("u", {3}, 0, inf); }), "uniform 'u': the bounds 0 and inf are not finite");
  EXPECT_MISTAKE(message_of([&] { (void)m.uniform("u", {3}, nan, 1); }), "uniform 'u': the bounds nan and 1 are not finite");
  EXPECT_MISTAKE(message_of([&] { GDJIT_LINE(line); here = line; (void)m.normal("n", {3}, 0, -1); }), here + ":",
                 "normal 'n': the standard deviation -1 is negative", "normal(…, 0, 1)");
  EXPECT_MISTAKE(message_of([&] { (void)m.normal("n", {3}, inf, 1); }), "normal 'n': the mean inf or the standard deviation 1 is not finite");
  EXPECT_MISTAKE(message_of([&] { (void)m.normal("n", {3}, 0, nan); }), "normal 'n': the mean 0 or the standard deviation nan is not finite");
  EXPECT_MISTAKE(message_of([&] { GDJIT_LINE(line); here = line; (void)m.parameter("a", uniform({3}, 5, 2)); }), here + ":",
                 "parameter 'a': uniform: the lower bound 5 is above the upper bound 2", "uniform(…, 2, 5)");
  EXPECT_MISTAKE(message_of([&] { (void)m.parameter("b", uniform({3}, -inf, 1)); }), "parameter 'b': uniform: the bounds -inf and 1 are not finite");
  EXPECT_MISTAKE(message_of([&] { (void)m.parameter("c", normal({3}, 0, -0.5)); }), "parameter 'c': normal: the standard deviation -0.5 is negative");
  EXPECT_MISTAKE(message_of([&] { (void)m.parameter("e", normal({3}, nan, 1)); }), "parameter 'e': normal: the mean nan or");
  (void)m.uniform("point", {3}, 2, 2);
  (void)m.parameter("fixed", normal({3}, 1, 0));
}

TEST(ModelMistakes, extents_beyond_reason) {
  Model m;
  EXPECT_MISTAKE(message_of([&] { (void)m.input("x", {1, 1, 1, 1, 1, 1, 1, 1, 1}); }), "input 'x'");
  EXPECT_MISTAKE(message_of([&] { (void)m.input("x", {int64_t{1} << 40, int64_t{1} << 40}); }), "input 'x'");
  EXPECT_MISTAKE(message_of([&] { (void)m.input("x", {-2}); }), "input 'x'", "-2");
}

TEST(ModelMistakes, options_that_do_not_exist_or_do_not_fit) {
  auto function = [](Model& m) {
    int hidden = m.option("hidden", 128);
    m.output("h", m.constant(hidden));
  };
  EXPECT_MISTAKE(message_of([&] { Model m(function, {.options = {{"hiden", 3}}}); }, ErrorCode::usage),
                 "model 'model' has no option 'hiden'; did you mean 'hidden'?", "it has hidden");
  EXPECT_MISTAKE(message_of([&] { Model m(function, {.options = {{"hidden", 2.5}}}); }, ErrorCode::usage),
                 "option 'hidden': 2.5 is no integer");
  EXPECT_MISTAKE(message_of([&] { Model m(function, {.options = {{"hidden", 1e12}}}); }, ErrorCode::usage),
                 "option 'hidden': 1000000000000 is no integer of its range");
}

TEST(ModelMistakes, parameters_that_change_with_the_batch) {
  auto longer = [](Model& m) {
    for (int64_t i = 0; i < m.batch(); ++i)
      (void)m.parameter("w" + std::to_string(i), zeros({}));
    m.output("x", m.input("x", {m.batch()}));
  };
  EXPECT_MISTAKE(message_of([&] { Model m(longer, {.batch = 3}); }),
                 "the list of parameters of model 'model' changes with the batch size", "for 3 rows: none",
                 "for 6 rows: 'w3' f32[]");
  auto wider = [](Model& m) { m.output("w", m.parameter("w", zeros({m.batch()}))); };
  EXPECT_MISTAKE(message_of([&] { Model m(wider, {.batch = 3}); }),
                 "state 'w' of model 'model' changes with the batch size", "'w' f32[3]", "'w' f32[6]", "declare the same at every batch size");
  auto as_the_rows = [](Model& m) {
    Tensor x = m.input("x", {m.batch()});
    m.minimize(sum(x * m.parameter("w", zeros({m.batch()}))), SGD{.lr = 0.1});
    m.data({{"x", {1, 2}}});
  };
  EXPECT_MISTAKE(message_of([&] { Model m(as_the_rows); }),
                 "state 'w' of model 'model' changes with the batch size", "for 2 rows: 'w' f32[2]");
}

TEST(ModelMistakes, inputs_scalars_and_outputs_that_change_with_the_batch) {
  GDJIT_LINE(extra_line); auto extra = [](Model& m) { Tensor x = m.input("x", {m.batch(), 2}); if (m.batch() > 4) m.output("extra", sum(x) * m.scalar("s", 2.0)); m.output("loss", sum(x)); };
  EXPECT_MISTAKE(message_of([&] { Model m(extra, {.batch = 2}); (void)m.evaluation().step(8); }),
                 "the list of scalars of model 'model' changes with the batch size", extra_line, "for 2 rows: none",
                 "for 8 rows: 's' f32[]");
  auto output = [](Model& m) { Tensor x = m.input("x", {m.batch(), 2}); if (m.batch() > 4) m.output("extra", sum(x)); m.output("loss", sum(x)); };
  EXPECT_MISTAKE(message_of([&] { Model m(output, {.batch = 2}); (void)m.evaluation().step(8); }),
                 "output 'extra' of model 'model' changes with the batch size", "for 2 rows: 'loss' f32[]",
                 "for 8 rows: 'extra' f32[]");
  auto input = [](Model& m) { m.output("x", m.input("x", m.batch() > 4 ? Extents{m.batch()} : Extents{m.batch(), 2})); };
  EXPECT_MISTAKE(message_of([&] { Model m(input, {.batch = 2}); (void)m.evaluation().step(8); }),
                 "input 'x' of model 'model' changes with the batch size", "'x' f32[2,2]", "'x' f32[8]");
  auto data = [](Model& m) { Tensor x = m.input("x", {m.batch()}); m.output(m.batch() == 3 ? "y" : "z", x); m.data({{"x", {1, 2, 3}}}); };
  EXPECT_MISTAKE(message_of([&] { Model m(data); }), "output 'y' of model 'model' changes with the batch size",
                 "for 2 rows: 'z' f32[2]", "for 3 rows: 'y' f32[3]");
  auto updates = [](Model& m) { Parameter w = m.parameter("w", zeros({})); m.output("x", m.input("x", {m.batch()})); if (m.batch() > 4) m.update(w, w + 1.0); };
  Model m(updates, {.batch = 2}); // allowed: no statistics of a single row
  EXPECT_EQ(m.evaluation().step(8).signature.updates.size(), 0u);
  EXPECT_EQ(m.training().step(8).signature.updates.size(), 1u);
  EXPECT_EQ(m.training().step(2).signature.updates.size(), 0u);
}

TEST(ModelMistakes, batch_sizes) {
  EXPECT_MISTAKE(message_of([] { Model m({.batch = -1}); }, ErrorCode::usage), "batch -1: a step has at least one row");
  Model m({.batch = 2});
  m.output("x", m.input("x", {m.batch()}));
  EXPECT_MISTAKE(message_of([&] { (void)m.evaluation().step(3); }), "declared for 2 rows without a function, 3 are asked for");
  auto fixed = [](Model& m) { m.output("y", m.input("x", {m.batch()}) + m.constant({1, 2, 3})); };
  EXPECT_MISTAKE(message_of([&] { Model m(fixed); }), "do not broadcast", "the model was declared for 2 rows");
}

TEST(ModelMistakes, that_have_nothing_to_do_with_the_rows) {
  using testing::HasSubstr, testing::Not;
  // Each run fails in other words, before it asks for the rows or after it.
  int runs = 0;
  auto words = [&](const char* text) { return text + std::to_string(runs++); };
  auto before = [&](Model& m) { m.output(words("a b "), m.input("x", {2})); (void)m.batch(); };
  EXPECT_THAT(message_of([&] { Model m(before); }), Not(HasSubstr("was declared for")));
  auto after = [&](Model& m) { (void)m.batch(); m.output(words("a b "), m.input("x", {2})); };
  EXPECT_THAT(message_of([&] { Model m(after); }), HasSubstr("the model was declared for 2 rows"));
  Model other({.name = "other"});
  Tensor theirs = other.input("y", {2});
  auto mixes = [&](Model& m) { m.output("h", m.input("x", {2}) + theirs); };
  EXPECT_THAT(message_of([&] { Model m(mixes); }), testing::AllOf(HasSubstr("operands belong to two models"), Not(HasSubstr("was declared for"))));
  Tensor kept;
  auto keeps = [&](Model& m) { Tensor x = m.input("x", {2}); if (kept.empty()) kept = x; m.output("h", kept + x * m.input("i", {2}, DType::i64)); };
  EXPECT_THAT(message_of([&] { Model m(keeps); }), Not(HasSubstr("was declared for")));
}

TEST(ModelMistakes, declaring_when_the_function_has_returned) {
  Model m([](Model& m) { m.output("x", m.input("x", {2})); }, {.name = "done"});
  EXPECT_MISTAKE(message_of([&] { (void)m.input("y", {2}); }), "the function of model 'done' has returned");
  EXPECT_MISTAKE(message_of([&] { (void)m.prediction({"z"}); }, ErrorCode::usage), "model 'done' has no output 'z'");
  EXPECT_MISTAKE(message_of([&] { (void)m.evaluation().with_outputs({"x", "X"}); }, ErrorCode::usage), "model 'done' has no output 'X'; did you mean 'x'?");
  Model sums([](Model& m) { m.minimize(sum(m.parameter("w", ones({2}))), SGD{}, {.accumulate = true}); }, {.name = "sums"});
  EXPECT_MISTAKE(message_of([&] { (void)sums.apply().with_outputs({"loss"}); }, ErrorCode::usage), "with_outputs: apply of model 'sums' updates and has no outputs");
}

TEST(ModelMistakes, training_a_model_without_updates) {
  Model m([](Model& m) { m.output("x", m.input("x", {2})); }, {.name = "still"});
  State s = initial_state(m);
  EXPECT_MISTAKE(message_of([&] { (void)compile(m.training(), s); }), "model 'still' has nothing to train", "m.minimize");
}

// clang-format on

TEST(ModelMistakes, a_function_that_asks_for_what_it_declares) {
  const std::pair<const char*, void (*)(Model&)> asked[] = {
      {"data_rows", [](Model& m) { (void)m.data_rows(); }},
      {"options", [](Model& m) { (void)m.options(); }},
      {"input_name", [](Model& m) { (void)m.input_name(0); }},
      {"training", [](Model& m) { (void)m.training("x"); }},
      {"step", [](Model& m) { (void)m.evaluation().step(); }},
      {"prediction", [](Model& m) { (void)m.prediction({"y"}); }},
      {"state", [](Model& m) { (void)initial_state(m); }},
  };
  for (const auto& [name, ask] : asked) {
    SCOPED_TRACE(name);
    EXPECT_MISTAKE(message_of([&] { Model m([ask = ask](Model& m) { (void)m.input("x", {m.batch()}); ask(m); }, {.name = "eager"}); }),
                   "model 'eager' is being declared: its steps exist once its function has returned");
  }
  Model m([](Model& m) { m.output("y", m.input("x", {m.batch()})); });
  EXPECT_MISTAKE(message_of([&] { (void)m.input_name(9); }, ErrorCode::usage), "has no input 9: it has 1, counted from 0");
}

TEST(ModelMistakes, a_machine_without_caches) {
  Model m([](Model& m) { m.output("y", m.input("x", {m.batch()}) + 1); });
  State s = initial_state(m);
  for (int64_t bytes : {0, -1}) {
    MachineTable machine;
    machine.l2_bytes = bytes;
    EXPECT_MISTAKE(message_of([&] { (void)compile(m.evaluation(), s, CompileOptions{.machine = &machine}); }, ErrorCode::usage),
                   fmt::format("caches of 32768 and {} bytes: each must be 1 or more", bytes));
  }
}

} // namespace
