// Which nodes share a kernel, and which kernels come first.
#include "Steps.h"

#include <gmock/gmock.h>

namespace gdjit {
namespace {

using loop::Statement;
using loop::StatementKind;

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

TEST(Fuse, KernelsAreCutWhereTheChainsOfTheirSumsWouldFillTheStack) {
  StepMaker m;
  Expr x = m.input("x", {1024, 15}), rows = x * x;
  for (int i = 0; i < 80; ++i) // of 64 chains each, as many as its terms ask for
    m.output("sum" + std::to_string(i), sum(rows * (i + 1.0), {0}, false));
  PassContext context;
  Step fused = fuse(m.step(), context);
  EXPECT_THAT(print(fused),
              testing::HasSubstr("would make the chains of its sums longer than 262144 bytes"));
  loop::Program program = schedule(expand(lower(fused, context), context), context);
  for (const std::string& remark : context.remarks)
    EXPECT_THAT(remark, testing::Not(testing::HasSubstr("of the stack")));
  expect_chain(m.step());
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

/// The derivative of tanh follows from its result, which the next product keeps: it is computed
/// where it is multiplied, and not stored.
TEST(Fuse, WhatFollowsFromWhatIsKeptWaitsForItsReader) {
  StepMaker m;
  Expr lr = m.scalar("lr"), x = m.input("x", {40, 12}), w1 = m.state("w1", {12, 12}),
       w2 = m.state("w2", {12, 12});
  Expr y = matmul(apply(Opcode::Tanh, matmul(x, w1)), w2);
  Expr loss = mean(y * y);
  m.output("loss", loss);
  m.descend(loss, lr, w1, 0);
  m.descend(loss, lr, w2, 1);
  const Step step = m.differentiated();
  PassContext context;
  const Step fused = fuse(step, context);
  uint32_t of_tanh = 0, of_derivative = 0;
  for (NodeId n = 0; n < fused.graph.size(); ++n)
    if (fused.graph.op(n) == Opcode::Tanh) {
      of_tanh = fused.partition.kernel_of[n];
    } else if (fused.graph.op(n) == Opcode::Subtract &&
               fused.graph.type(n).shape == Shape{40, 12}) { // 1 - tanh^2
      of_derivative = fused.partition.kernel_of[n];
    }
  EXPECT_GT(of_derivative, of_tanh) << print(fused);
  expect_chain(step);
}

/// What dropout leaves of a layer, and its derivative, both follow from the layer's result: it is
/// kept in the place of both, and two layers have the same kernels whether they drop or not.
TEST(Fuse, OneResultIsKeptInThePlaceOfSeveralThatFollowFromIt) {
  StepMaker m;
  Expr lr = m.scalar("lr"), x = m.input("x", {40, 16});
  Expr w[] = {m.state("w0", {16, 16}), m.state("w1", {16, 16}), m.state("w2", {16, 16})};
  Expr seed = m.scalar("seed", DType::i64), number = m.scalar("step", DType::i64);
  auto dropped = [&](Expr h, const std::string& stream) {
    Expr u = apply(Opcode::Uniform, seed, number,
                   Attributes()
                       .text(Attr::stream, stream)
                       .integers(Attr::shape, {40, 16})
                       .dtype(Attr::dtype, DType::f32));
    return select(apply(Opcode::Less, u, constant_like(u, 0.8)), 1.25 * h, constant_like(h, 0));
  };
  Expr h = dropped(apply(Opcode::Tanh, matmul(x, w[0])), "first");
  h = dropped(apply(Opcode::Tanh, matmul(h, w[1])), "second");
  Expr y = matmul(h, w[2]);
  Expr loss = mean(y * y);
  m.output("loss", loss);
  for (uint32_t i = 0; i < 3; ++i)
    m.descend(loss, lr, w[i], i);
  const Step step = m.differentiated();
  PassContext context;
  const Step fused = fuse(step, context);
  int tanhs = 0;
  for (NodeId n = 0; n < fused.graph.size(); ++n)
    for (Value v : fused.graph.operands(n))
      if (fused.graph.op(v.node) == Opcode::Tanh) {
        EXPECT_GT(fused.partition.kernel_of[n], fused.partition.kernel_of[v.node]) << print(fused);
        ++tanhs;
      }
  EXPECT_EQ(tanhs, 6); // each by the product with 1.25 and, as both factors, by the derivative
  expect_chain(step);
}

/// A sum over layers waits for nothing that would have to be kept for it.
TEST(Fuse, NothingLivesLongerForWhatWaits) {
  constexpr int64_t width = 64;
  StepMaker m;
  Expr h = m.input("x", {40, width}), total = h;
  for (int i = 0; i < 24; ++i) {
    h = apply(Opcode::Tanh, matmul(h, m.state("w" + std::to_string(i), {width, width})));
    total = total + h;
  }
  m.output("total", total);
  PassContext context;
  const loop::Program planned =
      plan(schedule(expand(lower(fuse(m.step(), context), context), context), context), context);
  EXPECT_LT(planned.arena_bytes, 6 * 40 * width * 4);
}

TEST(Fuse, WhatReadsAStateThatIsUpdatedWaitsForNoReader) {
  StepMaker m;
  Expr x = m.input("x", {40, 12}), w = m.state("w", {12, 12}), s = m.state("s", {40, 12});
  Expr h = apply(Opcode::Tanh, matmul(x, w));
  Expr scaled = h * s, next = matmul(h, w);
  m.update(1, next + s);
  m.output("y", matmul(next, w) + scaled);
  PassContext context;
  const Step fused = fuse(m.step(), context);
  const loop::Program planned =
      plan(schedule(expand(lower(fused, context), context), context), context);
  for (const std::string& remark : context.remarks)
    EXPECT_THAT(remark, testing::Not(testing::HasSubstr("not in place")));
  EXPECT_EQ(planned.kernels.size(), fused.partition.kernels.size()); // no copies behind all
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

/// Forward through two layers and back, over so many rows.
std::vector<KernelGroup> kernels_of_layers(int64_t rows, int64_t width) {
  StepMaker m;
  Expr x = m.input("x", {rows, 2}), w = m.input("w", {2, width}), v = m.input("v", {width, 1});
  Expr h = apply(Opcode::Tanh, matmul(x, w)), y = matmul(h, v);
  Expr d = matmul(y, v, false, true) * (1.0 - h * h);
  m.output("dv", matmul(h, y, true, false));
  m.output("dw", matmul(x, d, true, false));
  Step step = m.step();
  step.signature.batch = rows;
  PassContext context;
  return fuse(step, context).partition.kernels;
}

TEST(Fuse, ManyRowsOfWideLayersAreNoOneKernel) {
  EXPECT_EQ(kernels_of_layers(16, 8).size(), 1u);
  EXPECT_EQ(kernels_of_layers(64, 7).size(), 1u);
  for (auto [width, why] :
       {std::pair(16, "a layer of 16 or more columns"),
        std::pair(8, "the 16 sums of a gradient over them have lanes of their own")}) {
    const std::vector<KernelGroup> several = kernels_of_layers(17, width);
    EXPECT_GT(several.size(), 1u);
    EXPECT_THAT(several[0].reason, testing::HasSubstr(std::string("more than 16 rows and ") + why));
  }
}

/// A regression by a hidden layer of tanh; to its loss is added the mean of something else.
Step hidden_layer(int64_t rows, int64_t width, DType type, const Shape& beside = {},
                  bool computed = true) {
  StepMaker m;
  Expr lr = m.scalar("lr", type), x = m.input("x", {rows, 1}, type),
       y = m.input("y", {rows, 1}, type), w = m.state("w", {1, width}, type),
       v = m.state("v", {width, 1}, type);
  Expr error = matmul(apply(Opcode::Tanh, matmul(x, w)), v) - y;
  Expr loss = mean(error * error);
  if (beside.rank() > 0) {
    Expr z = m.input("z", beside, type);
    loss = loss + mean(computed ? apply(Opcode::Tanh, z) : z);
  }
  m.output("loss", loss);
  m.descend(loss, lr, w, 0);
  m.descend(loss, lr, v, 1);
  Step step = m.differentiated();
  step.signature.batch = rows;
  return step;
}

/// A network of few weights is one loop over any number of rows, which are its lanes.
TEST(Fuse, RowsOfNarrowLayersAreOneKernelHoweverMany) {
  PassContext context;
  for (DType type : {DType::f32, DType::f64})
    for (int64_t width : {3, 10, 15})
      for (int64_t rows : {17, 1000, 50'000}) {
        if (type == DType::f64 && width >= 8 && rows <= 128)
          continue; // its units fill vectors
        const Step step = hidden_layer(rows, width, type);
        EXPECT_EQ(fuse(step, context).partition.kernels.size(), 1u) << width << ", " << rows;
        if (rows <= 1000)
          expect_chain(step);
      }
  const Step blocks = hidden_layer((1 << 20) + 1, 3, DType::f32); // sums in loops of their own
  EXPECT_GT(fuse(blocks, context).partition.kernels.size(), 1u);
}

/// What has many elements a row, or is no row's at all, may be shared by threads, and takes as long
/// as any kernel.
TEST(Fuse, WhatIsLargeBesideNarrowLayersIsNoPartOfTheirKernel) {
  PassContext context;
  EXPECT_EQ(fuse(hidden_layer(100, 3, DType::f32, {100, 4}), context).partition.kernels.size(), 1u);
  for (const Shape& beside : {Shape{100, 20'000}, Shape{500'000, 8}})
    for (bool computed : {false, true})
      EXPECT_GT(fuse(hidden_layer(100, 3, DType::f32, beside, computed), context)
                    .partition.kernels.size(),
                1u);
}

} // namespace
} // namespace gdjit
