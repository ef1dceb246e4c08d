// The schedule on contractions, reductions and pointwise chains of many extents: no bit changes,
// and what was asked of it is there.
#include "gdjit/Schedule/Schedule.h"

#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/Loop/KernelKey.h"
#include "gdjit/Loop/KernelView.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Loop/Verifier.h"
#include "gdjit/Lowering/Fuse.h"
#include "gdjit/Lowering/Lower.h"
#include "gdjit/Memory/Plan.h"
#include "gdjit/Ops/Expr.h"

#include <fmt/format.h>
#include <functional>
#include <gmock/gmock.h>
#include <random>
#include <regex>
#include <set>

namespace gdjit {
namespace {

using testing::HasSubstr;

/// A step of one output over f32 or f64 inputs of these shapes.
struct Built {
  Step step;
  loop::Program loops;
  CallArguments arguments;
};

Built build(DType type, const std::vector<Shape>& shapes,
            const std::function<Expr(std::span<const Expr>)>& make) {
  Built b;
  b.step.stage = Stage::Simplified;
  b.step.signature.name = "test";
  b.step.signature.step = "training";
  std::mt19937 random(7);
  for (size_t i = 0; i < shapes.size(); ++i) {
    TensorType t{type, shapes[i]};
    b.step.signature.inputs.push_back({fmt::format("x{}", i), t});
    Array values(t);
    for (int64_t k = 0; k < values.elements(); ++k)
      values.set(k, std::uniform_real_distribution<double>(-2, 2)(random));
    b.arguments.inputs.push_back(values);
  }
  GraphBuilder builder(b.step.graph, b.step.signature, Sharing::shared);
  std::vector<Expr> inputs;
  for (uint32_t i = 0; i < shapes.size(); ++i)
    inputs.push_back({&builder, builder.input(i)});
  Expr y = make(inputs);
  b.step.signature.outputs.push_back({"y", y.type()});
  b.step.outputs.push_back(y.value);
  PassContext context;
  b.loops = lower(fuse(b.step, context), context);
  return b;
}

std::vector<MachineTable> machines() {
  return {{.vector_bytes = 16, .vector_registers = 16},
          {.vector_bytes = 32, .vector_registers = 16},
          {.vector_bytes = 64, .vector_registers = 32},
          {.vector_bytes = 16, .vector_registers = 9, .l1_bytes = 64},
          {.vector_bytes = 64, .vector_registers = 20, .l1_bytes = 64, .l2_bytes = 512}};
}

/// Schedules and plans for every machine and expects the bits of the loops as lowered.
void expect_same_bits(const Built& b) {
  CallResults expected = interpret(b.loops, b.arguments);
  for (const MachineTable& machine : machines()) {
    PassContext context;
    context.machine = machine;
    loop::Program scheduled = schedule(b.loops, context);
    loop::Program planned = plan(scheduled, context);
    for (const loop::Program* p : {&scheduled, &planned}) {
      Diagnostics diagnostics;
      verify(*p, diagnostics);
      ASSERT_NO_THROW(diagnostics.throw_if_any(ErrorCode::internal));
      EXPECT_TRUE(same_bits(expected.outputs[0], interpret(*p, b.arguments).outputs[0]))
          << machine.vector_bytes << " bytes, " << name(p->stage);
    }
  }
}

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
                                     Extents{41, 70, 20}, Extents{70, 1, 40}, Extents{300, 1, 64}),
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
                  [](std::span<const Expr> x) { return matmul(x[0], x[1], true); });
  PassContext context;
  context.machine = {.vector_bytes = 64, .vector_registers = 32};
  EXPECT_THAT(loop::print(schedule(b.loops, context)),
              testing::AllOf(HasSubstr("tile t0[16] : f32x16"), HasSubstr("add t0[0], t0[8]"),
                             testing::Not(HasSubstr("join")), testing::Not(HasSubstr("packed"))));
  EXPECT_THAT(context.remarks[0], HasSubstr("16 partial chains of loop i are vectors"));
  context.machine.vector_registers = 16; // which do not hold them
  EXPECT_THAT(loop::print(schedule(b.loops, context)), HasSubstr("join add t0"));
}

TEST(Schedule, WhatPartialChainsReadAgainIsCopiedToLieInOrder) {
  auto gradient = [](std::span<const Expr> x) { return matmul(x[0], x[1], true); };
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
  EXPECT_THAT(loop::print(p), HasSubstr("transpose t4[1]")) << "of halves of rows";
  EXPECT_EQ(p.buffers.back().type.shape, (Shape{32, 48}));
  EXPECT_EQ(p.buffers.size(), b.loops.buffers.size() + 1) << "one copy for tiles of 14 rows and 8";
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
    Diagnostics diagnostics;
    verify(p, diagnostics);
    ASSERT_NO_THROW(diagnostics.throw_if_any(ErrorCode::internal));
    EXPECT_TRUE(same_bits(interpret(b.loops, b.arguments).outputs[0],
                          interpret(p, b.arguments).outputs[0]));
  }
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

