// Temporaries that live within one turn hold one turn, and no bit changes; what another turn, nest
// or kernel touches keeps its elements.
#include "gdjit/Driver/ReadStep.h"
#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/Loop/KernelView.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Loop/Verifier.h"
#include "gdjit/Memory/Plan.h"

#include <gmock/gmock.h>

#include <fmt/format.h>

namespace gdjit {
namespace {

using testing::HasSubstr;

constexpr std::string_view head = R"gdir(gdir 1
stage scheduled
model one_turn
step training
batch 8

input x : f32[8,16]
output y : f32[8,16]

buffer x : f32[8,16] = input x
buffer t : f32[8,16] = temporary
buffer y : f32[8,16] = output y

)gdir";

/// The plan of a program with these kernels, which gives the same numbers; its remarks behind it.
std::string planned(const std::string& kernels) {
  loop::Program program = read_step(std::string(head) + kernels + "\nend\n", "t.gdir").program;
  Array x({DType::f32, {8, 16}});
  for (int64_t k = 0; k < x.elements(); ++k)
    x.set(k, static_cast<double>(k * 7 % 23));
  const CallResults expected = interpret(program, {{x}, {}, {}});
  PassContext context;
  program = plan(std::move(program), context);
  Diagnostics diagnostics;
  verify(program, diagnostics);
  std::string text = loop::print(program);
  EXPECT_TRUE(diagnostics.all().empty()) << text;
  EXPECT_TRUE(same_bits(expected.outputs[0], interpret(program, {{x}, {}, {}}).outputs[0])) << text;
  for (const std::string& remark : context.remarks)
    text += remark + "\n";
  return text;
}

/// One nest: t = x + x row by row, then y from t at this row.
std::string rows(const std::string& loop, const std::string& row) {
  return fmt::format(R"(kernel k0 "rows" {{
  {0} {{
    for j in 0..16 {{
      store t[{1}, j] = add x[{1}, j], x[{1}, j]
    }}
    for j in 0..16 {{
      store y[{1}, j] = sub t[{1}, 15-j], x[{1}, j]
    }}
  }}
}}
)",
                     loop, row);
}

TEST(OneTurn, ARowOfOneTurnIsOneRow) {
  const std::string text = planned(rows("for i in 0..8", "i"));
  EXPECT_THAT(text, HasSubstr("buffer t : f32[16] = temporary"));
  EXPECT_THAT(text, HasSubstr("store t[j] = "));
  EXPECT_THAT(text, HasSubstr("t[-j+15]"));
  EXPECT_THAT(text, HasSubstr("k0: t is f32[16] instead of f32[8,16]: it lives within one turn"));
}

TEST(OneTurn, TurnsOfAParallelLoopKeepARowEach) {
  const std::string text =
      planned("kernel k0 \"rows\" {\n  parallel for p in 0..2 {\n    for i in 0..4 {\n"
              "      for j in 0..16 {\n        store t[4*p+i, j] = add x[4*p+i, j], 1\n      }\n"
              "      for j in 0..16 {\n        store y[4*p+i, j] = neg t[4*p+i, j]\n      }\n"
              "    }\n  }\n}\n");
  EXPECT_THAT(text, HasSubstr("buffer t : f32[2,16] = temporary"));
  EXPECT_THAT(text, HasSubstr("store t[p, j] = "));
}

TEST(OneTurn, RowsSideBySideAreAsManyRows) {
  const std::string text = planned(
      "kernel k0 \"rows\" {\n  for i in 0..8 step 4 {\n"
      "    for r in 0..4 {\n      for j in 0..16 {\n        store t[i+r, j] = add x[i+r, j], 1\n"
      "      }\n    }\n    for j in 0..16 {\n      for r in 0..4 {\n"
      "        store y[i+r, j] = neg t[i+r, j]\n      }\n    }\n  }\n}\n");
  EXPECT_THAT(text, HasSubstr("buffer t : f32[4,16] = temporary"));
  EXPECT_THAT(text, HasSubstr("store t[r, j] = "));
}

TEST(OneTurn, WhatIsLeftOverBehindALoopSharesItsRow) {
  std::string nests;
  for (const char* loop :
       {"for i in 0..6 step 3 {\n    for r in 0..3", "for i in 6..8 step 2 {\n    for r in 0..2"})
    nests += fmt::format("  {0} {{\n      for j in 0..16 {{\n"
                         "        store t[i+r, j] = add x[i+r, j], 1\n      }}\n"
                         "      for j in 0..16 {{\n        store y[i+r, j] = neg t[i+r, j]\n"
                         "      }}\n    }}\n  }}\n",
                         loop);
  const std::string text = planned("kernel k0 \"rows\" {\n" + nests + "}\n");
  EXPECT_THAT(text, HasSubstr("buffer t : f32[16] = temporary"));
}

