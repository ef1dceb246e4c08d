// The graph as plain data: shapes, attributes, nodes, orders, stages.
#include "gdjit/IR/Graph.h"

#include "gdjit/IR/Stage.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gdjit {
namespace {

TEST(Shape, PrintsComparesAndMultiplies) {
  EXPECT_EQ(to_string(Shape{}), "[]");
  EXPECT_EQ(to_string(TensorType{DType::boolean, {64, 784}}), "bool[64,784]");
  EXPECT_EQ(Shape{}.elements(), 1);
  EXPECT_EQ((Shape{2, 0, 3}.elements()), 0);
  EXPECT_EQ((TensorType{DType::f64, {2, 3}}.bytes()), 48);
  EXPECT_FALSE((Shape{2, 1}) == (Shape{2}));
  EXPECT_FALSE((Shape{2, 1}) == (Shape{1, 2}));
}

TEST(Shape, ProblemsOfWrittenExtentsAreNamed) {
  std::vector<int64_t> good = {max_elements, 0, 1}, negative = {2, -1};
  std::vector<int64_t> many(Shape::max_rank + 1, 1), large = {1 << 21, 1 << 21};
  std::vector<int64_t> overflow = {0, int64_t{1} << 40, int64_t{1} << 40};
  EXPECT_EQ(shape_problem(good.data(), good.size()), "");
  EXPECT_NE(shape_problem(negative.data(), negative.size()), "");
  EXPECT_NE(shape_problem(many.data(), many.size()), "");
  EXPECT_NE(shape_problem(large.data(), large.size()), "");
  EXPECT_NE(shape_problem(overflow.data(), overflow.size()), "") << "zeros are left out";
}

TEST(Attributes, AreSortedFoundReplacedAndCompared) {
  Attributes a, b;
  a.integer(Attr::axis, 1).boolean(Attr::keepdims, true).text(Attr::stream, "w");
  b.text(Attr::stream, "w").boolean(Attr::keepdims, true).integer(Attr::axis, 7);
  EXPECT_FALSE(a == b);
  b.integer(Attr::axis, 1);
  EXPECT_TRUE(a == b);
  EXPECT_EQ(a.hash(), b.hash());
  EXPECT_EQ(a.entries().size(), 3u);
  EXPECT_TRUE(a.has(Attr::axis));
  EXPECT_FALSE(a.has(Attr::axes));
  EXPECT_THROW(a.integers(Attr::axes), InternalError);
}

TEST(Attributes, EachKindCountsInComparisonAndHash) {
  Attributes base;
  auto differs = [&](const Attributes& other) {
    return !(base == other) && base.hash() != other.hash();
  };
  EXPECT_TRUE(differs(Attributes().real(Attr::fill, 0.0)));
  base.real(Attr::fill, 0.0);
  EXPECT_TRUE(differs(Attributes().real(Attr::fill, -0.0)));
  base = Attributes().integers(Attr::axes, {0, 1});
  EXPECT_TRUE(differs(Attributes().integers(Attr::axes, {1, 0})));
  base = Attributes().dtype(Attr::dtype, DType::f32);
  EXPECT_TRUE(differs(Attributes().dtype(Attr::dtype, DType::f64)));
  base = Attributes().order(Attr::order, {DType::f32, 16, 0});
  EXPECT_TRUE(differs(Attributes().order(Attr::order, {DType::f64, 16, 0})));
  EXPECT_TRUE(differs(Attributes().order(Attr::order, {DType::f32, 8, 0})));
  EXPECT_TRUE(differs(Attributes().order(Attr::order, {DType::f32, 16, 32})));
  auto one = [](double x) {
    return std::make_shared<const Array>(TensorType{}, std::vector<double>{x});
  };
  base = Attributes().array(Attr::value, one(1));
  EXPECT_TRUE(differs(Attributes().array(Attr::value, one(2))));
  EXPECT_TRUE(base == Attributes().array(Attr::value, one(1))) << "by elements, not by address";
}

TEST(Attributes, NamesAndKindsComeFromTheTable) {
  Attr attr = Attr::index;
  EXPECT_TRUE(find_attr("keepdims", attr));
  EXPECT_EQ(attr, Attr::keepdims);
  EXPECT_EQ(name(attr), "keepdims");
  EXPECT_EQ(kind(attr), AttributeKind::boolean);
  EXPECT_FALSE(find_attr("keepdim", attr));
}

TEST(Graph, KeepsNodesNamesAndPlaces) {
  Graph graph;
  TensorType type{DType::f32, {2}};
  NodeId a = graph.append(Opcode::Input, {}, Attributes().integer(Attr::index, 0), {&type, 1},
                          graph.origin_of({"m.cpp", 3, 7}));
  Value operands[] = {{a, 0}, {a, 0}};
  NodeId b = graph.append(Opcode::Add, operands, {}, {&type, 1});
  graph.set_name(b, "sum");
  EXPECT_EQ(graph.size(), 2u);
  EXPECT_EQ(graph.op(b), Opcode::Add);
  EXPECT_EQ(graph.operand(b, 1), (Value{a, 0}));
  EXPECT_EQ(graph.type(b), type);
  EXPECT_EQ(graph.name(a), "");
  EXPECT_EQ(graph.name(b), "sum");
  EXPECT_EQ(to_string(graph.location(a)), "m.cpp:3:7");
  EXPECT_FALSE(graph.location(b).known());
  EXPECT_EQ(graph.file("m.cpp"), 1u) << "a file is listed once";
  EXPECT_EQ(graph.attributes(a).integer(Attr::index), 0);
  EXPECT_TRUE(graph.attributes(b).empty());
}

TEST(Graph, RefusesAnOperandThatDoesNotStandBefore) {
  Graph graph;
  TensorType type;
  Value operand[] = {{0, 0}};
  EXPECT_THROW(graph.append(Opcode::Negate, operand, {}, {&type, 1}), InternalError);
}

TEST(Opcode, NamesAreUniqueAndFound) {
  for (int i = 0; i < opcode_count; ++i) {
    auto op = static_cast<Opcode>(i);
    Opcode found = Opcode::Input;
    EXPECT_TRUE(find_opcode(name(op), found));
    EXPECT_EQ(found, op) << name(op);
  }
  Opcode found = Opcode::Input;
  EXPECT_FALSE(find_opcode("nonsense", found));
}

TEST(Stage, NamesAreInTheOrderOfTheWay) {
  for (int i = 0; i < stage_count; ++i) {
    Stage found = Stage::Declared;
    EXPECT_TRUE(find_stage(name(static_cast<Stage>(i)), found));
    EXPECT_EQ(static_cast<int>(found), i);
  }
  EXPECT_LT(Stage::Fused, Stage::Loops);
}

TEST(ReductionOrder, PrintsEachForm) {
  EXPECT_EQ(to_string(ReductionOrder{DType::f32, 1, 0}), "f32:sequential");
  EXPECT_EQ(to_string(ReductionOrder{DType::f64, 8, 0}), "f64:partials(8)");
  EXPECT_EQ(to_string(ReductionOrder{DType::i64, 16, 16384}), "i64:blocks(16384,16)");
}

TEST(ReductionOrder, IsAPowerOfTwoOfPartialsAndABlockOfWholeRounds) {
  for (DType type : {DType::f32, DType::f64, DType::i64})
    for (int64_t terms = 0; terms < 3'000'000; terms = terms * 3 + 1)
      for (int64_t behind : {1, 3, 10, 15, 16, 1000}) {
        ReductionOrder order = choose_order(type, terms, behind, terms % 2 == 0).order;
        EXPECT_EQ(order.accumulator, type);
        EXPECT_EQ(order.partials & (order.partials - 1), 0);
        EXPECT_EQ(order.block % order.partials, 0);
        if (behind >= 16) {
          EXPECT_EQ(order.partials, 1) << "outputs side by side: one chain each";
        }
        EXPECT_EQ(order.block, terms > (order.partials > 1 ? 16 << 16 : 1 << 16) ? 1 << 14 : 0)
            << "of " << terms << " terms a chain of f32 would lose what it adds";
        EXPECT_EQ(choose_product_order(type, terms, 1).order.block,
                  terms > (1 << 16) ? 1 << 14 : 0);
      }
}

TEST(ReductionOrder, OfFewTermsIsOneChainAsLongAsJoiningCostsMore) {
  auto sum = [](int64_t terms, int64_t behind, bool one_axis) {
    return choose_order(DType::f32, terms, behind, one_axis).order.partials;
  };
  EXPECT_EQ(sum(16, 1, true), 1);
  EXPECT_EQ(sum(17, 1, true), 16) << "a batch";
  EXPECT_EQ(sum(32, 1, false), 1) << "rows are lanes";
  EXPECT_EQ(sum(33, 1, false), 16);
  EXPECT_EQ(sum(100, 7, true), 16);
  EXPECT_EQ(sum(100, 15, true), 16);
  EXPECT_EQ(sum(100, 16, true), 1) << "a vector side by side";
  auto product = [](int64_t terms, int64_t columns) {
    return choose_product_order(DType::f32, terms, columns).order.partials;
  };
  EXPECT_EQ(product(15, 1), 1);
  EXPECT_EQ(product(16, 1), 16);
  EXPECT_EQ(product(32, 2), 1);
  EXPECT_EQ(product(128, 8), 1) << "half a vector side by side";
  EXPECT_EQ(product(129, 8), 16);
  EXPECT_EQ(product(33, 7), 16);
}

TEST(ReductionOrder, OfAGradientOfFewResultsIsThatOfASingleSum) {
  auto gradient = [](int64_t terms, int64_t columns, int64_t rows) {
    return choose_gradient_order(DType::f32, terms, columns, rows).order.partials;
  };
  EXPECT_EQ(gradient(16, 1, 3), 1);
  EXPECT_EQ(gradient(17, 1, 3), 16);
  EXPECT_EQ(gradient(100, 10, 1), 16);
  EXPECT_EQ(gradient(100, 9, 7), 16);
  EXPECT_EQ(gradient(100, 10, 7), 1) << "many sums side by side";
  EXPECT_EQ(gradient(100, 16, 1), 1) << "a vector of them";
  EXPECT_EQ(gradient(100, 1, 15), 16);
  EXPECT_EQ(gradient(17, 1, 32), 1) << "two vectors of results";
  EXPECT_EQ(gradient(100, 10, 12), 1) << "many sums side by side";
  EXPECT_EQ(gradient(256, 2, 16), 4) << "features or units that fill a vector";
  EXPECT_EQ(gradient(257, 2, 16), 16) << "over many rows several columns pay for turning them";
  EXPECT_EQ(gradient(257, 2, 32), 16);
  EXPECT_EQ(gradient(1 << 20, 2, 32), 64);
  EXPECT_EQ(gradient((1 << 20) + 1, 2, 32), 1) << "blocks of their own";
  EXPECT_EQ(gradient(257, 1, 16), 8) << "one does not";
  EXPECT_EQ(gradient(257, 2, 33), 1) << "nor do they for more than two vectors";
  EXPECT_EQ(gradient(2'000, 3, 10), 64);
}

TEST(ReductionOrder, SaysWhyItIsThatOne) {
  auto sum = [](int64_t terms, int64_t behind, bool one_axis) {
    return choose_order(DType::f32, terms, behind, one_axis);
  };
  EXPECT_EQ(sum(12, 1, true).chains,
            "as is every sum over so few rows: those of several columns then lie side by side");
  EXPECT_EQ(sum(12, 1, false).chains, "since joining partial sums would cost more");
  EXPECT_EQ(sum(100, 16, true).chains, "since sums side by side fill vectors");
  EXPECT_EQ(choose_product_order(DType::f32, 100, 8).chains,
            "since sums side by side fill half a vector");
  EXPECT_EQ(sum(100, 1, true).chains, "since in one chain each addition waits for the one before");
  EXPECT_EQ(sum(100, 1, true).blocks, "");
  EXPECT_EQ(sum(100'000, 16, true).blocks, "since one chain of so many loses what it adds");
  EXPECT_EQ(choose_product_order(DType::f32, 784, 128).blocks,
            "so that threads can share the terms");
  EXPECT_EQ(choose_gradient_order(DType::f32, 300, 4, 784).chains,
            "since sums side by side fill vectors");
}

TEST(ReductionOrder, OfAContractionIsTwoBlocksWhereTermsAreMany) {
  auto order = [](int64_t terms, int64_t columns) {
    return to_string(choose_product_order(DType::f32, terms, columns).order);
  };
  EXPECT_EQ(order(784, 128), "f32:blocks(392,1)");
  EXPECT_EQ(order(785, 128), "f32:blocks(392,1)") << "and a block of one";
  EXPECT_EQ(order(512, 256), "f32:blocks(256,1)");
  EXPECT_EQ(order(511, 16), "f32:sequential") << "few terms";
  EXPECT_EQ(order(784, 512), "f32:sequential") << "many columns";
  EXPECT_EQ(order(784, 10), "f32:partials(16)") << "columns that fill no vector";
  EXPECT_EQ(order(1 << 16, 128), "f32:blocks(32768,1)");
  EXPECT_EQ(order(100'000, 128), "f32:blocks(16384,1)") << "halves would be long chains";
  EXPECT_EQ(order(100'000, 70'000), "f32:blocks(16384,1)") << "however many columns";
}

TEST(ReductionOrder, OfAContractionWhoseRowsLieSideBySideHasFewChains) {
  auto order = [](int64_t terms, int64_t columns, int64_t rows) {
    return to_string(choose_gradient_order(DType::f32, terms, columns, rows).order);
  };
  EXPECT_EQ(order(10'000, 10, 784), "f32:blocks(5000,1)") << "ten columns are enough chains";
  EXPECT_EQ(order(300, 4, 784), "f32:sequential");
  EXPECT_EQ(order(100, 2, 20), "f32:partials(4)");
  EXPECT_EQ(order(1'000, 2, 33), "f32:blocks(500,1)") << "three vectors are enough chains";
  EXPECT_EQ(order(1'000, 1, 30), "f32:partials(8)");
  EXPECT_EQ(order(100'000, 1, 30), "f32:blocks(1024,1)") << "many terms";
  EXPECT_EQ(order(100'000, 16, 784), "f32:blocks(16384,1)") << "many terms and columns";
  EXPECT_EQ(order(1'000, 1, 7), "f32:partials(16)") << "rows that fill no vector";
  EXPECT_EQ(order(32, 1, 784), "f32:sequential") << "few terms";
}

} // namespace
} // namespace gdjit
