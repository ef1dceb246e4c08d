// Models in C++ with a mistake, given to the tool: the user's own line, both types, exit code 3; or
// the compiler's own message, exit code 4. One file holds them all and is compiled once.
#include "ToolMistakes.h"

#include <algorithm>

using namespace gdjit::test;

namespace {

constexpr const char* mistakes = R"(#include <gdjit/gdjit.h>
using namespace gdjit;

static Tensor rows(Model& m) { m.data({{"x", {{1}, {2}, {3}}}}); return m.input("x", {m.batch(), 1}); }

void shapes(Model& m) {
  Tensor x = m.input("x", {4, 3});
  Parameter w = m.parameter("w", zeros({2, 1}));
  m.output("h", matmul(x, w)); // shapes
}
void types(Model& m) {
  Tensor x = m.input("x", {2}), i = m.input("i", {2}, DType::i64);
  m.output("h", x * i); // types
}
void axes(Model& m) { m.output("h", sum(m.input("x", {2, 3}), 2)); } // axes
void broadcasts(Model& m) {
  Tensor p = m.input("p", {8, 1}) * m.parameter("w", zeros({1}));
  m.minimize(mse_loss(p, m.input("y", {8})), SGD{}); // broadcasts
}
void integer_loss(Model& m) {
  Parameter w = m.parameter("w", zeros({2}));
  m.minimize(sum(cast(w, DType::i32)), SGD{}); // integer_loss
}
void nothing(Model& m) {
  Parameter w = m.parameter("w", zeros({2}));
  m.output("g", gradient(sum(m.input("x", {2})), w)); // nothing
}
void two_models(Model& m) {
  Model other;
  m.output("h", m.input("x", {2}) + other.input("y", {2})); // two_models
}
void empty(Model& m) {
  Tensor e;
  m.output("h", m.input("x", {2}) + e); // empty
}
void duplicate(Model& m) {
  m.input("x", {2}); // duplicate first
  m.input("x", {3}); // duplicate
}
void twice(Model& m) {
  Parameter w = m.parameter("w", zeros({2}));
  m.update(w, w + 1); // twice first
  m.update(w, w + 2); // twice
}
void still(Model& m) { m.output("h", rows(m)); }
void growing(Model& m) {
  m.minimize(mean(square(rows(m) - sum(m.parameter("w", zeros({m.batch()}))))), SGD{}); // growing
}
static void rows_of_a_table(Model& m, bool example) {
  Tensor i = m.input("i", {m.batch()}, DType::i64), y = m.input("y", {m.batch(), 2});
  Tensor p = gather(m.parameter("w", ones({3, 2})), i); // rows_of_a_table
  m.minimize(mse_loss(p, y), SGD{});
  m.output("p", p);
  m.data({{"i", {0, example ? 1 : 5}}, {"y", {{1, 2}, {2, 3}}}});
  if (example) m.examples({{"i", {1, 7}}});
}
void outside(Model& m) { rows_of_a_table(m, false); }
void example_outside(Model& m) { rows_of_a_table(m, true); }
void argmax_loss(Model& m) {
  Parameter w = m.parameter("w", zeros({2}));
  m.minimize(mean(cast(argmax(m.input("x", {2}) * w, 0), DType::f32)), SGD{}); // argmax_loss
}
void huge(Model& m) {
  m.minimize(sum(m.parameter("w", zeros({1000000, 100000}))), SGD{});
}
void throws_5(Model&) { throw 5; }
void throws(Model&) { throw std::runtime_error("no such thing"); }
GDJIT_MODEL(shapes, "");
GDJIT_MODEL(types, "");
GDJIT_MODEL(axes, "");
GDJIT_MODEL(broadcasts, "");
GDJIT_MODEL(integer_loss, "");
GDJIT_MODEL(nothing, "");
GDJIT_MODEL(two_models, "");
GDJIT_MODEL(empty, "");
GDJIT_MODEL(duplicate, "");
GDJIT_MODEL(twice, "");
GDJIT_MODEL(still, "");
GDJIT_MODEL(growing, "");
GDJIT_MODEL(outside, "");
GDJIT_MODEL(example_outside, "");
GDJIT_MODEL(argmax_loss, "");
GDJIT_MODEL(huge, "");
GDJIT_MODEL(throws_5, "");

void throws_later(Model& m) { // once its rows are split
  static int runs = 0;
  if (++runs > 2)
    throw std::runtime_error("no such thing");
  Tensor x = m.input("x", {m.batch(), 1});
  m.minimize(mean(square(m.parameter("w", ones({1})) * x)), SGD{.lr = 0.1});
  m.data({{"x", {{1}, {2}, {3}, {4}, {5}}}});
}
GDJIT_MODEL(throws_later, "");
GDJIT_MODEL(throws, "");
)";

