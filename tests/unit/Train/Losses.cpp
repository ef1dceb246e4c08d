// Losses, SGD and Linear against figures worked out by hand, at the corners too.
#include "unit/Frontend/Evaluate.h"

#include "gdjit/Train/Linear.h"
#include "gdjit/Train/Losses.h"
#include "gdjit/Train/Optimizers.h"

#include <algorithm>
#include <cmath>

using namespace gdjit;

namespace {

TEST(MseLoss, has_no_factor_of_one_half) {
  EXPECT_VALUE(mse_loss(m.constant({1, 2}), m.constant({3, 2})), "f64[]", {2});
}

/// Of few columns, so that one loop over the rows adds it up beside all else.
TEST(MseLoss, of_several_columns_adds_up_each_row_first) {
  for (auto [columns, sums] : {std::pair{1, 1}, {2, 2}, {15, 2}, {16, 1}}) {
    Model m([&](Model& m) {
      Tensor x = m.input("x", {m.batch(), columns}), y = m.input("y", {m.batch(), columns});
      m.output("loss", mse_loss(x, y));
    });
    const Graph& graph = m.evaluation().step(5).graph;
    int found = 0;
    for (NodeId n = 0; n < graph.size(); ++n)
      found += graph.op(n) == Opcode::Sum ? 1 : 0;
    EXPECT_EQ(found, sums) << columns;
  }
  EXPECT_VALUE(mse_loss(m.constant({{1, 2}, {3, 4}}), m.constant({{3, 2}, {3, 0}})), "f64[]", {5});
}

TEST(BinaryCrossEntropy, clamps_its_logarithms) {
  EXPECT_VALUE(binary_cross_entropy(m.constant({0.25, 0.5}), m.constant({1, 0})), "f64[]",
               {(std::log(4) + std::log(2)) / 2});
  EXPECT_VALUE(binary_cross_entropy(m.constant({0.0}), m.constant({1})), "f64[]", {100});
  EXPECT_VALUE(binary_cross_entropy(m.constant({1.0}), m.constant({0})), "f64[]", {100});
}

TEST(BinaryCrossEntropy, of_logits_holds_for_any_logit) {
  EXPECT_VALUE(binary_cross_entropy_with_logits(m.constant({0}), m.constant({1})), "f64[]",
               {std::log(2)});
  EXPECT_VALUE(binary_cross_entropy_with_logits(m.constant({-1000}), m.constant({1})), "f64[]",
               {1000});
  EXPECT_VALUE(binary_cross_entropy_with_logits(m.constant({1000}), m.constant({1})), "f64[]", {0});
  EXPECT_VALUE(([&] { // sigmoid(z) - y, at z = 0 too
                 Parameter z = m.parameter("z", values({0, 2}));
                 return gradient(binary_cross_entropy_with_logits(z, m.constant({1, 1})), z);
               }()),
               "f64[2]", {-0.25, (1 / (1 + std::exp(-2)) - 1) / 2});
}

TEST(CrossEntropy, takes_class_numbers_or_probabilities) {
  double s = std::log(1 + std::exp(-1) + std::exp(-2));
  EXPECT_VALUE(cross_entropy(m.constant({{1, 2, 3}}), m.constant({0}, DType::i32)), "f64[]",
               {2 + s});
  EXPECT_VALUE(cross_entropy(m.constant({{1, 2, 3}}), m.constant({2}, DType::i64)), "f64[]", {s});
  EXPECT_VALUE(cross_entropy(m.constant({{1, 2, 3}}), m.constant({{0.5, 0, 0.5}})), "f64[]",
               {1 + s});
  EXPECT_VALUE(cross_entropy(m.constant({1, 2, 3}), m.constant(1, DType::i64)), "f64[]", {1 + s});
  EXPECT_VALUE(
      nll_loss(log_softmax(m.constant({{1, 2, 3}, {3, 2, 1}})), m.constant({0, 0}, DType::i64)),
      "f64[]", {1 + s});
  EXPECT_VALUE(cross_entropy(m.constant({{0, -1e300}}), m.constant({0}, DType::i64)), "f64[]", {0});
}

TEST(CrossEntropy, of_an_impossible_class_has_no_nan_in_the_others_gradients) {
  EXPECT_VALUE(([&] {
                 Parameter z = m.parameter("z", values({{0.0, 0.0, -1e30}}));
                 return gradient(cross_entropy(z, m.constant({0}, DType::i64)), z);
               }()),
               "f64[1,3]", {-0.5, 0.5, 0});
}

TEST(Sgd, dampens_from_the_second_update_on) {
  Model m({.dtype = DType::f64});
  Parameter w = m.parameter("w", values({1}));
  m.minimize(sum(3 * w), SGD{.lr = 1, .momentum = 0.5, .dampening = 0.25});
  Step step = m.training().step();
  CallResults r = test::run(step);
  EXPECT_EQ(step.signature.states[2].name, "minimize/momentum/w");
  EXPECT_EQ(r.updates[0].at(0), 3) << "the first momentum is the gradient, undamped";
  EXPECT_EQ(r.updates[1].at(0), -2);
}

TEST(Linear, is_shared_when_called_twice) {
  Model m({.dtype = DType::f64});
  Linear layer(m, "fc", 2, 1, {.w = values({{2}, {3}}), .b = zeros()});
  Tensor x = m.constant({{1, 1}});
  m.output("twice", layer(x) + layer(x));
  m.output("deep", layer(m.constant({{{1, 0}}, {{0, 1}}})));
  Step step = m.evaluation().step();
  EXPECT_EQ(step.signature.states.size(), 2u);
  CallResults r = test::run(step, false);
  EXPECT_EQ(r.outputs[0].at(0), 10);
  EXPECT_EQ(to_string(r.outputs[1].type()), "f64[2,1,1]");
  EXPECT_THAT(test::elements(r.outputs[1]), testing::ElementsAre(2, 3));
}

TEST(Linear, starts_uniform_within_one_over_the_root_of_in) {
  Model m({.dtype = DType::f64});
  Linear layer(m, "fc", 16, 100);
  for (const Array& start : initial_values(m.evaluation().step().signature, 3)) {
    double greatest = 0;
    for (double e : test::elements(start))
      greatest = std::max(greatest, std::abs(e));
    EXPECT_LE(greatest, 0.25);
    EXPECT_GT(greatest, 0.2);
  }
}

} // namespace
