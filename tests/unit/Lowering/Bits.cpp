// Every kind of node, order, shape and type lowers to loops that give the graph's bits.
#include "Steps.h"

#include "gdjit/Loop/KernelView.h"
#include "gdjit/Loop/Rewrite.h"

namespace gdjit {
namespace {

constexpr DType float_types[] = {DType::f32, DType::f64};
constexpr DType number_types[] = {DType::f32, DType::f64, DType::i32, DType::i64};

Attributes axes(std::vector<int64_t> a, bool keepdims = false) {
  return Attributes().integers(Attr::axes, std::move(a)).boolean(Attr::keepdims, keepdims);
}
Attributes order(DType type, int32_t partials, int64_t block = 0) {
  return Attributes().order(Attr::order, {type, partials, block});
}

TEST(LoweringBits, PointwiseOpsOfEveryTypeAndShapeKeepTheirBits) {
  for (DType type : number_types)
    for (Shape shape : {Shape{}, Shape{1}, Shape{0}, Shape{7}, Shape{3, 0, 2}, Shape{1, 5, 1},
                        Shape{2, 3, 4, 2}}) {
      StepMaker m;
      Expr a = m.input("a", shape, type), b = m.input("b", shape, type);
      Expr c = (a + b) * a - b;
      m.output("c", c);
      m.output("less", apply(Opcode::Less, a, c));
      m.output("chosen", select(apply(Opcode::Less, a, b), c, b));
      m.output("wide", cast(c, DType::f64));
      expect_chain(m.step());
    }
}

TEST(LoweringBits, ElementaryFunctionsAreExpanded) {
  for (DType type : float_types) {
    StepMaker m;
    Expr a = m.input("a", {37}, type);
    for (Opcode op :
         {Opcode::Exp, Opcode::Log, Opcode::Tanh, Opcode::Sigmoid, Opcode::Sin, Opcode::Sqrt})
      m.output(std::string(name(op)), apply(op, a));
    expect_chain(m.step());
  }
}

TEST(LoweringBits, ReductionsOverAnyAxesFollowTheirOrder) {
  for (const Shape& shape :
       {Shape{3, 4, 5}, Shape{1, 4, 1}, Shape{0, 4}, Shape{4, 0}, Shape{40, 3}, Shape{3, 40}})
    for (const std::vector<int64_t>& reduced : {std::vector<int64_t>{0}, {1}, {0, 1}})
      for (bool keepdims : {false, true})
        for (int32_t partials : {1, 4, 16}) {
          StepMaker m;
          Expr a = m.input("a", shape);
          Attributes how = axes(reduced, keepdims);
          m.output("sum", apply(Opcode::Sum, a,
                                Attributes(how).order(Attr::order, {DType::f32, partials, 0})));
          m.output("wide", apply(Opcode::Sum, a,
                                 Attributes(how).order(Attr::order, {DType::f64, partials, 0})));
          m.output("product", apply(Opcode::Prod, a,
                                    Attributes(how).order(Attr::order, {DType::f32, partials, 0})));
          if (shape.elements() > 0) {
            m.output("max", apply(Opcode::Max, a, how));
            m.output("min", apply(Opcode::Min, a, how));
          }
          m.output("any", apply(Opcode::Any, apply(Opcode::Less, a, constant_like(a, 0)), how));
          m.output("all", apply(Opcode::All, apply(Opcode::Less, a, constant_like(a, 2)), how));
          expect_chain(m.step());
        }
}

TEST(LoweringBits, BlocksOfTermsAreJoinedInTheirOrder) {
  for (int64_t terms : {1, 15, 16, 17, 32, 50, 64})
    for (const Shape& shape : {Shape{terms}, Shape{terms, 3}, Shape{2, terms}}) {
      StepMaker m;
      Expr a = m.input("a", shape);
      int64_t axis = shape.rank() == 2 && shape[1] == terms ? 1 : 0;
      m.output("sum", apply(Opcode::Sum, a, axes({axis}).order(Attr::order, {DType::f32, 4, 16})));
      m.output("plain",
               apply(Opcode::Sum, a, axes({axis}).order(Attr::order, {DType::f32, 1, 16})));
      if (shape.rank() == 2)
        m.output("both",
                 apply(Opcode::Sum, a, axes({0, 1}).order(Attr::order, {DType::f32, 4, 16})));
      expect_chain(m.step());
    }
}

TEST(LoweringBits, PositionsOfExtremesAreTheFirstAndNaNsWin) {
  for (DType type : number_types)
    for (int64_t axis : {0, 1, 2}) {
      StepMaker m;
      Expr a = m.input("a", {4, 6, 3}, type);
      m.output("most", apply(Opcode::Argmax, a, Attributes().integer(Attr::axis, axis)));
      m.output("least",
               apply(Opcode::Argmin, a,
                     Attributes().integer(Attr::axis, axis).boolean(Attr::keepdims, true)));
      expect_chain(m.step(), static_cast<uint32_t>(axis));
    }
}

TEST(LoweringBits, MatmulInEveryLayoutFollowsItsOrder) {
  for (bool ta : {false, true})
    for (bool tb : {false, true})
      for (auto [rows, inner, columns] : {std::tuple<int64_t, int64_t, int64_t>{5, 3, 2},
                                          {1, 7, 1},
                                          {4, 0, 3},
                                          {0, 2, 2},
                                          {17, 20, 33},
                                          {3, 40, 9}})
        for (int32_t partials : {1, 16}) {
          StepMaker m;
          Expr a = m.input("a", ta ? Shape{inner, rows} : Shape{rows, inner});
          Expr b = m.input("b", tb ? Shape{columns, inner} : Shape{inner, columns});
          Attributes how = order(DType::f32, partials);
          how.boolean(Attr::transpose_lhs, ta).boolean(Attr::transpose_rhs, tb);
          Expr c = apply(Opcode::Matmul, a, b, how);
          m.output("c", c);
          m.output("relu", apply(Opcode::Relu, c));
          expect_chain(m.step());
        }
}

TEST(LoweringBits, MatmulOfBatchesAndTypes) {
  for (DType type : number_types) {
    StepMaker m;
    Expr a = m.input("a", {2, 3, 4, 5}, type), b = m.input("b", {2, 3, 5, 6}, type);
    m.output("c", matmul(a, b));
    expect_chain(m.step());
  }
}

TEST(LoweringBits, MovementIsComposedIntoLoads) {
  StepMaker m;
  Expr a = m.input("a", {4, 6}), b = m.input("b", {2, 6});
  Expr t = transpose(a, {1, 0});
  m.output("t", t);
  m.output("sliced", apply(Opcode::Slice, t,
                           Attributes()
                               .integers(Attr::start, {1, 0})
                               .integers(Attr::limit, {6, 4})
                               .integers(Attr::step, {2, 3})));
  Attributes pad;
  pad.integers(Attr::low, {1, 0}).integers(Attr::high, {2, 3}).real(Attr::fill, 7);
  Expr padded = apply(Opcode::Pad, a, pad);
  m.output("padded", padded);
  Attributes more;
  more.integers(Attr::low, {2, 1}).integers(Attr::high, {0, 1}).real(Attr::fill, -1);
  m.output("padded twice", apply(Opcode::Pad, padded, more) * 2.0);
  Value parts[] = {a.value, b.value, a.value};
  Expr joined{a.builder,
              a.builder->append(Opcode::Concat, parts, Attributes().integer(Attr::axis, 0))};
  m.output("joined", joined);
  m.output("padded join", apply(Opcode::Pad, joined, pad));
  m.output("reversed", apply(Opcode::Reverse, joined, Attributes().integers(Attr::axes, {0, 1})));
  m.output("broadcast", broadcast_to(reshape(sum(a, {1}, false), {4, 1}), {3, 4, 2}));
  expect_chain(m.step());
}

TEST(LoweringBits, APadOfAnEmptyConcatenationIsAllFill) {
  StepMaker m;
  Expr a = m.input("a", {0}), b = m.input("b", {0});
  Expr joined = apply(Opcode::Concat, a, b, Attributes().integer(Attr::axis, 0));
  m.output(
      "padded",
      apply(Opcode::Pad, joined,
            Attributes().integers(Attr::low, {2}).integers(Attr::high, {1}).real(Attr::fill, 1)));
  expect_chain(m.step());
}

TEST(LoweringBits, ReshapesAreMapsOrViews) {
  StepMaker m;
  Expr a = m.input("a", {4, 6});
  for (const Shape& shape :
       {Shape{24}, Shape{2, 2, 6}, Shape{2, 12}, Shape{1, 4, 1, 6}, Shape{8, 3}, Shape{3, 8}}) {
    m.output("plain" + to_string(shape), reshape(a, shape));
    m.output("computed" + to_string(shape), reshape(a * 2.0, shape) + 1.0);
    m.output("turned" + to_string(shape), reshape(transpose(a, {1, 0}), shape) + 1.0);
  }
  Expr empty = m.input("empty", {0, 3});
  m.output("empty", reshape(empty, {3, 0}) + 1.0);
  expect_chain(m.step());
}

TEST(LoweringBits, GatherScatterAndOneHotReadTheirPlacesFromData) {
  for (DType type : {DType::i32, DType::i64}) {
    StepMaker m;
    Expr data = m.input("data", {3, 4}), index = m.input("index", {2, 5}, type);
    Expr rows = apply(Opcode::Gather, data, index);
    m.output("rows", rows);
    m.output("turned", apply(Opcode::Gather, transpose(data, {1, 0}), index));
    m.output("sums",
             apply(Opcode::ScatterAdd, rows * 2.0, index, Attributes().integer(Attr::rows, 3)) +
                 1.0);
    m.output("classes", apply(Opcode::OneHot, index,
                              Attributes().integer(Attr::depth, 3).dtype(Attr::dtype, DType::f32)));
    expect_chain(m.step());
  }
}

TEST(LoweringBits, TheFirstIndexOutOfRangeIsReportedInTheOrderOfTheNodes) {
  for (uint32_t seed = 0; seed < 8; ++seed) {
    StepMaker m;
    Expr data = m.input("data", {2, 4}), a = m.input("index a", {6}, DType::i64),
         b = m.input("index b", {6}, DType::i64);
    m.output("first", apply(Opcode::Gather, data, a));
    m.output("second", apply(Opcode::OneHot, b,
                             Attributes().integer(Attr::depth, 2).dtype(Attr::dtype, DType::f32)));
    m.output("third", apply(Opcode::Gather, data, b) + apply(Opcode::Gather, data, a));
    expect_chain(m.step(), seed);
  }
}

TEST(LoweringBits, ConstantsAreImmediatesOrBuffers) {
  StepMaker m;
  Expr a = m.input("a", {2, 3});
  Expr table = m.constant(Array({DType::f32, {2, 3}}, {1, 2, 3, 4, 5, 6}));
  m.output("b", a * table + constant_like(a, 0.5));
  m.output("table", table);
  m.output("a", a);
  m.output("a again", a);
  Attributes pad;
  pad.integers(Attr::low, {1, 0}).integers(Attr::high, {0, 0}).real(Attr::fill, 7);
  m.output("padded", apply(Opcode::Pad, constant_like(a, 2), pad));
  expect_chain(m.step());
  for (const loop::Buffer& buffer : lowered(m.step()).buffers)
    EXPECT_TRUE(buffer.role != loop::BufferRole::constant || buffer.type.elements() == 6);
}

TEST(LoweringBits, RandomNumbersAndPositionsAreComputedInPlace) {
  StepMaker m;
  Expr seed = m.scalar("seed", DType::i64), step = m.scalar("step", DType::i64);
  Attributes draw;
  draw.dtype(Attr::dtype, DType::f32).integers(Attr::shape, {3, 5}).text(Attr::stream, "dropout");
  Expr u = apply(Opcode::Uniform, seed, step, draw);
  Expr a = m.input("a", {3, 5});
  m.output("dropped",
           select(apply(Opcode::Less, u, constant_like(u, 0.5)), a, constant_like(a, 0)));
  expect_chain(m.step());
  size_t streams = 0; // the stream's number is an argument
  for (const loop::Buffer& b : lowered(m.step()).buffers)
    streams += b.role == loop::BufferRole::constant && b.type == TensorType{DType::i64, {}};
  EXPECT_EQ(streams, 1u);
}

/// A program knows buffers in the order in which kernels name them: z last here.
TEST(LoweringBits, LayersAreEqualInWhateverOrderTheirBuffersAreKnown) {
  StepMaker m;
  Expr x = m.input("x", {32, 64}), z = m.input("z", {32, 64}), w = m.input("w", {64, 64}),
       v = m.input("v", {64, 64});
  m.output("a", apply(Opcode::Tanh, matmul(x, w)));
  m.output("b", apply(Opcode::Tanh, matmul(x, v)));
  m.output("c", apply(Opcode::Tanh, matmul(z, v)));
  m.output("d", apply(Opcode::Tanh, matmul(z, w)));
  const Step step = m.step();
  const loop::Program program = lowered(step);
  ASSERT_EQ(program.kernels.size(), 4u);
  for (size_t k = 1; k < 4; ++k)
    EXPECT_EQ(program.kernels[k].same_as, 0u) << k;
  EXPECT_FALSE(std::ranges::is_sorted(program.kernels[3].buffers));
  expect_chain(step);
}

TEST(LoweringBits, EqualLayersAreLoweredOnceAndWhatElseIsReadIsKept) {
  StepMaker m;
  Expr h = m.input("x", {32, 64});
  for (int layer = 0; layer < 9; ++layer) {
    Expr t = matmul(h, m.input("w" + std::to_string(layer), {64, 64}));
    h = t / broadcast_to(sum(t * t, {1}, true) + 1.0, t.shape());
    if (layer == 4)
      m.output("t", t);
  }
  m.output("h", h);
  const Step step = m.step();
  expect_chain(step);
  const loop::Program program = lowered(step);
  ASSERT_GE(program.kernels.size(), 9u);
  EXPECT_NE(program.kernels[2].same_as, loop::none);
  const auto statements = [](const loop::Kernel& kernel) {
    size_t count = 0;
    for_each(kernel.body, [&](const loop::Statement&) { ++count; });
    return count;
  };
  for (size_t k = 1; k < 8; ++k)
    EXPECT_EQ(statements(holder(program, program.kernels[k])), statements(program.kernels[1])) << k;
}

TEST(LoweringBits, UpdatesSeeTheValuesBeforeTheStep) {
  StepMaker m;
  Expr p = m.state("p", {5}), q = m.state("q", {5});
  m.update(0, q);
  m.update(1, p);
  m.output("sum", p + q);
  expect_chain(m.step());
}

} // namespace
} // namespace gdjit