/// "mistakes.cpp:9:" for the line that ends in this comment.
std::string line_of(const std::string& comment) {
  std::string text = mistakes;
  size_t at = text.find("// " + comment + "\n");
  EXPECT_NE(at, std::string::npos) << comment;
  return "mistakes.cpp:" +
         std::to_string(1 + std::count(text.begin(), text.begin() + static_cast<long>(at), '\n')) +
         ":";
}

std::string source() { return models_file("mistakes/mistakes.cpp", mistakes); }

ToolRun train(const std::string& model) {
  return run_tool({"train", source() + ":" + model, "-q"});
}

TEST(ToolModels, shapes_types_and_axes_that_do_not_fit) {
  EXPECT_REFUSED(train("shapes"), 3, line_of("shapes"), "matmul: inner dimensions differ, 3 and 2",
                 "lhs x : f32[4,3]", "rhs w : f32[2,1]");
  EXPECT_REFUSED(train("types"), 3, line_of("types"), "f32[2]", "i64[2]", "cast");
  EXPECT_REFUSED(train("axes"), 3, line_of("axes"), "sum: axis 2 is out of range for rank 2");
  EXPECT_THAT(train("axes").err, testing::Not(testing::HasSubstr("was declared for")))
      << "no rows, no word of them";
}

TEST(ToolModels, losses_that_would_broadcast_or_are_integers) {
  EXPECT_REFUSED(train("broadcasts"), 3, line_of("broadcasts"),
                 "mse_loss: shapes differ, [8,1] and [8]", "write reshape(");
  EXPECT_REFUSED(train("integer_loss"), 3, line_of("integer_loss"), "the loss is i64, not a float",
                 "cast");
  EXPECT_REFUSED(train("nothing"), 3, line_of("nothing"), "the loss does not depend on w");
  EXPECT_REFUSED(train("argmax_loss"), 3, line_of("argmax_loss"),
                 "minimize: no gradient reaches a parameter", "argmax");
}

TEST(ToolModels, tensors_of_two_models_or_none) {
  EXPECT_REFUSED(train("two_models"), 3, line_of("two_models"), "operands belong to two models");
  EXPECT_REFUSED(train("empty"), 3, line_of("empty"), "operand 2 is an empty Tensor");
}

TEST(ToolModels, names_and_updates_given_twice_with_both_lines) {
  EXPECT_REFUSED(train("duplicate"), 3, line_of("duplicate"), "the name is taken",
                 line_of("duplicate first"));
  EXPECT_REFUSED(train("twice"), 3, line_of("twice"), "'w' is updated twice",
                 line_of("twice first"));
}

TEST(ToolModels, nothing_to_train) {
  EXPECT_REFUSED(train("still"), 3, ".cpp:", "model 'still' has nothing to train", "m.minimize(");
}

