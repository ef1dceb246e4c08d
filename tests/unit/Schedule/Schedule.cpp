// The schedule on contractions, reductions and pointwise chains of many extents: no bit changes,
// and what was asked of it is there.
#include "ScheduledLoops.h"

#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/Loop/KernelView.h"
#include "gdjit/Loop/Rewrite.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Loop/Verifier.h"
#include "gdjit/Memory/Plan.h"
#include "gdjit/Ops/Expr.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace gdjit {
namespace {

using testing::HasSubstr;

struct Extents {
  int64_t m, n, k;
};

class ScheduledMatmul : public testing::TestWithParam<std::tuple<Extents, int, DType>> {};

TEST_P(ScheduledMatmul, KeepsEveryBit) {
  auto [e, transposed, type] = GetParam();
  bool ta = transposed & 1, tb = transposed & 2;
  Shape a = ta ? Shape{e.k, e.m} : Shape{e.m, e.k}, b = tb ? Shape{e.n, e.k} : Shape{e.k, e.n};
  expect_same_bits(build(type, {a, b, Shape{e.n}}, [&](std::span<const Expr> x) {
    Expr y = matmul(x[0], x[1], ta, tb);
    return apply(Opcode::Relu, y + broadcast_to(x[2], y.shape()));
  }));
}

std::string matmul_name(const testing::TestParamInfo<ScheduledMatmul::ParamType>& info) {
  auto [e, transposed, type] = info.param;
  return fmt::format("{}_{}_{}_{}_{}", e.m, e.n, e.k, transposed, name(type));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, ScheduledMatmul,
    testing::Combine(testing::Values(Extents{1, 1, 1}, Extents{5, 3, 40}, Extents{6, 1, 100},
                                     Extents{1, 37, 9}, Extents{17, 33, 5}, Extents{16, 64, 8},
                                     Extents{9, 10, 70}, Extents{0, 4, 3}, Extents{4, 0, 3},
                                     Extents{4, 20, 0}, Extents{3, 2, 1100}, Extents{37, 3, 9},
                                     Extents{41, 70, 20}, Extents{70, 1, 40}, Extents{300, 1, 64},
                                     Extents{20, 3, 513}, Extents{200, 1, 24}),
                     testing::Values(0, 1, 2, 3), testing::Values(DType::f32, DType::f64)),
    matmul_name);

class ScheduledReduction : public testing::TestWithParam<std::tuple<Shape, int>> {};

TEST_P(ScheduledReduction, KeepsEveryBit) {
  auto [shape, axis] = GetParam();
  expect_same_bits(build(DType::f32, {shape}, [axis = axis](std::span<const Expr> x) {
    Expr s = sum(x[0] * x[0], {axis}, true);
    return x[0] / broadcast_to(s + 1.0, x[0].shape());
  }));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, ScheduledReduction,
    testing::Combine(testing::Values(Shape{1, 1}, Shape{3, 5}, Shape{40, 10}, Shape{10, 40},
                                     Shape{70, 33}, Shape{2, 1500}, Shape{1500, 2}, Shape{0, 3}),
                     testing::Values(0, 1)));

TEST(Schedule, GradientsOfWeightsKeepEveryBit) {
  for (auto [rows, features, columns] :
       {std::tuple{513, 20, 3}, {200, 37, 1}, {40, 9, 4}, {300, 8, 2}})
    expect_same_bits(
        build(DType::f32, {Shape{rows, features}, Shape{rows, columns}},
              [](std::span<const Expr> x) { return weight_gradient(x[0], x[1]) * 0.5; }));
}

TEST(Schedule, ABatchedMatmulKeepsEveryBit) {
  expect_same_bits(build(DType::f32, {Shape{3, 6, 20}, Shape{3, 20, 18}},
                         [](std::span<const Expr> x) { return matmul(x[0], x[1]); }));
}

TEST(Schedule, AContractionGetsATileOfRowsByVectors) {
  Built b = build(DType::f32, {Shape{64, 784}, Shape{784, 128}},
                  [](std::span<const Expr> x) { return matmul(x[0], x[1]); });
  PassContext context;
  schedule(b.loops, context);
  EXPECT_THAT(context.remarks, testing::Contains(HasSubstr("tile of 14 rows by 2 vectors")));
}

/// Much work for each row, whose results a product adds over rows in order.
Expr rows_and_their_sum(std::span<const Expr> x) {
  Expr row = x[0];
  for (int i = 0; i < 12; ++i)
    row = row * x[0] + 0.5;
  return matmul(row, x[1], true, false);
}

TEST(Schedule, PartialChainsThatReadStridedBecomeVectorsOfTheirResults) {
  Built b = build(DType::f32, {Shape{64, 784}, Shape{64, 1}},
                  [](std::span<const Expr> x) { return weight_gradient(x[0], x[1]); });
  PassContext context;
  context.machine = {.vector_bytes = 64, .vector_registers = 32};
  EXPECT_THAT(loop::print(schedule(b.loops, context)),
              testing::AllOf(HasSubstr("tile t1[8] : f32x16"), HasSubstr("add t1[0], t1[4]"),
                             testing::Not(HasSubstr("join")), testing::Not(HasSubstr("packed"))));
  EXPECT_THAT(context.remarks[0], HasSubstr("8 partial chains of loop i are vectors"));
  context.machine.vector_registers = 8; // which do not hold them
  EXPECT_THAT(loop::print(schedule(b.loops, context)), HasSubstr("join add t0"));
}

TEST(Schedule, WhatPartialChainsReadAgainIsCopiedToLieInOrder) {
  auto gradient = [](std::span<const Expr> x) { // transposed by a node: in the order of rows
    return matmul(transpose(x[0], {1, 0}), x[1]);
  };
  PassContext context;
  context.machine = {.vector_bytes = 64, .vector_registers = 32, .l1_bytes = 1024};
  for (int64_t terms : {256, 250}) { // the terms left over read the operand itself
    Built b = build(DType::f32, {Shape{terms, 48}, Shape{terms, 10}}, gradient);
    expect_same_bits(b);
    EXPECT_THAT(loop::print(schedule(b.loops, context)),
                testing::ContainsRegex("x0.panel[0-9]+\\[k\\+l, lane\\]"));
  }
  context.machine.l1_bytes = 1 << 20; // where nothing is lost from one turn to the next
  Built b = build(DType::f32, {Shape{256, 48}, Shape{256, 10}}, gradient);
  EXPECT_THAT(loop::print(schedule(b.loops, context)), testing::Not(HasSubstr("panel")));
}

TEST(Schedule, ALoopAlongATileIsWrittenOut) {
  Built b =
      build(DType::f32, {Shape{64, 32}, Shape{64, 10}, Shape{32, 10}}, [](std::span<const Expr> x) {
        return x[2] - matmul(x[0], x[1], true) * -0.25 * x[2] * x[2] * x[2];
      });
  PassContext context;
  context.machine = {.vector_bytes = 64, .vector_registers = 32};
  // 32 rows as 2 vectors of 16, turned to be stored: more than 256 statements.
  EXPECT_THAT(loop::print(schedule(b.loops, context)),
              testing::AllOf(HasSubstr("transpose"), HasSubstr("unrolled for i1 in 0..16 "),
                             testing::Not(HasSubstr("  for i1 in 0..16 "))));
}

TEST(Schedule, AFewTilesAreTheSameCode) {
  for (const auto& [rows, step] : {std::pair{20, 10}, {40, 10}, {70, 14}}) { // 5 tiles of 14
    Built b = build(DType::f32, {Shape{rows, 32}, Shape{32, 32}},
                    [](std::span<const Expr> x) { return matmul(x[0], x[1]); });
    expect_same_bits(b);
    PassContext context;
    context.machine = {.vector_bytes = 64, .vector_registers = 32};
    EXPECT_THAT(loop::print(schedule(b.loops, context)),
                testing::AllOf(HasSubstr(fmt::format("for i in 0..{} step {} {{", rows, step)),
                               testing::Not(HasSubstr(fmt::format("..{} step ", rows - 1)))));
  }
}

TEST(Schedule, MuchBehindTheTermsOfATileStaysALoop) {
  auto behind_terms = [](int operations) {
    return build(DType::f32, {Shape{28, 40}, Shape{40, 64}}, [=](std::span<const Expr> x) {
      Expr y = matmul(x[0], x[1]);
      for (int i = 0; i < operations; ++i)
        y = y * y - 0.5;
      return y;
    });
  };
  PassContext context;
  const Built little = behind_terms(4), much = behind_terms(10);
  EXPECT_THAT(loop::print(schedule(little.loops, context)),
              testing::AllOf(HasSubstr("unrolled for i1 in 0..14 "),
                             testing::Not(HasSubstr("  for i1 in 0..14 "))));
  EXPECT_THAT(
      loop::print(schedule(much.loops, context)),
      testing::AllOf(HasSubstr("set t1[i1, i2] = t0[i1, i2]"), HasSubstr("  for i1 in 0..14 {")));
  EXPECT_THAT(context.remarks, testing::Contains(HasSubstr("stays a loop over 14 rows")));
  expect_same_bits(much);
}

TEST(Schedule, ASmallProductIsStraightCode) {
  auto scheduled = [](const Shape& a, const Shape& b) {
    PassContext context;
    context.machine = {.vector_bytes = 64, .vector_registers = 32};
    Built built =
        build(DType::f32, {a, b}, [](std::span<const Expr> x) { return matmul(x[0], x[1]); });
    return loop::print(schedule(built.loops, context));
  };
  EXPECT_THAT(scheduled({8, 16}, {16, 16}), HasSubstr("unrolled for k in 1..16 "));
  EXPECT_THAT(scheduled({80, 16}, {16, 16}), HasSubstr(" for k in 1..16 ")) << "runs often";
}

TEST(Schedule, WhatIsFreeInALoopThatAccumulatesBecomesALoopOfItsOwn) {
  for (int64_t rows : {4, 6, 16, 37})
    for (DType type : {DType::f32, DType::f64})
      expect_same_bits(build(type, {Shape{rows, 1}, Shape{rows, 3}}, rows_and_their_sum));
  Built b = build(DType::f32, {Shape{6, 1}, Shape{6, 3}}, rows_and_their_sum);
  PassContext context;
  schedule(b.loops, context);
  EXPECT_THAT(context.remarks, testing::Contains(HasSubstr("is two, of which the first is free")));
}

TEST(Schedule, AnOperandReadAcrossItsRowsIsPacked) {
  Built b = build(DType::f32, {Shape{64, 32}, Shape{48, 32}},
                  [](std::span<const Expr> x) { return matmul(x[0], x[1], false, true); });
  PassContext context;
  loop::Program p = schedule(b.loops, context);
  EXPECT_THAT(context.remarks, testing::Contains(HasSubstr("x1 is packed")));
  EXPECT_THAT(loop::print(p), HasSubstr("tile t4[8] : f32x16 = 0")) << "of halves of rows";
  EXPECT_EQ(p.buffers.back().type.shape, (Shape{32, 48}));
  EXPECT_EQ(p.buffers.size(), b.loops.buffers.size() + 1) << "one copy for tiles of 14 rows and 8";
}

TEST(Schedule, SmallOperandsAreTurnedInSquaresNoLargerThanTheyAre) {
  Built b = build(DType::f32, {Shape{8, 8}}, [](std::span<const Expr> x) { // read twice by column
    return sum(x[0] - broadcast_to(sum(x[0], {1}, true), x[0].shape()), {1}, false);
  });
  PassContext context;
  const std::string text = loop::print(schedule(b.loops, context));
  EXPECT_THAT(text, testing::AllOf(testing::ContainsRegex("transpose t[0-9]+"),
                                   testing::Not(HasSubstr("f32x16"))));
  expect_same_bits(b);
}

TEST(Schedule, TilesWithMoreResultsThanTermsGoRowByRow) {
  const auto remarks = [](int64_t l2_bytes, bool updates) {
    Built b = build(DType::f32, {Shape{16, 128}, Shape{16, 256}, Shape{128, 256}},
                    [&](std::span<const Expr> x) {
                      Expr y = weight_gradient(x[0], x[1]);
                      return updates ? x[2] - y : y;
                    });
    PassContext context;
    context.machine = {
        .vector_bytes = 64, .vector_registers = 32, .l1_bytes = 1024, .l2_bytes = l2_bytes};
    schedule(b.loops, context);
    expect_same_bits(b);
    return context.remarks;
  };
  const auto row_by_row = testing::Contains(HasSubstr("row by row"));
  EXPECT_THAT(remarks(40000, true), row_by_row);
  EXPECT_THAT(remarks(40000, false), testing::Not(row_by_row)) << "each result is stored once";
  EXPECT_THAT(remarks(1 << 20, true), testing::Not(row_by_row)) << "results in the second cache";
  EXPECT_THAT(remarks(20000, true), testing::Not(row_by_row)) << "the columns are not";
}

TEST(Schedule, WhereRowsAreOneVectorATileHoldsSeveralColumns) {
  Built b = build(DType::f32, {Shape{16, 100}, Shape{90, 100}},
                  [](std::span<const Expr> x) { return matmul(x[0], x[1], false, true); });
  PassContext context;
  context.machine = {.vector_bytes = 64, .vector_registers = 32};
  schedule(b.loops, context);
  EXPECT_THAT(context.remarks,
              testing::Contains(HasSubstr("tile of a vector by 30 columns over loop j")));
  expect_same_bits(b);
}

TEST(Schedule, WhereRowsAreVectorsATileHoldsSeveralColumns) {
  for (int64_t columns : {17, 20}) { // no whole vectors
    Built b = build(DType::f32, {Shape{100, 64}, Shape{100, columns}, Shape{64, columns}},
                    [](std::span<const Expr> x) { return x[2] - matmul(x[0], x[1], true); });
    PassContext context;
    context.machine = {.vector_bytes = 64, .vector_registers = 32, .l1_bytes = 1024};
    schedule(b.loops, context);
    EXPECT_THAT(context.remarks, testing::Contains(testing::ContainsRegex(
                                     "tile of 2 vectors by 1[0-9] columns over loop j")))
        << columns;
    expect_same_bits(b);
  }
}

TEST(Schedule, RowsOfAProductWithOneColumnAreJoinedAtOnce) {
  Built b = build(DType::f32, {Shape{64, 784}, Shape{784, 1}},
                  [](std::span<const Expr> x) { return matmul(x[0], x[1]); });
  PassContext context;
  context.machine = {.vector_bytes = 64, .vector_registers = 32};
  EXPECT_THAT(loop::print(schedule(b.loops, context)),
              testing::AllOf(HasSubstr("join add t0 : f32x16"), testing::Not(HasSubstr("packed"))));
  expect_same_bits(b);
}

TEST(Schedule, RowsThatLieApartAreNotCopiedToBeLanes) {
  Built b = build(DType::f32, {Shape{784, 64}, Shape{64, 10}},
                  [](std::span<const Expr> x) { return matmul(x[0], x[1]); });
  PassContext context;
  context.machine = {.vector_bytes = 64, .vector_registers = 32};
  const loop::Program p = schedule(b.loops, context);
  EXPECT_THAT(loop::print(p), testing::Not(HasSubstr("transpose")));
}

TEST(Schedule, APartOfAVectorThatManyTilesReadIsCopiedAsAWholeOne) {
  for (int64_t rows : {560, 573}) // the last tile has fewer
    for (int64_t columns : {10, 20}) {
      Built b = build(DType::f32, {Shape{rows, 12}, Shape{12, columns}},
                      [](std::span<const Expr> x) { return matmul(x[0], x[1]); });
      PassContext context;
      context.machine = {.vector_bytes = 64, .vector_registers = 32};
      loop::Program p = schedule(b.loops, context);
      EXPECT_THAT(loop::print(p), testing::ContainsRegex("load x1.panel[0-9]+\\[k, lane\\] :"));
      EXPECT_EQ(p.buffers.size(), b.loops.buffers.size() + (columns > 16 ? 2 : 1))
          << "one copy for tiles of all rows";
      EXPECT_THAT(context.remarks,
                  testing::Contains(HasSubstr("a part of a vector is read again")));
      expect_same_bits(b);
    }
  Built few = build(DType::f32, {Shape{50, 12}, Shape{12, 10}},
                    [](std::span<const Expr> x) { return matmul(x[0], x[1]); });
  PassContext context;
  context.machine = {.vector_bytes = 64, .vector_registers = 32};
  EXPECT_THAT(loop::print(schedule(few.loops, context)), testing::Not(HasSubstr("panel")));
}

TEST(Schedule, ShortChainsBeginWithProducts) {
  auto product = [](std::span<const Expr> x) { return matmul(x[0], x[1]); };
  PassContext context;
  const Built few = build(DType::f32, {Shape{28, 10}, Shape{10, 64}}, product);
  EXPECT_THAT(loop::print(schedule(few.loops, context)),
              testing::AllOf(HasSubstr("= mul "), HasSubstr("for k in 1..10")));
  EXPECT_THAT(context.remarks, testing::Contains(HasSubstr("28 chains of 10 terms")));
  const Built many = build(DType::f32, {Shape{28, 400}, Shape{400, 64}}, product);
  EXPECT_THAT(loop::print(schedule(many.loops, context)), testing::Not(HasSubstr("= mul ")));
  const Built negative = build(DType::f32, {Shape{28, 10}, Shape{10, 64}}, [](auto x) {
    return matmul(x[0] * 0.0, x[1]); // zeros of both signs
  });
  expect_same_bits(negative);
}

TEST(Schedule, ThreadsShareWholeTilesAndHaveCopiesOfTheirOwn) {
  Built b = build(DType::f32, {Shape{512, 784}, Shape{784, 512}},
                  [](std::span<const Expr> x) { return matmul(x[0], x[1]) + 1.0; });
  PassContext context;
  context.threads = 2;
  context.machine.l1_bytes = 1024;
  loop::Program p = schedule(b.loops, context);
  ASSERT_EQ(p.kernels.size(), 1u);
  const loop::Statement* shared = loop::shared_loop(p.kernels[0]);
  ASSERT_NE(shared, nullptr);
  EXPECT_EQ(turns(*shared), 2);
  EXPECT_EQ(p.buffers.back().type.shape, (Shape{2, 784, 32})) << "a panel each";
  EXPECT_THAT(context.remarks, testing::Contains(HasSubstr("2 pieces of loop")));
  context.threads = 5;
  EXPECT_EQ(turns(*loop::shared_loop(schedule(b.loops, context).kernels[0])), 32)
      << "7 of 32 pieces at most, where 5 threads would have 6.4";
  context.threads = 1;
  EXPECT_EQ(loop::shared_loop(schedule(b.loops, context).kernels[0]), nullptr);
}

TEST(Schedule, TheSumsOfBlocksTakeNoRegistersFromTheirTerms) {
  Built b = build(DType::f32, {Shape{64, 70'000}, Shape{70'000, 16}},
                  [](std::span<const Expr> x) { return matmul(x[0], x[1]); });
  PassContext context;
  schedule(b.loops, context);
  EXPECT_THAT(context.remarks, testing::Contains(HasSubstr("tile of 16 rows by 1 vector")))
      << "blocks of terms, what is left over and their sum are three tiles";
}

TEST(Schedule, LeavesAKernelAsItIsWhoseTilesTheStackHasNoRoomFor) {
  Built b = build(DType::f32, {Shape{30, 40}, Shape{40, 64}},
                  [](std::span<const Expr> x) { return matmul(x[0], x[1]); });
  PassContext context;
  context.machine.stack_bytes = 512;
  loop::Program p = schedule(b.loops, context);
  EXPECT_THAT(context.remarks, testing::ElementsAre(HasSubstr(
                                   "k0: as it is, without lanes and tiles, since these")));
  loop::for_each(p.kernels[0].body, [](const loop::Statement& s) { EXPECT_LE(s.type.lanes, 1); });
  expect_output(p, b.arguments, interpret(b.loops, b.arguments).outputs[0]);
}

TEST(Schedule, RefusesFunctionsThatAreStillCalledByName) {
  loop::Program program;
  program.kernels.emplace_back().name = "k0";
  loop::Statement call;
  call.kind = loop::StatementKind::Compute;
  call.op = loop::ScalarOp::call;
  program.kernels[0].body.push_back(call);
  PassContext context;
  try {
    schedule(program, context);
    FAIL() << "not refused";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::usage);
    EXPECT_NE(std::string(e.what()).find("run the pass expand first"), std::string::npos);
  }
}

} // namespace
} // namespace gdjit
