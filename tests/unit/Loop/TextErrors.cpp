// Every mistake in the text of loops is named with line, column and remedy; the rules of the
// verifier among them.
#include "SampleText.h"
#include "TextMistake.h"
#include "gdjit/Driver/ReadStep.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Loop/Verifier.h"

namespace gdjit {
namespace {

using ::testing::HasSubstr;
using Mistake = test::TextMistake;

/// The sample with one part replaced.
std::string with(std::string_view from, std::string_view to,
                 std::string_view text = testing::loop_text) {
  return test::replaced(text, from, to);
}

std::string error_of(const std::string& text) {
  return test::error_of([&] { read_step(text, "t.gdir"); });
}

class LoopTextMistake : public ::testing::TestWithParam<Mistake> {};

TEST_P(LoopTextMistake, IsNamedWithItsPlaceAndRemedy) {
  const Mistake& m = GetParam();
  EXPECT_THAT(error_of(with(m.from, m.to)), HasSubstr(m.message));
}

INSTANTIATE_TEST_SUITE_P(
    Buffers, LoopTextMistake,
    ::testing::Values(
        Mistake{"buffer x :", "bufer x :",
                "t.gdir:15:1: error: expected a declaration, 'buffer', 'arena', 'note', 'kernel' "
                "or 'end', found 'bufer'"},
        Mistake{"buffer rows", "buffer x", "t.gdir:16:8: error: buffer 'x' is declared twice"},
        Mistake{"= input x, in", "= inputs x, in",
                "t.gdir:15:24: error: unknown role 'inputs'; roles are input, state, scalar"},
        Mistake{"= input x, in", "= input y, in", "the signature has no input 'y'"},
        Mistake{"= update w,", "= update ww,",
                "the signature has no update 'ww'; did you mean 'w'?"},
        Mistake{"same as t,", "same as tt,", "no buffer 'tt' is declared; did you mean 't'?"},
        Mistake{"same as t,", "same as x,", "no error"},
        Mistake{"same as t,", "same as w,",
                "buffer 't.view': is f32[96], but views 'w', which is f32[16]"},
        Mistake{"same as t,", "same as t.view,", "buffer 't.view' views itself"},
        Mistake{"in constants", "in konstants",
                "unknown place 'konstants'; places are argument, arena, constants, shared"},
        Mistake{"temporary, in arena + 64", "temporary",
                "buffer 't': has no place, though the program is planned"},
        Mistake{"temporary, in arena + 64", "temporary, in arena + 192",
                "buffer 't': 384 bytes at 192 do not lie in the arena of 512 bytes"},
        Mistake{"temporary, in arena + 64", "temporary, in arena + 65", "aligned to 8"},
        Mistake{"output p, in arena + 448", "output p, in arena + 0",
                "outputs 'loss' and 'p of 1' share bytes of the arena, from 0 on"},
        Mistake{"temporary, in arena + 64", "temporary, in arena + -64",
                "the offset in the arena must lie between 0"},
        Mistake{"same as t, in shared", "same as t, in argument",
                "is in place shared where it views another buffer"},
        Mistake{"temporary, in arena + 64", "temporary, in argument",
                "buffer 't': temporary lies in arena, not in argument"},
        Mistake{"buffer loss : f32[] = output loss,", "buffer loss : f32[] = temporary,",
                "t.gdir: error: no buffer holds output loss"},
        Mistake{"buffer loss : f32[] = output loss,", "buffer loss : f32[] = temporary,",
                "declare one: buffer NAME : TYPE = output loss, in arena + OFFSET"},
        Mistake{"buffer w.next : f32[16] = update w,", "buffer w.next : f32[16] = temporary,",
                "no buffer holds update w"},
        Mistake{"= update w, same as w, in shared", "= update w, in arena + 0",
                "buffer 'w.next': update lies in shared, not in arena"},
        Mistake{"buffer t.view : f32[96] = temporary, same as t, in shared",
                "buffer t.view : f32[96] = temporary, in arena + 64\n"
                "buffer u : f32[16] = update w, same as w, in shared",
                "buffers 'w.next' and 'u' both hold update w"},
        Mistake{"buffer t.view : f32[96] = temporary, same as t, in shared",
                "buffer t.view : f32[96] = temporary, in arena + 64\n"
                "buffer w2 : f32[16] = state w, in argument",
                "buffers 'w' and 'w2' both hold state w"},
        Mistake{"= update w, same as w, in shared", "= update w, same as t, in shared",
                "buffer 'w.next': is f32[16], but views 't'"},
        Mistake{"buffer table : f32[3] = constant [0.5, -0.0, nan], in constants",
                "buffer table : f32[3] = constant [0.5, -0.0, nan], in constants\n"
                "buffer other : f32[16] = temporary, in arena + 0\n"
                "buffer again : f32[16] = temporary, same as other, in shared",
                "no error"},
        Mistake{"= update w, same as w, in shared",
                "= update w, same as other, in shared\n"
                "buffer other : f32[16] = temporary, in arena + 0",
                "buffer 'w.next': a planned update lies in its state"},
        Mistake{"store w.next[", "store w.view[", "no buffer 'w.view' is declared"},
        Mistake{"arena 512 bytes\n", "",
                "a planned program says its 'arena … bytes'; the line is missing"},
        Mistake{"x : f32[6,16] = input", "x : f32[6,8] = input",
                "buffer 'x': is f32[6,8], the signature says f32[6,16]"},
        Mistake{"[0.5, -0.0, nan]", "[0.5, -0.0]", "the elements make [2], the type is f32[3]"},
        Mistake{"note @3", "note 3", "expected '@' before the number of a node"},
        Mistake{"note @3 unused", "note @5 unused", "node 5 is described otherwise above"},
        Mistake{"\nend\n", "\n", "the text ends before its last line 'end'"},
        Mistake{"\nend\n", "\nend\nend\n",
                "expected the end of the text behind 'end', found 'end'"},
        Mistake{"store t[i, j+lane] =", "store t[0, j+lane] =",
                "t.gdir:29:3: error: kernel 'k0': turns of a parallel loop share elements of 't'"},
        Mistake{"parallel for i in 0..6 {", "for i in 0..6 {", "no error"},
        Mistake{"kernel k1", "kernel k0", "two kernels are named 'k0'"}));

INSTANTIATE_TEST_SUITE_P(
    Loops, LoopTextMistake,
    ::testing::Values(
        Mistake{"for j in 0..16", "for i in 0..16", "a loop around is named 'i', too"},
        Mistake{"for j in 0..16", "for lane in 0..16", "'lane' cannot name a loop"},
        Mistake{"for j in 0..16", "for j 0..16", "expected 'in', found '0..16'"},
        Mistake{"for j in 0..16", "for j in 0-16", "expected '..' behind the begin of the loop"},
        Mistake{"for j in 0..16 step 16", "for j in 0..16 step 0",
                "the step of a loop must lie between 1"},
        Mistake{"for j in 0..16 step 16", "for j in 0..16 step 16000000000000000000",
                "the step of a loop must lie between 1"},
        Mistake{"for j in 0..16", "for j in 0..999999999999999999",
                "the end of a loop must lie between"},
        Mistake{"for j in 0..16 step 16 {", "for j in 0..16 step 16",
                "expected '{' to open the loop"},
        Mistake{"for j in 0..16 step 16", "for j in 0..17 step 16",
                "t.gdir:31:7: error: an index runs from 0 to 31, the extent is 16"},
        Mistake{"for j in 0..16 step 16", "for j in 0..0 step 16", "no error"},
        Mistake{"unrolled for", "enrolled for",
                "expected '%… =', 'for', 'store', 'streaming store', 'set', 'tile', 'transpose', "
                "'prefetch', 'check' or '}', found 'enrolled'"}));

INSTANTIATE_TEST_SUITE_P(
    Statements, LoopTextMistake,
    ::testing::Values(
        Mistake{"%2 = mul %0, %1", "%2 = mull %0, %1",
                "t.gdir:33:12: error: unknown operation 'mull'; did you mean 'mul'?"},
        Mistake{"%2 = mul %0, %1", "%2 = lookup %0, %1", "unknown operation 'lookup'"},
        Mistake{"%2 = mul %0, %1", "%2 = mul %0",
                "t.gdir:33:7: error: mul takes 2 operands, 1 given"},
        Mistake{"%2 = mul %0, %1", "%2 = mul %0, %3", "%3 is not defined above"},
        Mistake{"%2 = mul %0, %1", "%1 = mul %0, %1", "%1 is defined twice"},
        Mistake{"%2 = mul %0, %1", "%2 = mul %0, %1 : f64x16",
                "mul: gives f32, the statement says f64"},
        Mistake{"%2 = mul %0, %1", "%2 = mul %0, %1 : f32x8",
                "%0 is f32x16, the result f32x8: lanes differ"},
        Mistake{"%2 = mul %0, %1", "%2 = mul %0, %1 : f32x99999",
                "the lanes of 'f32x99999' must lie between 1 and 4096"},
        Mistake{"%2 = mul %0, %1", "%2 = mul %0, %1 : f33", "unknown type 'f33'"},
        Mistake{"%2 = mul %0, %1", "%2 = shl %0, %1", "shl: does not take f32"},
        Mistake{"%2 = mul %0, %1", "%99999999 = mul %0, %1",
                "the number of a value must lie between 0"},
        Mistake{"%2 = add %1, %0", "%2 = add %1, %1\n      %7 = add %6, %0",
                "%6 is not defined above"},
        Mistake{"store loss = %3", "store loss = %2",
                "%2 is not defined here; it ends with the loop that defines it"},
        Mistake{"store loss = %3", "store w = %3", "'w' is state, nothing may be stored there"},
        Mistake{"store loss = %3", "store los = %3",
                "no buffer 'los' is declared; did you mean 'loss'?"},
        Mistake{"store loss = %3", "store loss[0] = %3", "1 indices for rank 0"},
        Mistake{"load x[i, j+lane]", "load x[j+lane]", "1 indices for rank 2"},
        Mistake{"load x[i, j+lane]", "load x[i, k+lane]", "no loop around is named 'k'"},
        Mistake{"load x[i, j+lane]", "load x[i, j+lane+1]",
                "an index runs from 1 to 16, the extent is 16"},
        Mistake{"load x[i, j+lane]", "load x[i-1, j+lane]",
                "an index runs from -1 to 4, the extent is 6"},
        Mistake{"load x[i, j+lane]", "load x[i, j+]",
                "expected a loop, 'lane', a value or a number"},
        Mistake{"load x[i, j+lane]", "load x[i, j-%0]",
                "an index holds one value at most, and adds it"},
        Mistake{"load x[i, j+lane]", "load x[i, 281474976710656*j+281474976710656*j]",
                "an index sums up beyond"},
        Mistake{"load x[i, j+lane] : f32x16", "load x[i, j+lane]",
                "'lane' in the index of a scalar access"},
        Mistake{"load x[i, j+lane] : f32x16", "load x[i, j+lane] : f64x16",
                "'x' holds f32[6,16], the result is f64x16"},
        Mistake{"load table[1]", "load table[3]", "an index runs from 3 to 3, the extent is 3"},
        Mistake{"if %7 else %4", "if %7",
                "a load has both a mask ('if') and what masked lanes give ('else'), or neither"},
        Mistake{"if %7 else %4", "if %6 else %4", "the mask %6 is i64x16, expected boolx16"},
        Mistake{"if %7 else %4", "if %7 else %5",
                "what masked lanes give is i64, the result f32x16"},
        Mistake{"%4 = 1e-45 : f32", "%4 = 1e-45", "expected ':' before the type of a constant"},
        Mistake{"%5 = 7 : i64", "%5 = 7.5 : i64", "'7.5' is no i64"},
        Mistake{"index lane+3 : i64x16", "index lane+3 : i32x16", "an index is i64, not i32x16"},
        Mistake{"get t0[i]", "get t0[i+1]", "an index runs from 1 to 4, the extent is 4"},
        Mistake{"get t0[i]", "get t0", "0 indices for rank 1"},
        Mistake{"get t0[i]", "get t7[i]", "no tile t7 is declared above"},
        Mistake{"get t0[i]", "get tile[i]", "expected a tile, as t0"},
        Mistake{"set t0[i] = %2", "set t1 = %2", "t.gdir:47:7: error: %2 is f32x16, expected f64"},
        Mistake{"tile t0[4]", "tile t0[3]", "48 partials are no power of two"},
        Mistake{"tile t0[4]", "tile t0[0]", "a tile holds 1 to 1048576 elements"},
        Mistake{"tile t1 :", "tile t0 : f64 = 1\n  tile t1 :", "tile t0 is defined twice"},
        Mistake{"tile t1 : f64 = 1", "tile t1 : f64",
                "expected '=' before the first value of a tile"},
        Mistake{"join add t0", "join add t0[4]", "an index runs from 4 to 4, the extent is 4"},
        Mistake{"join add t0", "join add t0[1, 1]", "2 indices for rank 1"},
        Mistake{"join add t0", "join add t0 : f32x2",
                "a vector of 2 lanes joins the rows of a part of a tile, 1 to 2 of them"},
        Mistake{"tile t1 :", "transpose t0[1]\n  tile t1 :",
                "what is transposed has as many elements as lanes, 16 in tile t0, or a part of "
                "them, and a power of two"},
        Mistake{"join add t0", "join sqrt t0", "tiles are not joined by sqrt"},
        Mistake{"join add t0", "join plus t0", "unknown operation 'plus'"},
        Mistake{"streaming store t", "streaming set t", "expected 'store', found 'set'"},
        Mistake{"streaming store t[i, j+lane] = %2", "streaming store t[i, j] = 0",
                "a streaming store writes whole vectors of elements side by side"},
        Mistake{"streaming store t[i, j+lane] = %2", "streaming store t[i, 0*lane] = %2",
                "a streaming store writes whole vectors of elements side by side"},
        Mistake{"streaming store t[i, j+lane] = %2",
                "%3 = lt (index lane : i64x16), 8\n      streaming store t[i, j+lane] = %2 if %3",
                "a streaming store writes whole vectors of elements side by side"},
        Mistake{"prefetch t[5, 4*k]", "prefetch t[5]", "1 indices for rank 2"},
        Mistake{"prefetch t[5", "prefetch tt[5", "no buffer 'tt' is declared; did you mean 't'?"},
        Mistake{"prefetch t[5, 4*k]", "prefetch t[5, 4*k] if %12",
                "expected the end of the line, found 'if'"},
        Mistake{"prefetch t[5, 4*k]", "prefetch x[%11, 3]",
                "a prefetch is indexed by loops and numbers only"},
        Mistake{"tile t1 :", "tile t2[3] : f32x6 = 0\n  transpose t2\n  tile t1 :",
                "6 in tile t2, or a part of them, and a power of two"},
        Mistake{"prefetch t[5, 4*k]", "prefetch t[5, lane]",
                "'lane' in the index of a scalar access"},
        Mistake{"check %12 at k", "check %11 at k", "%11 is i64, expected bool"},
        Mistake{"check %12 at k", "check %12", "expected 'at', found the end of the line"},
        Mistake{"convert %13 : f64", "convert %13", "this needs its type, as in ': f32'"},
        Mistake{"select %12, %16, %13", "select %16, %16, %13",
                "select: the condition is f32, expected bool"},
        Mistake{"load x[%11, 3]", "load x[%12, 3]", "%12 is bool, an index needs i64"},
        Mistake{"@7 loss (backward", "@7 lost (forward",
                "expected ')' behind the place of a node, found"},
        Mistake{"} because \"the sum", "} becuse \"the sum",
                "expected the end of the line, found 'becuse'"},
        Mistake{"  }\n}\n\nend", "  }\n\nend", "the text ends inside a kernel"}));

/// A kernel of one line over x : f32[4] and buffers that bear a tile's and an operation's name.
static std::string one_line(const std::string& line) {
  return "gdir 1\nstage loops\nmodel m\nstep s\nbatch 0\ninput x : f32[4]\noutput y : f32[4]\n\n"
         "buffer x : f32[4] = input x\nbuffer y : f32[4] = output y\n"
         "buffer t0 : f32[4] = constant [1, 2, 3, 4]\n"
         "buffer exp : f32[4] = constant [5, 6, 7, 8]\n\n"
         "kernel k0 \"\" {\n  tile t0 : f32 = 0\n  for i in 0..4 {\n    " +
         line + "\n  }\n}\n\nend\n";
}

TEST(LoopText, ValuesInPlaceAreTheStatementsTheyStandFor) {
  std::string in_place = one_line("store y[i] = fma x[i], t0, (mul (exp (load exp[i])), x[i+0])");
  std::string spelled = one_line("%0 = load x[i]\n    %1 = get t0\n    %2 = load exp[i]\n"
                                 "    %3 = exp %2\n    %4 = load x[i]\n    %5 = mul %3, %4\n"
                                 "    %6 = fma %0, %1, %5\n    store y[i] = %6");
  std::string printed = print(read_step(in_place, "t.gdir").program);
  EXPECT_THAT(printed, HasSubstr("  store y[i] = fma x[i], t0, (mul (exp (load exp[i])), x[i])\n"));
  EXPECT_EQ(print(read_step(spelled, "t.gdir").program), printed);
  EXPECT_EQ(print(read_step(printed, "t.gdir").program), printed);
}

TEST(LoopText, ABufferNamedAsATileIsLoadedByTheWord) {
  std::string text =
      print(read_step(one_line("store y[i] = add (load t0[i]), t0"), "t.gdir").program);
  EXPECT_THAT(text, HasSubstr("store y[i] = add (load t0[i]), t0\n"));
}

TEST(LoopText, NumbersStandWhereTheyAreUsed) {
  std::string spelled = one_line("%0 = 2 : f32\n    %1 = nan : f32\n    %2 = load x[i]\n"
                                 "    %3 = mul %2, %0\n    %4 = lt %3, %0\n"
                                 "    %5 = select %4, %1, %3\n    store y[i] = %5");
  std::string printed = print(read_step(spelled, "t.gdir").program);
  EXPECT_THAT(printed, HasSubstr("    %0 = mul x[i], 2\n"
                                 "    store y[i] = select (lt %0, 2), nan, %0\n"));
  EXPECT_EQ(print(read_step(printed, "t.gdir").program), printed);
}

TEST(LoopText, NumbersAloneHaveTheirTypes) {
  std::string text =
      print(read_step(one_line("store y[i] = add (1 : f32), (2 : f32)"), "t.gdir").program);
  EXPECT_THAT(text, HasSubstr("store y[i] = add (1 : f32), (2 : f32)\n"));
  text = print(read_step(one_line("%0 = 7 : f32\n    store y[i] = %0"), "t.gdir").program);
  EXPECT_THAT(text, HasSubstr("    store y[i] = 7\n"));
}

TEST(LoopText, WhatATileHoldsKeepsItsNumberAcrossAChange) {
  std::string before = one_line("%0 = get t0\n    set t0 = add t0, x[i]\n"
                                "    store y[i] = add %0, t0");
  std::string printed = print(read_step(before, "t.gdir").program);
  EXPECT_THAT(printed, HasSubstr("    %0 = get t0\n    set t0 = add t0, x[i]\n"
                                 "    store y[i] = add %0, t0\n"));
  std::string in_a_loop = one_line("%0 = get t0\n    for j in 0..2 {\n"
                                   "      store y[j] = add %0, t0\n      set t0 = x[i]\n    }");
  printed = print(read_step(in_a_loop, "t.gdir").program);
  EXPECT_THAT(printed, HasSubstr("    %0 = get t0\n    for j in 0..2 {\n"
                                 "      store y[j] = add %0, t0\n"));
}

TEST(LoopText, ABufferNamedAsANumberIsLoadedByTheWord) {
  std::string text = one_line("store y[i] = add (load nan[i]), x[i]");
  text.replace(text.find("buffer exp"), 10, "buffer nan");
  std::string printed = print(read_step(text, "t.gdir").program);
  EXPECT_THAT(printed, HasSubstr("store y[i] = add (load nan[i]), x[i]\n"));
  EXPECT_EQ(print(read_step(printed, "t.gdir").program), printed);
}

TEST(LoopText, ValuesOfAnotherOrderKeepTheirLines) {
  std::string line = "%0 = load x[i]\n    %1 = load y[i]\n    store y[i] = sub %1, %0";
  std::string text = print(read_step(one_line(line), "t.gdir").program);
  EXPECT_THAT(text, HasSubstr("    %0 = load x[i]\n    store y[i] = sub y[i], %0\n"));
  EXPECT_EQ(print(read_step(text, "t.gdir").program), text);
}

TEST(LoopText, MistakesInPlaceAreNamed) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"store y[i] = add x[i], z[i]", "no buffer 'z' is declared"},
      {"store y[i] = add x[i], (expp t0)", "unknown operation 'expp'; did you mean 'exp'?"},
      {"store y[i] = add x[i], (exp t0", "expected ')' behind what gives a value"},
      {"store y[i] = add x[i], t7", "no tile t7 is declared above"},
      {"store y[i] = add x[i], x[9]", "the extent is 4"},
      {"store y[i] = convert x[i]", "write it in parentheses, as in (convert %0 : f32)"},
      {"store y[i] = add x[i]", "add takes 2"},
      {"store y[i] = add 1, 2", "this number needs its type, as in (1 : f32)"},
      {"store y[i] = select 1, x[i], t0", "select"},
      {"store y[i] = add x[i], 1e400", "1e400"},
      {"store y[i] = =", "a value: its number, an element of a buffer or tile"},
  };
  for (auto [line, message] : mistakes)
    EXPECT_THAT(error_of(one_line(line)), HasSubstr(message)) << line;
  std::string deep = "store y[i] = add x[i], ";
  for (int i = 0; i < 100; ++i)
    deep += "(exp ";
  EXPECT_THAT(error_of(one_line(deep)), HasSubstr("parentheses are nested deeper than 64"));
}