/// The text of a kernel, the numbers of buffers that the schedule made left out.
std::string text_of(const loop::Program& program, const std::string& kernel) {
  const std::string text = loop::print(program);
  const size_t begin = text.find("\nkernel " + kernel + " ");
  return std::regex_replace(text.substr(begin, text.find("\n} ", begin) - begin),
                            std::regex("(packed|panel|rows)[0-9]+"), "$1");
}

TEST(Schedule, EqualKernelsBecomeWhatEachBecomesByItself) {
  const Shape w = {128, 128};
  Built b = build(DType::f32, {Shape{64, 128}, w, w, w, w}, [](std::span<const Expr> x) {
    Expr y = x[0];
    for (size_t i = 1; i < x.size(); ++i)
      y = apply(Opcode::Relu, matmul(y, x[i], false, true));
    return y;
  });
  for (int threads : {1, 2}) {
    PassContext context;
    context.threads = threads;
    context.machine.least_shared = 1;
    const loop::Program together = schedule(b.loops, context);
    ASSERT_EQ(together.kernels.size(), 4u);
    EXPECT_NE(together.kernels[3].same_as, loop::none);
    EXPECT_EQ(together.buffers.size(), b.loops.buffers.size() + 4) << "a packed operand each";
    for (const loop::Kernel& kernel : b.loops.kernels) {
      loop::Program one = b.loops;
      one.kernels = {written_out(b.loops, kernel)};
      PassContext alone;
      alone.threads = threads;
      alone.machine.least_shared = 1;
      EXPECT_EQ(text_of(together, kernel.name), text_of(schedule(one, alone), kernel.name));
      for (const std::string& remark : alone.remarks)
        EXPECT_THAT(context.remarks, testing::Contains(testing::StartsWith(remark)))
            << "the reason for an axis is the whole step's";
    }
    std::set<std::string> names;
    for (const loop::Buffer& buffer : together.buffers)
      EXPECT_TRUE(names.insert(buffer.name).second) << buffer.name;
  }
}

/// Four products, each with enough work for a kernel of its own, over other widths each.
Built chain_of_widths(bool transposed) {
  const std::vector<int64_t> widths = {100, 121, 137, 96, 90};
  std::vector<Shape> shapes = {Shape{40, 100}};
  for (size_t i = 0; i + 1 < widths.size(); ++i)
    shapes.push_back(transposed ? Shape{widths[i + 1], widths[i]}
                                : Shape{widths[i], widths[i + 1]});
  return build(DType::f32, shapes, [=](std::span<const Expr> x) {
    Expr h = x[0];
    for (size_t i = 1; i < x.size(); ++i)
      h = matmul(h, x[i], false, transposed);
    return h;
  });
}

TEST(Schedule, KernelsThatDifferInNumbersOnlyGetLoopsForAnyExtents) {
  for (bool transposed : {false, true}) {
    const Built b = chain_of_widths(transposed);
    ASSERT_EQ(b.loops.kernels.size(), 4u);
    const CallResults expected = interpret(b.loops, b.arguments);
    for (MachineTable machine : machines()) {
      machine.most_shapes = 3;
      PassContext context;
      context.machine = machine;
      const loop::Program scheduled = schedule(b.loops, context);
      EXPECT_THAT(context.remarks, testing::Contains(HasSubstr("k3: for any extents")));
      Diagnostics diagnostics;
      verify(scheduled, diagnostics);
      ASSERT_NO_THROW(diagnostics.throw_if_any(ErrorCode::internal));
      EXPECT_TRUE(same_bits(expected.outputs[0], interpret(scheduled, b.arguments).outputs[0]));
      loop::KernelKey key(scheduled, loop::KernelKey::Numbers::left_out);
      std::set<std::string> structures;
      for (const loop::Kernel& kernel : scheduled.kernels) {
        key.take(kernel);
        structures.insert(key.bytes());
      }
      EXPECT_EQ(structures.size(), 1u) << loop::print(scheduled);
      context.machine.least_shared = 1000; // pieces of rows or columns: masks end with a piece
      context.threads = 3;
      const loop::Program shared = schedule(b.loops, context);
      verify(shared, diagnostics);
      ASSERT_NO_THROW(diagnostics.throw_if_any(ErrorCode::internal));
      EXPECT_TRUE(same_bits(expected.outputs[0], interpret(shared, b.arguments).outputs[0]));
      context.threads = 1;
      context.machine.most_shapes = 4;
      context.remarks.clear();
      schedule(b.loops, context);
      EXPECT_THAT(context.remarks, testing::Each(testing::Not(HasSubstr("for any extents"))));
    }
  }
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
