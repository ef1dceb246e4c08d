// The loops of whole steps: few, as one would write them.
#include "Steps.h"

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
/// Loops at the top of a kernel.
size_t outer_loops(const loop::Kernel& kernel) {
  size_t n = 0;
  for (const Statement& s : kernel.body)
    n += s.kind == StatementKind::For;
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

/// A network of one hidden layer, large enough that its products stand alone.
Step network(StepMaker& m, int64_t batch, int64_t in, int64_t hidden, int64_t out) {
  Expr lr = m.scalar("lr"), x = m.input("x", {batch, in}), y = m.input("y", {batch, out});
  Expr w = m.state("w", {in, hidden}), b = m.state("b", {hidden});
  Expr w2 = m.state("w2", {hidden, out}), b2 = m.state("b2", {out});
  Expr h = apply(Opcode::Relu, matmul(x, w) + broadcast_to(b, {batch, hidden}));
  Expr error = matmul(h, w2) + broadcast_to(b2, {batch, out}) - y;
  Expr loss = mean(error * error);
  m.output("loss", loss);
  m.descend(loss, lr, w, 0);
  m.descend(loss, lr, b, 1);
  m.descend(loss, lr, w2, 2);
  m.descend(loss, lr, b2, 3);
  return m.differentiated();
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

TEST(Fuse, KernelsAreCutWhereTheyGrowTooLong) {
  StepMaker m;
  Expr a = m.input("a", {100});
  Expr e = a;
  for (int i = 0; i < 2000; ++i)
    e = e * a + 1.0;
  m.output("e", e);
  PassContext context;
  Step fused = fuse(m.step(), context);
  EXPECT_GT(fused.partition.kernels.size(), 4u);
  loop::Program program = lower(fused, context);
  for (const loop::Kernel& kernel : program.kernels)
    EXPECT_LT(kernel.values, 2100u);
  expect_same(interpret(m.step(), random_arguments(m.step().signature, 1)),
              interpret(program, random_arguments(m.step().signature, 1)), "cut");
}

TEST(Fuse, AChainThatWaitsForItsSumIsCut) {
  StepMaker m;
  Expr a = m.input("a", {100});
  Expr e = a;
  for (int i = 0; i < 2000; ++i)
    e = e * a + 1.0;
  m.output("total", sum(e, {0}, false));
  loop::Program program = lowered(m.step());
  EXPECT_GT(program.kernels.size(), 4u);
  for (const loop::Kernel& kernel : program.kernels)
    EXPECT_LT(kernel.values, 2100u);
  expect_chain(m.step());
}

TEST(Fuse, WhatReadsLongKernelsGoesOnInTheNewestOne) {
  StepMaker m;
  Expr a = m.input("a", {4});
  std::vector<Expr> forward = {a};
  for (int i = 0; i < 1000; ++i)
    forward.push_back(forward.back() * a + 1.0);
  Expr back = a; // as a gradient does: a comparison of old values, then what uses it
  for (size_t i = forward.size(); i-- > 0;)
    back = select(apply(Opcode::Less, forward[i], a), back, back * forward[i]);
  m.output("back", back);
  loop::Program program = lowered(m.step());
  EXPECT_LT(program.kernels.size(), 12u);
  expect_chain(m.step());
}

TEST(Fuse, AnUpdateWaitsForTheLastReadOfItsState) {
  StepMaker m;
  Expr x = m.input("x", {64, 64}), w = m.state("w", {64, 64});
  Expr first = matmul(x, w);
  m.update(0, w - first);
  m.output("second", matmul(first, w)); // reads w behind the node that updates it
  PassContext context;
  Step fused = fuse(m.step(), context);
  EXPECT_GE(fused.partition.kernel_of[fused.updates[0].node],
            fused.partition.kernel_of[fused.outputs[0].node]);
  expect_chain(m.step());
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

TEST(Fuse, LongNumbersComeFirstAndNothingWaitsInFrontOfAProduct) {
  StepMaker m; // momentum with a bias correction
  Expr x = m.input("x", {64, 48}), y = m.input("y", {64, 80}), beta = m.scalar("beta");
  Expr w = m.state("w", {48, 80}), velocity = m.state("v", {48, 80});
  Expr next = velocity * 0.875 + matmul(x, y, true, false);
  Expr correction = 1.0 - apply(Opcode::Pow, beta, m.scalar("t"));
  m.update(1, next);
  m.update(0, w - next / broadcast_to(correction, {48, 80}));
  loop::Program program = lowered(m.step());
  ASSERT_EQ(program.kernels.size(), 2u) << print(program);
  EXPECT_EQ(program.kernels[0].reason, "single numbers, for all that follows");
  const Statement* columns = &program.kernels[1].body.at(0).body.at(0);
  ASSERT_EQ(columns->kind, StatementKind::For) << print(program);
  EXPECT_EQ(columns->body.at(0).kind, StatementKind::Tile) << print(program);
  EXPECT_EQ(columns->body.at(1).kind, StatementKind::For) << print(program);
  expect_chain(m.step());
}

TEST(Fuse, ANumberOfSeveralReadersComesFirstAndDrawsThemIntoNoKernel) {
  StepMaker m; // the learning rate over the number of rows, for two products far apart
  Expr x = m.input("x", {64, 48}), y = m.input("y", {64, 80}), rate = m.scalar("lr") * 0.015625;
  for (uint32_t p = 0; p < 2; ++p) {
    Expr w = m.state("w" + std::to_string(p), {48, 80});
    m.update(p, apply(Opcode::Fma, matmul(x, y * (p + 1.0), true, false),
                      broadcast_to(rate, {48, 80}), w));
  }
  loop::Program program = lowered(m.step());
  for (const loop::Buffer& b : program.buffers)
    EXPECT_FALSE(b.role == loop::BufferRole::temporary && b.name.starts_with("matmul")) << b.name;
  EXPECT_EQ(program.kernels[0].reason, "single numbers, for all that follows");
  expect_chain(m.step());
}

TEST(Fuse, AnUpdateByGivenGradientsIsOneLoopOverItsArrays) {
  StepMaker m; // two parameters, each with its gradient, which starts anew, and a mean of squares
  const Shape shape{400, 300};
  Expr correction = 1.0 - apply(Opcode::Pow, m.scalar("beta"), m.scalar("t"));
  Expr root = apply(Opcode::Sqrt, correction);
  Expr zero = broadcast_to(m.constant(Array(TensorType{DType::f32, {}})), shape);
  for (uint32_t p = 0; p < 2; ++p) {
    const std::string name = std::to_string(p);
    Expr w = m.state("w" + name, shape), g = m.state("g" + name, shape);
    Expr squares = m.state("v" + name, shape);
    Expr next = squares * 0.875 + g * g * 0.125;
    Expr size = apply(Opcode::Sqrt, next) * broadcast_to(root, shape) + 1e-3;
    m.update(3 * p + 1, zero);
    m.update(3 * p + 2, next);
    m.update(3 * p, w - g * broadcast_to(correction, shape) / size);
  }
  loop::Program program = lowered(m.step());
  ASSERT_EQ(program.kernels.size(), 2u) << print(program);
  EXPECT_EQ(outer_loops(program.kernels[1]), 2u) << print(program);
  for (const loop::Buffer& b : program.buffers)
    EXPECT_FALSE(b.role == loop::BufferRole::temporary && b.type.elements() > 1) << print(program);
  PassContext context;
  program = plan(schedule(expand(program, context), context), context);
  for (const loop::Buffer& b : program.buffers)
    EXPECT_TRUE(b.role != loop::BufferRole::update || b.same_as != loop::none) << b.name;
  expect_chain(m.step());
}

TEST(Fuse, ALookUpOfLongRowsIsInTheKernelThatRunsOverThem) {
  for (int64_t columns : {300, 10}) {
    const Shape shape{96000 / columns, columns};
    StepMaker m; // a softmax's probabilities less what they should be
    Expr x = m.input("x", shape);
    Expr e = apply(Opcode::Exp, x);
    Expr p = e / broadcast_to(sum(e, {1}, true), shape);
    m.output("d",
             p - apply(Opcode::OneHot, m.input("index", {shape[0]}, DType::i32),
                       Attributes().integer(Attr::depth, columns).dtype(Attr::dtype, DType::f32)));
    loop::Program program = lowered(m.step());
    EXPECT_EQ(program.kernels.size(), columns == 300 ? 1u : 2u) << print(program);
    expect_chain(m.step());
  }
}

TEST(Fuse, EqualGraphsHaveEqualPartitions) {
  StepMaker a, b;
  PassContext context;
  Step first = fuse(network(a, 40, 72, 48, 10), context),
       second = fuse(network(b, 40, 72, 48, 10), context);
  EXPECT_EQ(print(first), print(second));
}

TEST(Fuse, AHundredThousandNodesAreLowered) {
  StepMaker m;
  Expr x = m.input("x", {16, 16}), w = m.input("w", {16, 16});
  Expr e = x;
  for (int i = 0; i < 20000; ++i)
    e = transpose(apply(Opcode::Relu, matmul(e, w)), {1, 0}) * x + w;
  m.output("e", e);
  ASSERT_GT(m.step().graph.size(), 100000u);
  loop::Program program = lowered(m.step());
  EXPECT_EQ(program.kernels.size(), 20000u);
}

} // namespace
} // namespace gdjit
