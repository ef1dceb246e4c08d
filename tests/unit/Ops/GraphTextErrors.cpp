// Every mistake in the text of a graph is named with line, column and remedy, and many at once.
#include "SampleText.h"
#include "TextMistake.h"
#include "gdjit/Ops/GraphParser.h"

namespace gdjit {
namespace {

using ::testing::HasSubstr;
using Mistake = test::TextMistake;

/// The sample with one part replaced.
std::string with(std::string_view from, std::string_view to,
                 std::string_view text = testing::graph_text) {
  return test::replaced(text, from, to);
}

std::string error_of(const std::string& text) {
  return test::error_of([&] { parse_step(text, "t.gdir"); });
}

class GraphTextMistake : public ::testing::TestWithParam<Mistake> {};

TEST_P(GraphTextMistake, IsNamedWithItsPlaceAndRemedy) {
  const Mistake& m = GetParam();
  EXPECT_THAT(error_of(with(m.from, m.to)), HasSubstr(m.message));
}

INSTANTIATE_TEST_SUITE_P(
    Header, GraphTextMistake,
    ::testing::Values(
        Mistake{
            "gdir 1", "ELF",
            "t.gdir:1:1: error: this is no text of gdjit: it begins with 'gdir 1', found 'ELF'"},
        Mistake{"gdir 1", "gdir 2", "t.gdir:1:7: error: this gdjit reads version 1"},
        Mistake{"stage fused", "stage fusd",
                "t.gdir:2:7: error: no text is read at stage 'fusd'; did you mean 'fused'?"},
        Mistake{"\ninput ", "\ninptu ",
                "no declaration begins with 'inptu'; did you mean 'input'?"},
        Mistake{"\noutput ", "\noutputs ", "'outputs'; did you mean 'output'?"},
        Mistake{"stage fused", "stage llvm", "no text is read at stage 'llvm'"},
        Mistake{"step training", "stop training",
                "t.gdir:4:1: error: expected 'step', found 'stop'"},
        Mistake{"batch 6", "batch -6", "t.gdir:5:7: error: the batch size must lie between 0 and"},
        Mistake{"batch 6\n", "", "expected 'batch'"},
        Mistake{"\"every construct\"", "\"every construct", "the closing '\"' is missing"},
        Mistake{"\"every construct\"", "\"every\\qconstruct\"", "unknown escape"}));

INSTANTIATE_TEST_SUITE_P(
    Declarations, GraphTextMistake,
    ::testing::Values(
        Mistake{"input x : f32[6,2]", "input x : f33[6,2]",
                "t.gdir:7:11: error: unknown element type 'f33'"},
        Mistake{"input x : f32[6,2]", "input x : f32[6,-2]", "an extent must lie between 0 and"},
        Mistake{"input x : f32[6,2]", "input x : f32[99999999999999999999,2]",
                "an extent must lie between 0 and"},
        Mistake{"input x : f32[6,2]", "input x : f32[1099511627776,1099511627776]",
                "t.gdir:7:11: error: "},
        Mistake{"input x : f32[6,2]", "input x : f32[1,1,1,1,1,1,1,1,1]", "t.gdir:7:11: error: "},
        Mistake{"input x : f32[6,2], batch axis 0", "input x : f32[6,2], batch axis 2",
                "f32[6,2] has no axis 2"},
        Mistake{"batch 6\n", "batch 3\n",
                "t.gdir:7:31: error: axis 0 of f32[6,2] is no batch of 3"},
        Mistake{"output passed : bool[6,1], batch axis 0",
                "output passed : bool[6,1], batch axis 1", "axis 1 of bool[6,1] is no batch of 6"},
        Mistake{"data \"class number\" =", "data x =", "input 'x' has such rows above"},
        Mistake{"scalar step : i64", "scalar step : f32",
                "t.gdir:11:15: error: scalar 'step' is f32, and has a meaning of its own as i64; "
                "choose another name"},
        Mistake{"scalar training : bool = true", "scalar training : i32 = 1",
                "scalar 'training' is i32, and has a meaning of its own as bool"},
        Mistake{"input \"class number\"", "input x",
                "input 'x' is declared twice\n  first here   t.gdir:7:7"},
        Mistake{"scalar seed", "scalar lr", "scalar 'lr' is declared twice"},
        Mistake{
            "scalar seed : i64", "scalar seed : i64 = 9007199254740993",
            "t.gdir:10:21: error: a scalar is given as a double, which holds every integer up to "
            "2^53 only"},
        Mistake{"scalar seed : i64", "scalar seed : i64 = 9007199254740992", "no error"},
        Mistake{"scalar lr : f32 = 0.1", "scalar lr : f32 = fast",
                "expected a number, found 'fast'"},
        Mistake{"training : bool = true", "training : bool = 1", "expected 'false', found '1'"},
        Mistake{"state b", "state w", "state 'w' is declared twice"},
        Mistake{"update b\n", "update bb\n", "no state 'bb' is declared above; did you mean 'b'?"},
        Mistake{"update b\n", "update w\n", "update of state 'w' is declared twice"},
        Mistake{"output passed : bool", "output loss : bool", "output 'loss' is declared twice"},
        Mistake{"data x", "data xx", "no input 'xx' is declared above"},
        Mistake{"[[1, 2], [2, 3], [3, 1]]", "[[1, 2], [2, 3]]",
                "the elements make [2,2], the type is f32[3,2]"},
        Mistake{"[[1, 2], [2, 3], [3, 1]]", "[[1, 2], [2], [3, 1]]",
                "this bracket holds 1 items, the one before it 2"},
        Mistake{"[[1, 2], [2, 3], [3, 1]]", "[[1, 2], 3, [3, 1]]", "expected '[', found '3'"},
        Mistake{"[[1, 2], [2, 3], [3, 1]]", "[1, [2, 3]]",
                "expected a number as before, found '['"},
        Mistake{"[[1, 2], [2, 3], [3, 1]]", "[[1, 2 2, 3]]", "expected ',' or ']', found '2'"},
        Mistake{"[[1, 2], [2, 3], [3, 1]]", "[[[[[[[[[1]]]]]]]]]", "brackets nested deeper than 8"},
        Mistake{"[[1, 2], [2, 3], [3, 1]]", "[[1, 2], [2, 3], [3, 1e99]]",
                "'1e99' is no f32, or too large or too small for it"},
        Mistake{"data x :", "data x = file", "in quotes"},
        Mistake{"batch axis 0                        @ 05.cpp:8:14", "batch axis 0 @",
                "expected file:line:column behind '@'"},
        Mistake{"@ 05.cpp:8:14", "@ 05.cpp:8:14 x", "expected the end of the line, found 'x'"}));

INSTANTIATE_TEST_SUITE_P(
    InitialValues, GraphTextMistake,
    ::testing::Values(
        Mistake{"= zeros ", "= zeroes ", "no scalar 'zeroes' is declared above"},
        Mistake{"= zeros ", "= zeros:f32[2] ", "the initial value is f32[2], the state f32[1]"},
        Mistake{"= zeros ", "= lr ", "the initial value is f32[], the state f32[1]"},
        Mistake{"= zeros ", "= broadcst(0:f32[]) ",
                "unknown op 'broadcst'; did you mean 'broadcast'?"},
        Mistake{"= zeros ", "= broadcast(0) ", "a number needs its type here, as in 0:f32[]"},
        Mistake{"= zeros ", "= add(1) ", "t.gdir:15:20: error: add: takes 2 operands, 1 given"},
        Mistake{"= zeros ", "= add(1, 2 ", "expected ',' between operands"},
        Mistake{"= zeros ", "= sum:f32[2](ones:f32[1,4], axes=[1]) ",
                "sum gives f32[1], the text says f32[2]"},
        Mistake{"= zeros ", "= sum(ones:f32[1,4], axs=[1]) ", "no scalar 'axs' is declared above"},
        Mistake{"= zeros ", "= sum(ones:f32[1,4], depth=[1]) ",
                "sum has no attribute 'depth'; it takes"},
        Mistake{"= zeros ", "= %7 ", "%7 is not defined above by 'let %7 = …'"},
        Mistake{"= zeros ", "= constant([1, 2]) ", "the elements make [2], the type is f32[1]"},
        Mistake{"let %0 = mul:f32[2,1](", "let %0 = mul(",
                "t.gdir:13:14: error: uniform: attribute 'dtype' is missing"}));

INSTANTIATE_TEST_SUITE_P(
    Nodes, GraphTextMistake,
    ::testing::Values(
        Mistake{"graph {", "grph {", "expected a declaration or 'graph {', found 'grph'"},
        Mistake{"%7 = broadcast", "%7 = brodcast",
                "unknown op 'brodcast'; did you mean 'broadcast'?"},
        Mistake{"%7 = broadcast", "%6 = broadcast",
                "%6 is defined twice\n  first here   t.gdir:35:5"},
        Mistake{"%\"p of 1\" = sigmoid", "%lr = sigmoid", "%lr is defined twice"},
        Mistake{"add %6, %7", "add %6, %99",
                "t.gdir:37:18: error: %99 is not defined above; nodes stand before their users"},
        Mistake{"matmul %x, %w", "matmul %x, %ww", "%ww is not defined above"},
        Mistake{"add %6, %7", "add %6, %17", "%17 is not defined above"},
        Mistake{"add %6, %7", "add %6", "add: takes 2 operands, 1 given"},
        Mistake{"add %6, %7", "add %6, %7, %7", "add: takes 2 operands, 3 given"},
        Mistake{"add %6, %7", "add %6, %x", "t.gdir:37:5: error: add: "},
        Mistake{"add %6, %7", "add %6, %7#1", "the node has 1 result"},
        Mistake{"add %6, %7 : f32[6,1]", "add %6, %7 : f32[6,2]",
                "t.gdir:37:5: error: add gives f32[6,1] here, the text says f32[6,2]"},
        Mistake{"add %6, %7 : f32[6,1]", "add %6, %7 : f64[6,1]",
                "add gives f32[6,1] here, the text says f64[6,1]"},
        Mistake{"add %6, %7 : f32[6,1]", "add %6, %7 : f32[6,1], f32[6,1]",
                "add has 1 results, the text gives 2 types"},
        Mistake{"add %6, %7", "add %6, %7 axes=[0]", "add has no attribute 'axes'; it takes none"},
        Mistake{"axes=[0, 1] order", "axs=[0, 1] order", "sum has no attribute 'axs'; it takes"},
        Mistake{"axes=[0, 1] order", "axes=[0, 1] axes=[0] order",
                "attribute 'axes' is given twice"},
        Mistake{"axes=[0, 1] order", "axes=[0, 7] order", "t.gdir:46:5: error: sum: "},
        Mistake{"axes=[0, 1] order", "axes=[0 1] order", "expected ',' in a value of 'axes'"},
        Mistake{"axes=[0, 1] order", "axes order", "expected '=' behind the attribute 'axes'"},
        Mistake{"f32:partials(16)", "f32:partials(17)", "must be a power of two"},
        Mistake{"f32:partials(16)", "f32:partial(16)",
                "unknown order 'partial'; write f32:sequential"},
        Mistake{"f32:blocks(16384,16)", "f32:blocks(100,16)", "a block a multiple of it"},
        Mistake{"keepdims order", "keepdims=maybe order", "expected 'false', found 'maybe'"},
        Mistake{"start=[0, 0]", "start=[0, 999999999999999999]", "must lie between"},
        Mistake{"[1, 2.5, -0.0, nan, -inf] : f32[5]", "[1, 2.5] : f32[5]",
                "the elements make [2], the type is f32[5]"},
        Mistake{"[1, 2.5, -0.0, nan, -inf] : f32[5]", "[1, 2.5, -0.0, nan, -inf]",
                "a constant needs its type"},
        Mistake{"[1, 2.5, -0.0, nan, -inf] : f32[5]", "[1, 2.5, -0.0, 1, 2] : i32[5]",
                "'2.5' is no i32, or too large for it"},
        Mistake{"splat true : bool[20]", "splat 7 : bool[20]",
                "'7' is no bool; write true or false"},
        Mistake{"splat true : bool[20]", "splat true : bool[1099511627776]",
                "a constant holds at most 67108864: broadcast a scalar instead"},
        Mistake{"splat true : bool[20]", "file \"c.npy\" : bool[20]", "cannot be read from here"},
        Mistake{"= input x", "= input y", "the signature has no input 'y'"},
        Mistake{"= state b", "= state bb", "the signature has no state 'bb'; did you mean 'b'?"},
        Mistake{"= scalar lr", "= scalar rl",
                "the signature has no scalar 'rl'; did you mean 'lr'?"},
        Mistake{"= broadcast %2 : f32[6,1]", "= broadcast %2", "broadcast: attribute 'shape'"},
        Mistake{"  %2 = state", "  2 = state",
                "expected a node '%…', a heading, 'kernel', 'output', 'update' or '}', found '2'"},
        Mistake{"backward:", "backward", "expected ':' behind the heading"},
        Mistake{"%\"p of 1\" = ", "%\"\" = ", "a node's name is empty"}));

INSTANTIATE_TEST_SUITE_P(
    KernelsAndResults, GraphTextMistake,
    ::testing::Values(
        Mistake{"stage fused", "stage simplified",
                "kernels stand at stage fused, this is simplified"},
        Mistake{"  kernel k1 \"loss\" {", "  kernel k0 \"loss\" {",
                "kernel 'k0' is opened again; only the first time has a title"},
        Mistake{"  } because \"the loss needs the whole sum\"\n", "", "a kernel within a kernel"},
        Mistake{"because \"the", "because the", "expected the reason of a boundary in quotes"},
        Mistake{"output loss = %15", "output losss = %15",
                "the signature has no output 'losss'; did you mean 'loss'?"},
        Mistake{"output loss = %15", "output loss = %16",
                "output 'loss' is declared f32[], its value is f32[1,1]"},
        Mistake{"  output loss = %15\n", "",
                "output 'loss' has no value; write 'output loss = %…'"},
        Mistake{"  output passed = %12\n", "  output loss = %15\n",
                "output 'loss' has a value already"},
        Mistake{"  update b = %21\n", "", "the update of 'b' has no value"},
        Mistake{"update b = %21", "update table = %21", "the signature has no update of 'table'"},
        Mistake{"update b = %21", "update b = %19",
                "update 'b' is declared f32[1], its value is f32[2,1]"},
        Mistake{"  update b = %21\n}\n", "  update b = %21\n",
                "the text ends inside 'graph {'; its closing '}' is missing"},
        Mistake{"  update b = %21\n}\n", "  update b = %21\n}\nmore\n",
                "expected the end of the text behind the body, found 'more'"}));

TEST(GraphText, ReportsManyMistakesInOneRun) {
  std::string text = with("add %6, %7", "ad %6, %7");
  text = with("= sigmoid", "= sigmod", text);
  text = with("gt %", "gtt %", text);
  std::string message = error_of(text);
  EXPECT_THAT(message, HasSubstr("t.gdir:37:10: error: unknown op 'ad'; did you mean 'add'?"));
  EXPECT_THAT(message,
              HasSubstr("t.gdir:38:17: error: unknown op 'sigmod'; did you mean 'sigmoid'?"));
  EXPECT_THAT(message, HasSubstr("t.gdir:41:11: error: unknown op 'gtt'"));
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 2)
      << "users of a wrong line add no message";
}

TEST(GraphText, StopsAfterTwentyMistakes) {
  std::string text = "gdir 1\nstage declared\nmodel m\nstep s\nbatch 0\ngraph {\n";
  for (int i = 0; i < 100; ++i)
    text += "  %" + std::to_string(i) + " = nonsense\n";
  std::string message = error_of(text + "}\n");
  EXPECT_THAT(message, HasSubstr("too many errors, reading stops here"));
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 20);
}

