// Products of many shapes and layouts, with a prologue and an epilogue, under schedules for
// machines that there are not: vectors across either axis, tiles of all sizes, packed operands,
// panels.
#include "Chain.h"
#include "Draw.h"
#include "StepBuilder.h"
#include "WeightGradient.h"

#include "gdjit/Transforms/VerifyValues.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <optional>

using namespace gdjit;
using namespace gdjit::testing;

namespace {

/// y = relu(a b + c), w' = w - lr a b with a moment that is also put out: a forward and an update,
/// by turns.
Step product(Draw& draw, std::string& what) {
  const int64_t m = draw({1, 2, 7, 8, 16, 17, 33, 40}),
                n = draw({1, 2, 3, 5, 10, 15, 16, 17, 40, 70}),
                k = draw({1, 3, 4, 9, 16, 31, 33, 64, 100, 130});
  const bool ta = draw({0, 1}) != 0, tb = draw({0, 1}) != 0, update = draw({0, 1}) != 0;
  const DType type = draw({0, 0, 1}) != 0 ? DType::f64 : DType::f32;
  what = fmt::format("{}x{}x{}{}{} {}{}", m, n, k, ta ? " TN" : "", tb ? " NT" : "", name(type),
                     update ? " update" : "");
  StepBuilder builder;
  Expr a = builder.input("a", {type, ta ? Shape{k, m} : Shape{m, k}});
  Expr b = builder.input("b", {type, tb ? Shape{n, k} : Shape{k, n}});
  if (draw({0, 0, 1}) != 0)
    a = a * a; // computed within the step
  Expr y = matmul(a, b, ta, tb);
  if (update) {
    Expr w = builder.state("w", {type, Shape{m, n}});
    Expr moment = builder.state("moment", {type, Shape{m, n}});
    if (draw({0, 1}) != 0) { // what is computed in front of the product is used behind it, too
      Expr decayed = moment * 0.5;
      builder.output("decayed", decayed);
      builder.update(moment, decayed + y);
    }
    builder.update(w, w - y * 0.125);
  } else {
    Expr c = builder.input("c", {type, Shape{n}});
    y = apply(Opcode::Relu, y + broadcast_to(c, y.shape()));
  }
  builder.output("y", y);
  return builder.step();
}

/// Moments and weights updated as by Adam behind a product of many terms.
Step adam(Draw& draw, std::string& what) {
  const int64_t m = draw({40, 60, 75, 100}), n = draw({16, 33, 64, 70}),
                k = draw({100, 160, 241, 256});
  const DType type = draw({0, 0, 1}) != 0 ? DType::f64 : DType::f32;
  what = fmt::format("{}x{}x{} {}", m, n, k, name(type));
  StepBuilder builder;
  Expr a = builder.input("a", {type, Shape{k, m}}), b = builder.input("b", {type, Shape{k, n}});
  Expr first = builder.state("first", {type, Shape{m, n}}),
       second = builder.state("second", {type, Shape{m, n}}),
       w = builder.state("w", {type, Shape{m, n}});
  Expr g = matmul(a, b, true);
  if (draw({0, 1}) != 0)
    g = g + w * 0.01;
  Expr moment = first * 0.9 + g * 0.1, square = second * 0.99 + g * g * 0.01;
  builder.update(first, moment);
  builder.update(second, square);
  Expr below = apply(Opcode::Sqrt, square) + 1e-8;
  if (draw({0, 1}) != 0)
    below = below * (1.0 + broadcast_to(builder.input("c", {type, Shape{n}}), w.shape()));
  builder.update(w, w - moment * 0.125 / below);
  return builder.step();
}

/// Layers of many more terms than columns, whose blocks two threads may share, and their weights'
/// update.
Step long_chains(Draw& draw, std::string& what) {
  const int64_t m = draw({1, 5, 16, 33, 70}), n = draw({16, 17, 33, 64, 128, 256}),
                k = draw({512, 513, 600, 784}), layers = draw({1, 1, 2, 3});
  const bool ta = draw({0, 0, 1}) != 0, tb = draw({0, 0, 1}) != 0;
  const DType type = draw({0, 0, 1}) != 0 ? DType::f64 : DType::f32;
  what = fmt::format("{} of {}x{}x{}{}{} {}", layers, m, n, k, ta ? " TN" : "", tb ? " NT" : "",
                     name(type));
  StepBuilder builder;
  Expr x = builder.input("x", {type, ta ? Shape{k, m} : Shape{m, k}});
  std::vector<Expr> weights, results;
  for (int64_t l = 0; l < layers; ++l) {
    weights.push_back(builder.state(fmt::format("w{}", l), {type, tb ? Shape{n, k} : Shape{k, n}}));
    Expr c = builder.input(fmt::format("c{}", l), {type, Shape{n}});
    Expr y = matmul(x, weights.back(), ta, tb);
    results.push_back(apply(Opcode::Relu, y + broadcast_to(c, y.shape())));
    builder.output(fmt::format("y{}", l), results.back());
  }
  for (size_t l = 0; l < weights.size(); ++l) {
    Expr gradient = tb ? matmul(results[l], x, true, ta) : matmul(x, results[l], !ta);
    builder.update(weights[l], weights[l] - gradient * 0.125);
  }
  return builder.step();
}

/// Weights that are updated by a gradient over so many rows that a small second cache holds a part
/// of their terms at a time.
Step many_rows(Draw& draw, std::string& what) {
  const int64_t m = draw({16, 20, 32, 47, 48}), n = draw({9, 17, 33, 40, 70}),
                k = draw({640, 662, 1200});
  const DType type = draw({0, 0, 1}) != 0 ? DType::f64 : DType::f32;
  what = fmt::format("{}x{}x{} {}", m, n, k, name(type));
  StepBuilder builder;
  Expr x = builder.input("x", {type, Shape{k, m}}), d = builder.input("d", {type, Shape{k, n}});
  Expr w = builder.state("w", {type, Shape{m, n}});
  Expr gradient = weight_gradient(x, d);
  builder.update(w, draw({0, 1}) != 0 ? w - gradient * 0.125 : gradient);
  return builder.step();
}

/// Gradients of few columns over rows in blocks, and sums of columns, which take several blocks at
/// once: of all numbers of blocks, and rows that are left over.
Step few_columns(Draw& draw, std::string& what) {
  const int64_t m = draw({1, 2, 8, 13, 16, 20, 40, 70}), n = draw({1, 1, 2, 5, 16}),
                block = draw({8, 16, 64}),
                k = block * draw({2, 3, 5, 6, 7, 12, 13, 16}) + draw({0, 1, 5, 7});
  const DType type = draw({0, 0, 1}) != 0 ? DType::f64 : DType::f32;
  what = fmt::format("{}x{}x{} in blocks of {} {}", m, n, k, block, name(type));
  StepBuilder builder;
  Expr x = builder.input("x", {type, Shape{k, m}}), d = builder.input("d", {type, Shape{k, n}});
  Expr w = builder.state("w", {type, Shape{m, n}});
  const ReductionOrder order{.accumulator = type, .partials = 1, .block = block};
  builder.update(w, w - weight_gradient(x, d, order) * 0.125);
  builder.output("sums", apply(Opcode::Sum, draw({0, 1}) != 0 ? x * x : x,
                               Attributes()
                                   .integers(Attr::axes, {0})
                                   .boolean(Attr::keepdims, false)
                                   .order(Attr::order, order)));
  return builder.step();
}

/// A product whose right operand is turned on the way, by tiles of which the first has fewer rows.
Step turned(Draw& draw, std::string& what) {
  const int64_t m = draw({20, 33, 40, 51, 64, 75}), n = draw({16, 32, 33, 64, 70}),
                k = draw({64, 72, 100, 130, 512, 528});
  const DType type = draw({0, 0, 1}) != 0 ? DType::f64 : DType::f32;
  what = fmt::format("{}x{}x{} NT {}", m, n, k, name(type));
  StepBuilder builder;
  Expr a = builder.input("a", {type, Shape{m, k}}), b = builder.input("b", {type, Shape{n, k}});
  Expr c = builder.input("c", {type, Shape{m, n}});
  Expr y = matmul(a, b, false, true);
  builder.output("y", draw({0, 1}) != 0 ? apply(Opcode::Relu, y) * c : y);
  return builder.step();
}

/// As late in a training: inputs of which half no longer occur, states that have decayed to
/// subnormal f32.
void fade(CallArguments& arguments) {
  for (Array& state : arguments.states)
    for (int64_t i = 0; i < state.elements(); ++i)
      state.set(i, state.at(i) * 0x1p-127);
  for (Array& input : arguments.inputs) {
    const int64_t columns = *(input.type().shape.end() - 1);
    for (int64_t i = 0; i < input.elements(); ++i)
      if (i % columns < columns / 2)
        input.set(i, 0);
  }
}

class Products : public ::testing::TestWithParam<uint64_t> {};

void expect_same_bits(Step (*make)(Draw&, std::string&), uint64_t first, uint64_t count,
                      std::optional<int64_t> l2_bytes = std::nullopt) {
  std::vector<CodeChoice> choices = code_choices();
  ASSERT_FALSE(choices.empty());
  for (uint64_t seed = first; seed < first + count; ++seed) {
    Draw draw(seed);
    std::string what;
    Step step = make(draw, what);
    CodeChoice choice = choices[seed * 7919 % choices.size()];
    force(choice, seed);
    MachineTable& machine = choice.machine.value();
    machine.l2_bytes = l2_bytes.value_or(machine.l2_bytes);
    CallArguments arguments = random_arguments(step.signature, seed, 1);
    if (draw({0, 1}) != 0)
      fade(arguments);
    EXPECT_EQ(broken_link(step, arguments, {choice}), "")
        << what << ", seed " << seed << ", target " << choice.target << ", level " << choice.level
        << ", vectors of " << machine.vector_bytes << " bytes, " << machine.vector_registers
        << " registers, caches of " << machine.l1_bytes << " and " << machine.l2_bytes;
  }
}

TEST_P(Products, have_the_same_bits_under_every_schedule) {
  expect_same_bits(product, GetParam() * 1000, 60);
}

TEST_P(Products, with_an_update_between_the_terms_have_the_same_bits_too) {
  expect_same_bits(adam, GetParam() * 1000, 8);
}

TEST_P(Products, over_many_rows_have_the_same_bits_too) {
  expect_same_bits(many_rows, GetParam() * 1000, 7, 32768);
  expect_same_bits(many_rows, GetParam() * 1000 + 7, 3, 65536); // of f64 some rows at a time
}

TEST_P(Products, of_few_columns_in_blocks_have_the_same_bits_too) {
  expect_same_bits(few_columns, GetParam() * 1000, 20);
}

TEST_P(Products, that_turn_what_they_read_between_terms_have_the_same_bits_too) {
  expect_same_bits(turned, GetParam() * 1000, 12);
}

TEST_P(Products, of_many_terms_have_the_same_bits_for_any_number_of_threads) {
  expect_same_bits(long_chains, GetParam() * 1000, 4);
}

INSTANTIATE_TEST_SUITE_P(Shard, Products, ::testing::Range<uint64_t>(0, 6));

} // namespace
