// The loops of whole steps: few, as one would write them.
#include "Steps.h"

#include "gdjit/Driver/ReadStep.h"

#include <gmock/gmock.h>

namespace gdjit {
namespace {

using loop::Statement;
using loop::StatementKind;

size_t temporaries(const loop::Program& program) {
  size_t n = 0;
  for (const loop::Buffer& b : program.buffers)
    n += b.role == loop::BufferRole::temporary;
  return n;
}
/// One kernel, no array between its statements, one loop over the batch and at most one per updated
/// tensor.
void expect_one_loop_over_the_batch(const Step& step, size_t parameter_loops) {
  expect_chain(step);
  loop::Program program = lowered(step);
  ASSERT_EQ(program.kernels.size(), 1u);
  EXPECT_EQ(temporaries(program), 0u) << print(program);
  EXPECT_EQ(outer_loops(program.kernels[0]), 1 + parameter_loops) << print(program);
}

TEST(LoopFusion, LinearRegressionIsOneLoopOverTheBatch) {
  StepMaker m;
  Expr lr = m.scalar("lr"), x = m.input("x", {3}), y = m.input("y", {3}), w = m.state("w", {}),
       b = m.state("b", {});
  Expr error = x * w + b - y;
  Expr loss = mean(error * error);
  m.output("loss", loss);
  m.descend(loss, lr, w, 0);
  m.descend(loss, lr, b, 1);
  expect_one_loop_over_the_batch(m.differentiated(), 0);
}

TEST(LoopFusion, NestsThatReadNothingComputedBecomeOneLoopWithTheirReader) {
  StepMaker m;
  m.output("y", m.input("a", {40}) * 0.1 + m.input("b", {40}) * 0.9);
  expect_one_loop_over_the_batch(m.differentiated(), 0);
}

TEST(LoopFusion, SeparateWeightsAndInputsAreOneLoopOverTheBatch) {
  StepMaker m;
  Expr lr = m.scalar("lr"), y = m.input("y", {5, 1}), b = m.state("b", {1});
  std::vector<Expr> weights;
  Expr h = broadcast_to(b, {5, 1});
  for (const char* i : {"1", "2", "3"}) {
    weights.push_back(m.state(std::string("w") + i, {1}));
    h = broadcast_to(weights.back(), {5, 1}) * m.input(std::string("x") + i, {5, 1}) + h;
  }
  Expr loss = mean((h - y) * (h - y));
  m.output("loss", loss);
  m.descend(loss, lr, b, 0);
  for (uint32_t i = 0; i < 3; ++i)
    m.descend(loss, lr, weights[i], i + 1);
  expect_one_loop_over_the_batch(m.differentiated(), 0);
}

TEST(LoopFusion, MultivariateRegressionIsOneLoopOverTheBatch) {
  StepMaker m;
  Expr lr = m.scalar("lr"), x = m.input("x", {5, 3}), y = m.input("y", {5, 1});
  Expr w = m.state("w", {3, 1}), b = m.state("b", {1});
  Expr error = matmul(x, w) + broadcast_to(b, {5, 1}) - y;
  Expr loss = mean(error * error);
  m.output("loss", loss);
  m.descend(loss, lr, w, 0);
  m.descend(loss, lr, b, 1);
  expect_one_loop_over_the_batch(m.differentiated(), 1);
}

Step logistic_regression(StepMaker& m, int64_t batch) {
  Expr lr = m.scalar("lr"), x = m.input("x", {batch, 2}), y = m.input("y", {batch, 1});
  Expr w = m.state("w", {2, 1}), b = m.state("b", {1});
  Expr p = apply(Opcode::Sigmoid, matmul(x, w) + broadcast_to(b, {batch, 1}));
  Expr loss = -mean(y * apply(Opcode::Log, p) + (1 - y) * apply(Opcode::Log, 1 - p));
  m.output("loss", loss);
  m.output("p", p);
  m.descend(loss, lr, w, 0);
  m.descend(loss, lr, b, 1);
  return m.differentiated();
}

TEST(LoopFusion, LogisticRegressionIsOneLoopOverTheBatch) {
  StepMaker m;
  expect_one_loop_over_the_batch(logistic_regression(m, 6), 1);
}

TEST(LoopFusion, APartialOrderOverTheBatchIsOneLoopAndItsTail) {
  StepMaker m;
  expect_one_loop_over_the_batch(logistic_regression(m, 100), 1 + 1);
}

Step softmax_regression(StepMaker& m, int64_t batch, int64_t features, int64_t classes) {
  Expr lr = m.scalar("lr"), x = m.input("x", {batch, features}),
       y = m.input("index y", {batch}, DType::i64);
  Expr w = m.state("w", {features, classes}), b = m.state("b", {classes});
  Expr z = matmul(x, w) + broadcast_to(b, {batch, classes});
  Expr most = apply(
      Opcode::StopGradient,
      apply(Opcode::Max, z, Attributes().integers(Attr::axes, {1}).boolean(Attr::keepdims, true)));
  Expr shifted = z - broadcast_to(most, {batch, classes});
  Expr normal = apply(Opcode::Log, sum(apply(Opcode::Exp, shifted), {1}, true));
  Expr one_hot = apply(Opcode::OneHot, y,
                       Attributes().integer(Attr::depth, classes).dtype(Attr::dtype, DType::f32));
  Expr loss = -mean(sum(one_hot * (shifted - broadcast_to(normal, {batch, classes})), {1}, false));
  m.output("loss", loss);
  m.descend(loss, lr, w, 0);
  m.descend(loss, lr, b, 1);
  return m.differentiated();
}

/// Partial sums of up to 2^20 rows: blocks would have loops of their own.
TEST(LoopFusion, LongSumsAreInTheLoopOverTheBatch) {
  StepMaker m;
  Expr x = m.input("x", {100'000}), y = m.input("y", {100'000}), w = m.state("w", {});
  Expr error = x * w - y;
  m.output("loss", mean(error * error));
  m.output("sum", sum(error * x, {0}, false));
  loop::Program program = lowered(m.step());
  ASSERT_EQ(program.kernels.size(), 1u);
  EXPECT_EQ(temporaries(program), 0u) << print(program);
}

TEST(LoopFusion, SoftmaxRegressionIsOneLoopOverTheBatchWithRowsInTiles) {
  StepMaker m;
  expect_one_loop_over_the_batch(softmax_regression(m, 8, 4, 3), 2);
}

TEST(LoopFusion, LargerSoftmaxRegressionsKeepTheirBits) {
  for (auto [batch, features, classes] :
       {std::tuple{40, 4, 3}, {100, 70, 10}, {3, 5, 40}, {50, 20, 40}}) {
    StepMaker m;
    expect_chain(softmax_regression(m, batch, features, classes));
  }
}

TEST(LoopFusion, ASmallNetworkIsOneKernel) {
  StepMaker m;
  Step step = network(m, 4, 2, 8, 1);
  expect_chain(step);
  EXPECT_EQ(lowered(step).kernels.size(), 1u);
}

TEST(LoopFusion, ProductsThatBecomeLongTilesMakeAStepOfManyKernels) {
  auto kernels = [](int layers) {
    StepMaker m;
    Expr h = m.input("x", {8, 16});
    for (int i = 0; i < layers; ++i)
      h = apply(Opcode::Tanh, matmul(h, m.state("w" + std::to_string(i), {16, 16})));
    m.output("y", h);
    return lowered(m.step()).kernels.size();
  };
  EXPECT_EQ(kernels(1), 1u);
  EXPECT_EQ(kernels(4), 1u);
  EXPECT_EQ(kernels(12), 12u);
}

TEST(LoopFusion, LargeProductsTakeOnlyTheirEpilogues) {
  StepMaker m;
  Step step = network(m, 40, 72, 48, 10);
  expect_chain(step);
  PassContext context;
  Step fused = fuse(step, context);
  EXPECT_EQ(fused.partition.kernels.size(), 6u); // the first is the rate of all updates
  for (const KernelGroup& kernel : fused.partition.kernels)
    EXPECT_FALSE(kernel.title.empty() || kernel.reason.empty());
  EXPECT_EQ(fused.partition.kernels[1].title, "x·w+b");
  EXPECT_THAT(fused.partition.kernels[1].reason,
              testing::HasSubstr("is a contraction, with loops of its own"));
  // Bias and activation run in the loops of the first product: one nest, and the sum is never
  // stored.
  loop::Program program = lower(fused, context);
  const loop::Kernel& first = program.kernels[1];
  ASSERT_EQ(outer_loops(first), 1u) << print(program);
  EXPECT_EQ(first.body[0].body[0].kind, StatementKind::For);
}

TEST(LoopFusion, GradientAndUpdateShareAKernel) {
  StepMaker m;
  Step step = network(m, 40, 72, 48, 10);
  PassContext context;
  Step fused = fuse(step, context);
  for (size_t i = 0; i < fused.updates.size(); ++i) {
    NodeId update = fused.updates[i].node;
    Value gradient = fused.graph.operand(fused.graph.operand(update, 1).node, 0);
    EXPECT_EQ(fused.partition.kernel_of[update], fused.partition.kernel_of[gradient.node]) << i;
  }
}

TEST(LoopFusion, AReadOfANeighbourKeepsLoopsApart) {
  StepMaker m;
  Expr a = m.input("a", {8});
  Expr doubled = a * 2.0;
  Attributes behind;
  behind.integers(Attr::start, {1}).integers(Attr::limit, {8}).integers(Attr::step, {1});
  Attributes before;
  before.integers(Attr::start, {0}).integers(Attr::limit, {7}).integers(Attr::step, {1});
  m.output("differences",
           apply(Opcode::Slice, doubled, behind) - apply(Opcode::Slice, doubled, before));
  expect_chain(m.step());
  EXPECT_EQ(outer_loops(lowered(m.step()).kernels[0]), 2u);
}

TEST(LoopFusion, SiblingReductionsReadTheirDataOnce) {
  StepMaker m;
  Expr a = m.input("a", {50, 7});
  m.output("sum", sum(a, {1}, false));
  m.output("squares", sum(a * a, {1}, false));
  m.output("most", apply(Opcode::Max, a,
                         Attributes().integers(Attr::axes, {1}).boolean(Attr::keepdims, false)));
  expect_chain(m.step());
  loop::Program program = lowered(m.step());
  EXPECT_EQ(outer_loops(program.kernels[0]), 1u);
  EXPECT_EQ(temporaries(program), 0u);
}

Expr most(Expr x) {
  return apply(Opcode::Max, x,
               Attributes().integers(Attr::axes, {1}).boolean(Attr::keepdims, true));
}

TEST(LoopFusion, MaximaOfLongRowsHaveChainsOfTheirOwnWhereNoSumRunsBesideThem) {
  for (auto [columns, beside, tile] : {std::tuple{40, false, "tile t0[16] : f32 = -inf"},
                                       {255, false, "tile t0[16] : f32 = -inf"},
                                       {256, false, "tile t0[64] : f32 = -inf"},
                                       {1000, false, "tile t0[64] : f32 = -inf"},
                                       {1000, true, "tile t0[16] : f32 = -inf"}}) {
    StepMaker m;
    Expr x = m.input("x", {5, columns});
    m.output("most", most(x));
    if (beside)
      m.output("sum", sum(x, {1}, true));
    expect_chain(m.step());
    const std::string text = print(lowered(m.step()));
    EXPECT_NE(text.find(tile), std::string::npos) << text;
  }
}

TEST(LoopFusion, ASoftmaxOfLongRowsKeepsOneRow) {
  for (int64_t columns : {70, 300}) {
    StepMaker m;
    Expr x = m.input("x", {33, columns});
    Expr y = m.input("index y", {33}, DType::i32);
    Expr e = apply(Opcode::Exp, x - broadcast_to(most(x), {33, columns}));
    Expr hit = apply(Opcode::OneHot, y,
                     Attributes().integer(Attr::depth, columns).dtype(Attr::dtype, DType::f32));
    m.output("d", e / broadcast_to(sum(e, {1}, true), {33, columns}) - hit);
    expect_chain(m.step());
    PassContext context;
    const loop::Program program =
        plan(schedule(expand(lowered(m.step()), context), context), context);
    for (const loop::Buffer& b : program.buffers)
      if (b.role == loop::BufferRole::temporary)
        EXPECT_EQ(b.type.shape, (Shape{columns})) << print(program);
  }
}

TEST(LoopFusion, NoRowsWaitForASumOfParameters) {
  StepMaker m;
  Expr x = m.input("x", {100, 4}), rows = sum(x * x, {1}, true);
  Expr z = apply(Opcode::Exp, m.state("z", {4}));
  Expr p = z / broadcast_to(sum(z, {0}, true), {4});
  m.output("y", sum(broadcast_to(rows, {100, 4}) * broadcast_to(p, {100, 4}), {1}, false));
  loop::Program program = lowered(m.differentiated());
  ASSERT_EQ(program.kernels.size(), 1u);
  for (const loop::Buffer& b : program.buffers)
    EXPECT_TRUE(b.role != loop::BufferRole::temporary || b.type.elements() < 100) << print(program);
  expect_chain(m.differentiated());
}

TEST(LoopFusion, AProductOfARowAndWhatWasComputedForItJoinsItsLoop) {
  StepMaker m;
  Expr lr = m.scalar("lr"), x = m.input("x", {8, 4}), y = m.input("y", {8, 3});
  Expr w = m.state("w", {4, 3});
  Expr error = matmul(x, w) - y;
  Expr loss = mean(error * error);
  m.output("loss", loss);
  m.descend(loss, lr, w, 0);
  loop::Program program = lowered(m.differentiated());
  ASSERT_EQ(program.kernels.size(), 1u);
  const Statement& rows =
      *std::find_if(program.kernels[0].body.begin(), program.kernels[0].body.end(),
                    [](const Statement& s) { return s.kind == StatementKind::For; });
  size_t inside = 0;
  for (const Statement& s : rows.body)
    inside += s.kind == StatementKind::For;
  EXPECT_EQ(inside, 1u) << "columns, and in them terms and the gradient\n" << print(program);
  expect_chain(m.differentiated());
}

/// Of a text: what stands in front of a kernel may read what that kernel stores.
TEST(RemoveDead, KeepsWhatAStoreNeedsOfABufferThatOnlyAnEarlierKernelReads) {
  loop::Program program = read_step("gdir 1\nstage loops\nmodel m\nstep training\nbatch 0\n\n"
                                    "input x : f32[4]\noutput y : f32[4]\n\n"
                                    "buffer x : f32[4] = input x\nbuffer y : f32[4] = output y\n"
                                    "buffer a : f32[4] = temporary\n\n"
                                    "kernel k0 \"\" {\n  for i in 0..4 {\n    store a[i] = 1\n"
                                    "    store y[i] = exp a[i]\n  }\n}\n\n"
                                    "kernel k1 \"\" {\n  %0 = add x[0], x[1]\n"
                                    "  store a[2] = %0\n}\n\nend\n",
                                    "t.gdir")
                              .program;
  PassContext context;
  program = expand(std::move(program), context);
  Diagnostics diagnostics;
  verify(program, diagnostics);
  EXPECT_EQ(diagnostics.size(), 0u) << print(program);
}

} // namespace
} // namespace gdjit