TEST(ToolModels, an_index_out_of_range_in_rows_and_in_examples) {
  EXPECT_REFUSED(train("outside"), 7, line_of("rows_of_a_table"),
                 "index out of range at position 1");
  ToolRun examples = run_tool({"train", source() + ":example_outside", "-q", "--steps", "2"});
  EXPECT_EQ(examples.code, 7);
  EXPECT_THAT(examples.out, testing::HasSubstr("after 2 updates")); // the run itself is all right
  EXPECT_THAT(examples.out, testing::Not(testing::HasSubstr("examples")));
  EXPECT_THAT(examples.err, testing::HasSubstr(line_of("rows_of_a_table")));
  EXPECT_THAT(examples.err, testing::HasSubstr("index out of range at position 1"));
  ToolRun values = run_tool({"dump", source() + ":outside", "--values"});
  EXPECT_EQ(values.code, 7);
  EXPECT_THAT(values.out, testing::HasSubstr("gather"));
  EXPECT_THAT(values.err, testing::HasSubstr(line_of("rows_of_a_table")));
}

TEST(ToolModels, parameters_that_change_with_the_batch) {
  ToolRun run = run_tool({"train", source() + ":growing", "-q", "--batch", "2", "--steps", "4"});
  EXPECT_REFUSED(run, 3, "changes with the batch size", "f32[2]", line_of("growing"));
}

TEST(ToolModels, a_function_that_throws) {
  EXPECT_REFUSED(train("throws"), 3,
                 "mistakes.cpp:", "the function of model 'throws' throws: no such thing");
  EXPECT_REFUSED(train("throws_5"), 3, "mistakes.cpp:",
                 "the function of model 'throws_5' throws what is no std::exception");
}

TEST(ToolModels, a_function_that_throws_when_it_runs_for_other_rows) {
  ToolRun run =
      run_tool({"train", source() + ":throws_later", "-q", "--batch", "2", "--epochs", "2"});
  EXPECT_REFUSED(run, 3,
                 "mistakes.cpp:", "the function of model 'throws_later' throws: no such thing");
}

TEST(ToolModels, a_parameter_larger_than_memory) {
  EXPECT_REFUSED(train("huge"), 7,
                 "f32[1000000,100000] of 400000000000 bytes does not fit into memory");
}

TEST(ToolModels, the_line_is_that_of_the_file_given_even_where_another_has_its_name) {
  Scratch scratch;
  scratch.write("mistakes.cpp", "");
  ToolRun run = run_tool({"train", source() + ":shapes", "-q"}, {.folder = scratch.path()});
  EXPECT_REFUSED(run, 3, "tests/mistakes/" + line_of("shapes"));
}

TEST(ToolModels, source_that_does_not_compile_shows_the_compilers_message) {
  Scratch scratch;
  std::string file = scratch.write("broken.cpp", "#include <vector>\nint x = undeclared_word;\n");
  EXPECT_REFUSED(run_tool({"train", file, "-q"}), 4, "broken.cpp:2:", "undeclared_word",
                 "broken.cpp does not compile");
  EXPECT_EQ(scratch.names(), std::vector<std::string>{"broken.cpp"});
}

TEST(ToolModels, source_without_a_model) {
  Scratch scratch;
  EXPECT_REFUSED(run_tool({"train", scratch.write("none.cpp", "int x;\n"), "-q"}), 3,
                 "none.cpp holds no", "GDJIT_MODEL(function");
}

TEST(ToolModels, no_compiler) {
  Scratch scratch;
  std::string file = scratch.write("line.cpp", line_model);
  EXPECT_REFUSED(run_tool({"train", file}, {.environment = {{"CXX", "/nonexistent/g++"}}}), 4,
                 "no C++ compiler: '/nonexistent/g++' is not found", "install g++", "CXX");
  EXPECT_REFUSED(
      run_tool({"train", file}, {.environment = {{"PATH", "/nonexistent"}, {"CXX", ""}}}), 4,
      "no C++ compiler: 'c++' is not found");
}

} // namespace