TEST(LoopText, ReportsManyMistakesInOneRun) {
  std::string text = with("%2 = mul %0, %1", "%2 = mull %0, %1");
  text = with("get t0[i]", "get t9[i]", text);
  std::string message = error_of(text);
  EXPECT_THAT(message, HasSubstr("t.gdir:33:12: error: unknown operation 'mull'"));
  EXPECT_THAT(message, HasSubstr("t.gdir:45:16: error: no tile t9 is declared above"));
}

TEST(LoopText, NestingBeyondTheStatedDepthIsRefused) {
  auto nested = [](int depth) {
    std::string text = "gdir 1\nstage loops\nmodel m\nstep s\nbatch 0\nkernel k {\n";
    for (int i = 0; i < depth; ++i)
      text += "for i" + std::to_string(i) + " in 0..1 {\n";
    for (int i = 0; i < depth; ++i)
      text += "}\n";
    return text + "}\nend\n";
  };
  EXPECT_EQ(error_of(nested(TextLimits::nesting)), "no error");
  EXPECT_THAT(error_of(nested(TextLimits::nesting + 1)),
              HasSubstr("loops are nested deeper than 64"));
  EXPECT_THAT(error_of(nested(100000)), HasSubstr("loops are nested deeper than 64"));
}

TEST(LoopText, AKernelOfAHundredThousandStatementsIsReadInLinearTime) {
  std::string text =
      "gdir 1\nstage loops\nmodel m\nstep s\nbatch 0\n\nkernel k \"long\" {\n  %0 = 1 : f32\n";
  for (int i = 1; i < 100000; ++i)
    text += "  %" + std::to_string(i) + " = neg %" + std::to_string(i - 1) + "\n";
  text += "}\n\nend\n";
  TextStep read = read_step(text, "t.gdir");
  EXPECT_EQ(read.program.kernels[0].values, 100000u);
  EXPECT_THAT(print(read.program), HasSubstr("  %24998 = neg (neg (neg (neg %24997)))\n"));
}

TEST(LoopText, LoopsOfOneNameInOneAnotherArePrintedApart) {
  TextStep read = read_step(testing::loop_text, "t.gdir");
  loop::Program program = read.program;
  program.kernels[0].loop_names = {"i", "i"};
  std::string text = print(program);
  EXPECT_THAT(text, HasSubstr("for i1 in 0..16 step 16"));
  EXPECT_THAT(text, HasSubstr("load x[i, i1+lane]"));
  EXPECT_EQ(print(read_step(text, "t.gdir").program), text);
}

TEST(LoopText, BuffersOfOneNameArePrintedApart) {
  loop::Program program = read_step(testing::loop_text, "t.gdir").program;
  program.buffers[1].name = "x";
  std::string text = print(program);
  EXPECT_THAT(text, HasSubstr("buffer x_2 : i64[4]"));
  EXPECT_THAT(text, HasSubstr("load x_2[k]"));
  Diagnostics diagnostics;
  verify(program, diagnostics);
  ASSERT_EQ(diagnostics.size(), 1u);
  EXPECT_EQ(diagnostics.all()[0].message, "two buffers are named 'x'");
}

} // namespace
} // namespace gdjit
