// What products read of operands that near caches do not hold: copies, tiles and lanes.
#include "ScheduledLoops.h"

#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/Loop/Text.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace gdjit {
namespace {

using testing::HasSubstr;

TEST(Schedule, BlocksOfTermsHaveLanesAcrossRows) {
  auto gradient = [](std::span<const Expr> x) { return weight_gradient(x[0], x[1]); };
  PassContext context;
  context.machine = {.vector_bytes = 64, .vector_registers = 32};
  for (int64_t terms : {512, 513}) { // the last of which is a block of its own
    Built b = build(DType::f32, {Shape{terms, 48}, Shape{terms, 3}}, gradient);
    expect_same_bits(b);
    EXPECT_THAT(loop::print(schedule(b.loops, context)),
                testing::AllOf(HasSubstr("for b in 0..2"),
                               HasSubstr("load x0[256*b+k, i+16*i1+lane]"), HasSubstr("transpose"),
                               testing::Not(HasSubstr("packed"))));
  }
}

TEST(Schedule, WhatIsReadOnceIsTurnedThroughTheFirstCache) {
  PassContext context;
  context.machine = {.vector_bytes = 64, .vector_registers = 32, .l1_bytes = 512};
  Built b = build(DType::f32, {Shape{200, 15}, Shape{15, 1}},
                  [](std::span<const Expr> x) { return matmul(x[0], x[1]); });
  expect_same_bits(b);
  EXPECT_THAT(loop::print(schedule(b.loops, context)),
              testing::AllOf(HasSubstr("x0.panel3 : f32[15,128] = temporary"),
                             testing::Not(HasSubstr("packed"))));
  EXPECT_THAT(context.remarks, testing::Contains(HasSubstr("is transposed block by block")));
  context.machine.l1_bytes = 1 << 20;
  EXPECT_THAT(loop::print(schedule(b.loops, context)), HasSubstr("x0.packed"));
}

/// 64 partial sums of a loss are 4 vectors of rows inside each turn.
TEST(Schedule, WhatVectorsWithinATurnReadOnceIsTurnedSoToo) {
  for (int64_t rows : {1920, 1999}) { // 1999: some are left over
    Built b = build(DType::f32, {Shape{rows, 13}, Shape{13, 1}}, [](std::span<const Expr> x) {
      const Expr y = matmul(x[0], x[1]);
      return sum(y * y, {0, 1}, false);
    });
    PassContext context;
    EXPECT_THAT(loop::print(schedule(b.loops, context)),
                testing::AllOf(testing::ContainsRegex("load x0.panel[0-9]+\\[k, 16\\*l"),
                               testing::Not(HasSubstr("packed"))));
    expect_same_bits(b);
  }
}

TEST(Schedule, WhatTheRowsOfOneTileReadIsTurnedThroughTheFirstCache) {
  for (int64_t columns : {64, 70}) { // 70: some are left over
    Built b = build(DType::f32, {Shape{2, 128}, Shape{columns, 128}},
                    [](std::span<const Expr> x) { return matmul(x[0], x[1], false, true); });
    PassContext context;
    context.machine.l1_bytes = 16 << 10;
    const loop::Program p = schedule(b.loops, context);
    EXPECT_THAT(loop::print(p),
                testing::AllOf(testing::ContainsRegex("panel[0-9]+ : f32\\[128,32\\]"),
                               testing::Not(HasSubstr("packed"))));
    EXPECT_THAT(context.remarks,
                testing::Contains(HasSubstr("loop j reads across rows is transposed "
                                            "block by block")));
    EXPECT_TRUE(same_bits(interpret(b.loops, b.arguments).outputs[0],
                          interpret(p, b.arguments).outputs[0]));
  }
}

TEST(Schedule, RowsThatDoNotFitTheSecondCacheAreTakenInBlocks) {
  PassContext context;
  context.machine = {
      .vector_bytes = 16, .vector_registers = 9, .l1_bytes = 512, .l2_bytes = 8 << 10};
  for (int64_t columns : {24, 27}) { // the last panel has fewer
    Built b = build(DType::f32, {Shape{96, 60}, Shape{60, columns}, Shape{columns}},
                    [](std::span<const Expr> x) {
                      Expr y = matmul(x[0], x[1]);
                      return apply(Opcode::Relu, y + broadcast_to(x[2], y.shape()));
                    });
    const loop::Program p = schedule(b.loops, context);
    EXPECT_THAT(context.remarks, testing::Contains(HasSubstr("blocks of 16 rows of loop i")));
    EXPECT_THAT(loop::print(p), testing::AllOf(HasSubstr(" in 0..96 step 16 "),
                                               testing::ContainsRegex("panel[0-9]+\\[j[0-9]*, k")));
    expect_output(p, b.arguments, interpret(b.loops, b.arguments).outputs[0]);
  }
}

TEST(Schedule, TilesAreAsWideAsAPartOfTheSecondCacheHoldsWhereRowsComeFromBehindIt) {
  for (auto [transposed, l2_bytes, tile] :
       {std::tuple{false, 32 << 10, "tile of 6 rows by 4 vectors over loop i:"},
        {true, 32 << 10, "tile of 6 rows by 4 vectors over loop i:"},
        {false, 24 << 10, "tile of 9 rows by 3 vectors over loop i:"},
        {false, 8 << 10, "tile of 14 rows by 2 vectors over loop i:"},
        {false, 64 << 10, "tile of 14 rows by 2 vectors over loop i:"}}) {
    PassContext context;
    context.machine = {
        .vector_bytes = 16, .vector_registers = 32, .l1_bytes = 512, .l2_bytes = l2_bytes};
    const Shape left = transposed ? Shape{60, 196} : Shape{196, 60};
    Built b = build(DType::f32, {left, Shape{60, 44}}, // 11 vectors
                    [&](std::span<const Expr> x) { return matmul(x[0], x[1], transposed); });
    const loop::Program p = schedule(b.loops, context);
    EXPECT_THAT(context.remarks,
                testing::Contains(testing::AllOf(HasSubstr(tile), HasSubstr("columns outermost"))));
    EXPECT_TRUE(same_bits(interpret(b.loops, b.arguments).outputs[0],
                          interpret(p, b.arguments).outputs[0]));
  }
}

TEST(Schedule, CopiesOfRowsHoldTermsThatMakeNoWholeBlock) {
  PassContext context;
  context.machine.l1_bytes = 512;
  for (int64_t terms : {5, 8, 61}) {
    Built b = build(DType::f32, {Shape{terms, 112}, Shape{terms, 48}},
                    [](std::span<const Expr> x) { return matmul(x[0], x[1], true); });
    const loop::Program p = schedule(b.loops, context);
    EXPECT_TRUE(same_bits(interpret(b.loops, b.arguments).outputs[0],
                          interpret(p, b.arguments).outputs[0]));
  }
}

TEST(Schedule, PanelsHoldTheTermsOfAllBlocks) {
  PassContext context;
  context.machine.l1_bytes = 512;
  for (bool transposed : {false, true}) { // its rows side by side have a copy, too
    const Shape left = transposed ? Shape{512, 112} : Shape{112, 512};
    Built b = build(DType::f32, {left, Shape{512, 48}},
                    [&](std::span<const Expr> x) { return matmul(x[0], x[1], transposed); });
    const loop::Program p = schedule(b.loops, context);
    const std::string text = loop::print(p);
    EXPECT_THAT(text, testing::ContainsRegex("panel[0-9]+\\[256\\*b\\+k, "));
    if (transposed) {
      EXPECT_THAT(text, testing::ContainsRegex("rows[0-9]+\\["));
    }
    EXPECT_TRUE(same_bits(interpret(b.loops, b.arguments).outputs[0],
                          interpret(p, b.arguments).outputs[0]));
  }
}

} // namespace
} // namespace gdjit