TEST(GraphText, AMistakeInTypesShowsTheUsersLineAndTheOperands) {
  std::string message = error_of(with("add %6, %7", "add %6, %x"));
  EXPECT_THAT(message, HasSubstr("t.gdir:37:5: error: add: "));
  EXPECT_THAT(message, HasSubstr("rhs x"));
  EXPECT_THAT(message, HasSubstr("05.cpp:8:14"));
  EXPECT_THAT(message, HasSubstr("written at"));
}

TEST(GraphText, AnEmptyTextIsNamedAsSuch) {
  for (const char* text : {"", "\n\n", "; only a comment\n"})
    EXPECT_THAT(error_of(text), HasSubstr("the text is empty; it begins with 'gdir 1'"));
}

TEST(GraphText, NestingBeyondTheStatedDepthIsRefused) {
  auto nested = [](int depth) {
    std::string value;
    for (int i = 0; i < depth; ++i)
      value += "neg(";
    value += "1";
    for (int i = 0; i < depth; ++i)
      value += ")";
    return with("= zeros ", "= " + value + " ");
  };
  EXPECT_EQ(error_of(nested(TextLimits::nesting)), "no error");
  EXPECT_THAT(error_of(nested(TextLimits::nesting + 1)),
              HasSubstr("expressions are nested deeper than 64; name a part by 'let %0 = …'"));
  EXPECT_THAT(error_of(nested(100000)), HasSubstr("nested deeper than 64"));
}

TEST(GraphText, LoopIrIsRefusedWhereAGraphIsExpected) {
  EXPECT_THAT(error_of(std::string(testing::loop_text)),
              HasSubstr("stage planned is Loop IR, a graph is expected here"));
}

} // namespace
} // namespace gdjit