TEST(OneTurn, WhatALaterNestOrKernelReadsKeepsItsElements) {
  const std::string write = "  for i in 0..8 {\n    for j in 0..16 {\n"
                            "      store t[i, j] = add x[i, j], 1\n    }\n  }\n",
                    read = "  for i in 0..8 {\n    for j in 0..16 {\n"
                           "      store y[i, j] = neg t[i, j]\n    }\n  }\n";
  for (const char* between : {"", "}\n\nkernel k1 \"read\" {\n"})
    EXPECT_THAT(planned(fmt::format("kernel k0 \"write\" {{\n{}{}{}}}\n", write, between, read)),
                HasSubstr("buffer t : f32[8,16] = temporary"));
}

TEST(OneTurn, WhatAnotherTurnReadsKeepsItsElements) {
  EXPECT_THAT(planned("kernel k0 \"rows\" {\n  for i in 0..8 {\n    for j in 0..16 {\n"
                      "      store t[i, j] = add x[i, j], 1\n"
                      "      store y[i, j] = neg t[0, j]\n    }\n  }\n}\n"),
              HasSubstr("buffer t : f32[8,16] = temporary"));
  EXPECT_THAT(planned("kernel k0 \"rows\" {\n  for s in 0..2 {\n    for i in 0..8 {\n"
                      "      for j in 0..16 {\n        store t[i, j] = add x[i, j], 1\n"
                      "        store y[i, j] = neg t[i, j]\n      }\n    }\n  }\n}\n"),
              HasSubstr("buffer t : f32[8,16] = temporary"))
      << "the outer loop's turns have elements in common";
}

TEST(OneTurn, MaskedLanesMayLieBehindARow) {
  const std::string text = planned(
      "kernel k0 \"rows\" {\n  for i in 0..8 {\n    %1 = lt (index lane : i64x32), 16\n"
      "    %2 = load x[i, lane] if %1 else 0 : f32x32\n    store t[i, lane] = add %2, 1 if %1\n"
      "    for j in 0..16 {\n      store y[i, j] = neg t[i, j]\n    }\n  }\n}\n");
  EXPECT_THAT(text, HasSubstr("buffer t : f32[16] = temporary"));
}

TEST(OneTurn, ARowThatAMaskLeavesOutKeepsItsBounds) {
  EXPECT_THAT(planned("kernel k0 \"rows\" {\n  for i in 0..16 {\n    %1 = lt (index i), 8\n"
                      "    for j in 0..16 {\n      %2 = load x[i, j] if %1 else 0\n"
                      "      store t[i, j] = add %2, 1 if %1\n"
                      "      %3 = load t[i, j] if %1 else 0\n"
                      "      store y[i, j] = neg %3 if %1\n    }\n  }\n}\n"),
              HasSubstr("buffer t : f32[8,16] = temporary"))
      << "a mask that is wrong would not be reported";
}

TEST(OneTurn, NobodyAsksForARowOfOneTurn) {
  const std::string text =
      planned("kernel k0 \"rows\" {\n  for i in 0..8 {\n    prefetch t[i+1, 0]\n"
              "    prefetch x[i+1, 0]\n    for j in 0..16 {\n      store t[i, j] = add x[i, j], 1\n"
              "      store y[i, j] = neg t[i, j]\n    }\n  }\n}\n");
  EXPECT_THAT(text, HasSubstr("buffer t : f32[] = temporary"));
  EXPECT_THAT(text, HasSubstr("prefetch x[i+1, 0]"));
  EXPECT_THAT(text, testing::Not(HasSubstr("prefetch t")));
}

TEST(OneTurn, KernelsThatAreTheSameShrinkTogether) {
  loop::Program program =
      read_step(std::string(head) + rows("for i in 0..8", "i") + "\nend\n", "t.gdir").program;
  loop::Buffer again = program.buffers[1];
  again.name = "t2";
  program.buffers.push_back(again);
  program.kernels[0].buffers = {0, 1, 2};
  program.kernels[0].nodes = {};
  loop::Kernel same;
  same.name = "k1";
  same.same_as = 0;
  same.buffers = {0, 3, 2};
  program.kernels.push_back(same);
  PassContext context;
  const loop::Program shrunk = plan(program, context);
  EXPECT_EQ(shrunk.buffers[1].type.shape, (Shape{16}));
  EXPECT_EQ(shrunk.buffers[3].type.shape, (Shape{16}));

  program.kernels[1].buffers = {0, 1, 2}; // now both touch it
  EXPECT_EQ(plan(program, context).buffers[1].type.shape, (Shape{8, 16}));
}

} // namespace
} // namespace gdjit
