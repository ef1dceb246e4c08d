// Every function of tensors against values computed by hand: names, broadcasting, weak numbers,
// shapes.
#include "Evaluate.h"

#include <cmath>
#include <limits>

using namespace gdjit;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

Tensor v(Model& m) { return m.constant({1, 2, 3}); }
Tensor a(Model& m) { return m.constant({{1, 2, 3}, {4, 5, 6}}); }
Tensor ints(Model& m) { return m.constant({7, -7, 3}, DType::i32); }
Tensor bools(Model& m) { return m.constant({0, 1, 1}, DType::boolean); }

TEST(Operators, are_arithmetic_on_elements) {
  EXPECT_VALUE(v(m) + v(m), "f64[3]", {2, 4, 6});
  EXPECT_VALUE(v(m) - 1, "f64[3]", {0, 1, 2});
  EXPECT_VALUE(2 * v(m), "f64[3]", {2, 4, 6});
  EXPECT_VALUE(6 / v(m), "f64[3]", {6, 3, 2});
  EXPECT_VALUE(ints(m) % 3, "i32[3]", {1, 2, 0});
  EXPECT_VALUE(ints(m) / 2, "i32[3]", {3, -3, 1});
  EXPECT_VALUE(-v(m), "f64[3]", {-1, -2, -3});
}

TEST(Operators, compare_and_combine) {
  EXPECT_VALUE(v(m) == 2, "bool[3]", {0, 1, 0});
  EXPECT_VALUE(v(m) != 2, "bool[3]", {1, 0, 1});
  EXPECT_VALUE(v(m) < 2, "bool[3]", {1, 0, 0});
  EXPECT_VALUE(v(m) <= 2, "bool[3]", {1, 1, 0});
  EXPECT_VALUE(v(m) > 2, "bool[3]", {0, 0, 1});
  EXPECT_VALUE(v(m) >= 2, "bool[3]", {0, 1, 1});
  EXPECT_VALUE((v(m) > 1) & (v(m) < 3), "bool[3]", {0, 1, 0});
  EXPECT_VALUE((v(m) < 2) | (v(m) > 2), "bool[3]", {1, 0, 1});
  EXPECT_VALUE((v(m) < 3) ^ (v(m) > 1), "bool[3]", {1, 0, 1});
  EXPECT_VALUE(!bools(m), "bool[3]", {1, 0, 0});
}

TEST(Operators, assign_to_the_variable) {
  Array value = test::evaluate([](Model& m) {
    Tensor t = v(m);
    t += 1;
    t *= 2;
    t -= v(m);
    t /= 2;
    return t;
  });
  EXPECT_THAT(test::elements(value), testing::ElementsAre(1.5, 2, 2.5));
}

TEST(Broadcasting, follows_numpy) {
  EXPECT_VALUE(a(m) + v(m), "f64[2,3]", {2, 4, 6, 5, 7, 9});
  EXPECT_VALUE(a(m) * m.constant({{10}, {100}}), "f64[2,3]", {10, 20, 30, 400, 500, 600});
  EXPECT_VALUE(m.constant({{1}, {2}}) + m.constant({{10, 20}}), "f64[2,2]", {11, 21, 12, 22});
  EXPECT_VALUE(m.constant(5) - v(m), "f64[3]", {4, 3, 2});
  EXPECT_VALUE(broadcast_to(v(m), {2, 3}), "f64[2,3]", {1, 2, 3, 1, 2, 3});
  EXPECT_VALUE(m.constant(Literal({0, 1}, std::vector<int>{})) + m.constant({{1, 2}}), "f64[0,2]",
               {});
}

TEST(Numbers, of_an_array_are_kept_to_the_bit) {
  Array whole({DType::i64, {1, 2}});
  whole.data<int64_t>()[0] = (int64_t{1} << 62) + 1; // no double holds it
  Array value =
      test::evaluate([&](Model& m) { return m.constant(Literal(whole), DType::i64); }, DType::f64);
  EXPECT_TRUE(same_bits(value, whole));
  Array real({DType::f32, {2, 1}}, {0.1, -1});
  EXPECT_TRUE(same_bits(
      test::evaluate([&](Model& m) { return m.constant(Literal(real)); }, DType::f32), real));
}

TEST(Numbers, of_a_vector_or_an_array_keep_their_own_type_until_they_are_used) {
  const std::vector<uint64_t> large = {(uint64_t{1} << 63) + 1}; // no double and no i64 holds it
  EXPECT_EQ(Literal({1}, large).at(0).value, static_cast<long double>(large[0]));
  EXPECT_FALSE(Literal({1}, large).at(0).is_float);
  EXPECT_EQ(Literal(Array({DType::boolean, {2}}, {0, 1})).at(1).value, 1);
  EXPECT_EQ(Literal(Array({DType::i32, {2}}, {0, -7})).at(1).value, -7);
  const Literal rows = {Literal({2}, std::vector<float>{0.1F, 2}), {3, 4}};
  EXPECT_THAT(rows.extents(), testing::ElementsAre(2, 2));
  EXPECT_EQ(rows.at(0).value, 0.1F);
  EXPECT_FALSE(rows.at(3).is_float);
}

TEST(Numbers, take_the_tensors_type_and_are_rounded_once) {
  EXPECT_EQ(test::evaluate([](Model& m) { return m.constant(0) + 0.1; }, DType::f32).at(0), 0.1f);
  // 2^53 + 1 as an integer goes to f32 in one rounding, as 2^24 + 1 does.
  EXPECT_EQ(test::evaluate([](Model& m) { return m.constant(0) + 16777217; }, DType::f32).at(0),
            16777216);
  EXPECT_EQ(
      test::evaluate([](Model& m) { return m.constant(0) + 9007199791611905; }, DType::f32).at(0),
      static_cast<double>(9007199791611905.0f));
  Array big = test::evaluate(
      [](Model& m) { return m.constant(0, DType::i64) + std::numeric_limits<int64_t>::max(); });
  EXPECT_EQ(big.data<int64_t>()[0], std::numeric_limits<int64_t>::max());
  EXPECT_VALUE(m.constant({1}) + size_t{2}, "f64[1]", {3});
  EXPECT_VALUE(m.constant({1}) + 'a', "f64[1]", {98});
}

TEST(Pointwise, has_every_op_by_its_name) {
  EXPECT_VALUE(add(v(m), 1), "f64[3]", {2, 3, 4});
  EXPECT_VALUE(sub(1.0, v(m)), "f64[3]", {0, -1, -2});
  EXPECT_VALUE(remainder(ints(m), 4), "i32[3]", {3, 1, 3});
  EXPECT_VALUE(minimum(v(m), 2), "f64[3]", {1, 2, 2});
  EXPECT_VALUE(maximum(2, v(m)), "f64[3]", {2, 2, 3});
  EXPECT_VALUE(clamp(v(m), 1.5, 2.5), "f64[3]", {1.5, 2, 2.5});
  EXPECT_VALUE(abs(ints(m)), "i32[3]", {7, 7, 3});
  EXPECT_VALUE(sign(ints(m)), "i32[3]", {1, -1, 1});
  EXPECT_VALUE(square(v(m)), "f64[3]", {1, 4, 9});
  EXPECT_VALUE(floor(m.constant({1.5, -1.5})), "f64[2]", {1, -2});
  EXPECT_VALUE(ceil(m.constant({1.5, -1.5})), "f64[2]", {2, -1});
  EXPECT_VALUE(round(m.constant({1.5, 2.5})), "f64[2]", {2, 2});
  EXPECT_VALUE(relu(m.constant({-1, 2})), "f64[2]", {0, 2});
  EXPECT_VALUE(sqrt(m.constant({4, -1})), "f64[2]", {2, nan});
  EXPECT_VALUE(rsqrt(m.constant({4})), "f64[1]", {0.5});
  EXPECT_VALUE(reciprocal(m.constant({4})), "f64[1]", {0.25});
  EXPECT_VALUE(exp(v(m)), "f64[3]", {std::exp(1), std::exp(2), std::exp(3)});
  EXPECT_VALUE(expm1(m.constant({1e-10})), "f64[1]", {std::expm1(1e-10)});
  EXPECT_VALUE(log(v(m)), "f64[3]", {0, std::log(2), std::log(3)});
  EXPECT_VALUE(log1p(v(m)), "f64[3]", {std::log(2), std::log(3), std::log(4)});
  EXPECT_VALUE(pow(v(m), 2), "f64[3]", {1, 4, 9});
  EXPECT_VALUE(pow(2, v(m)), "f64[3]", {2, 4, 8});
  EXPECT_VALUE(tanh(v(m)), "f64[3]", {std::tanh(1), std::tanh(2), std::tanh(3)});
  EXPECT_VALUE(sigmoid(m.constant({0, 1})), "f64[2]", {0.5, 1 / (1 + std::exp(-1))});
  EXPECT_VALUE(softplus(m.constant({0})), "f64[1]", {std::log(2)});
  EXPECT_VALUE(erf(m.constant({0.5})), "f64[1]", {std::erf(0.5)});
  EXPECT_VALUE(sin(m.constant({1})), "f64[1]", {std::sin(1)});
  EXPECT_VALUE(cos(m.constant({1})), "f64[1]", {std::cos(1)});
  EXPECT_VALUE(is_nan(m.constant({1, nan})), "bool[2]", {0, 1});
  EXPECT_VALUE(logical_and(bools(m), v(m) < 3), "bool[3]", {0, 1, 0});
  EXPECT_VALUE(select(bools(m), v(m), -v(m)), "f64[3]", {-1, 2, 3});
  EXPECT_VALUE(where(bools(m), v(m), 0), "f64[3]", {0, 2, 3});
  EXPECT_VALUE(where(bools(m), 1, 0), "f64[3]", {0, 1, 1});
  EXPECT_VALUE(where(bools(m), ints(m), 0), "i32[3]", {0, -7, 3});
  EXPECT_VALUE(cast(m.constant({1.9, -1.9, nan}), DType::i32), "i32[3]", {1, -1, 0});
  EXPECT_VALUE(stop_gradient(v(m)), "f64[3]", {1, 2, 3});
  EXPECT_VALUE(full_like(v(m), 7), "f64[3]", {7, 7, 7});
}

TEST(Reductions, take_axes_and_keep_them_if_asked) {
  EXPECT_VALUE(sum(a(m)), "f64[]", {21});
  EXPECT_VALUE(sum(a(m), 0), "f64[3]", {5, 7, 9});
  EXPECT_VALUE(sum(a(m), -1, true), "f64[2,1]", {6, 15});
  EXPECT_VALUE(sum(a(m), {1, 0}), "f64[]", {21});
  EXPECT_VALUE(sum(bools(m)), "i64[]", {2});
  EXPECT_VALUE(prod(v(m)), "f64[]", {6});
  EXPECT_VALUE(max(a(m), 1), "f64[2]", {3, 6});
  EXPECT_VALUE(min(a(m), 0), "f64[3]", {1, 2, 3});
  EXPECT_VALUE(argmax(a(m), 1), "i64[2]", {2, 2});
  EXPECT_VALUE(argmax(a(m)), "i64[]", {5});
  EXPECT_VALUE(argmin(a(m), {}, true), "i64[1,1]", {0});
  EXPECT_VALUE(any(bools(m)), "bool[]", {1});
  EXPECT_VALUE(all(bools(m)), "bool[]", {0});
}

TEST(Reductions, of_data_are_means_variances_and_norms) {
  EXPECT_VALUE(mean(a(m)), "f64[]", {3.5});
  EXPECT_VALUE(mean(a(m), 0, true), "f64[1,3]", {2.5, 3.5, 4.5});
  EXPECT_VALUE(mean(bools(m)), "f64[]", {2.0 / 3});
  EXPECT_VALUE(var(v(m)), "f64[]", {1});
  EXPECT_VALUE(var(v(m), {}, false, 0), "f64[]", {2.0 / 3});
  EXPECT_VALUE(var(v(m), {}, false, 4), "f64[]", {HUGE_VAL});
  EXPECT_VALUE(is_nan(var(slice(v(m), 0, 0, 0))), "bool[]", {1});
  EXPECT_VALUE(stddev(a(m), 1), "f64[2]", {1, 1});
  EXPECT_VALUE(norm(m.constant({3, 4})), "f64[]", {5});
  EXPECT_VALUE(l1_norm(m.constant({3, -4})), "f64[]", {7});
  EXPECT_VALUE(max_norm(m.constant({3, -4})), "f64[]", {4});
}

TEST(Softmax, is_safe_for_any_scores) {
  double s = 1 + std::exp(-1) + std::exp(-2);
  EXPECT_VALUE(softmax(v(m)), "f64[3]", {std::exp(-2) / s, std::exp(-1) / s, 1 / s});
  EXPECT_VALUE(softmax(v(m) + 1e6), "f64[3]", {std::exp(-2) / s, std::exp(-1) / s, 1 / s});
  EXPECT_VALUE(log_softmax(v(m)), "f64[3]", {-2 - std::log(s), -1 - std::log(s), -std::log(s)});
  EXPECT_VALUE(softmax(a(m), 0), "f64[2,3]",
               {1 / (1 + std::exp(3)), 1 / (1 + std::exp(3)), 1 / (1 + std::exp(3)),
                1 / (1 + std::exp(-3)), 1 / (1 + std::exp(-3)), 1 / (1 + std::exp(-3))});
  EXPECT_VALUE(logsumexp(v(m)), "f64[]", {3 + std::log(s)});
  EXPECT_VALUE(logsumexp(a(m), 1, true), "f64[2,1]", {3 + std::log(s), 6 + std::log(s)});
  EXPECT_VALUE(logsumexp(m.constant({-inf, -inf})), "f64[]", {-inf});
  EXPECT_VALUE(logsumexp(m.constant({1000, 1000})), "f64[]", {1000 + std::log(2)});
}

TEST(Matmul, is_numpys_product) {
  EXPECT_VALUE(matmul(a(m), m.constant({{1}, {0}, {2}})), "f64[2,1]", {7, 16});
  EXPECT_VALUE(matmul(a(m), a(m), {.transpose_rhs = true}), "f64[2,2]", {14, 32, 32, 77});
  EXPECT_VALUE(matmul(a(m), a(m), {.transpose_lhs = true}), "f64[3,3]",
               {17, 22, 27, 22, 29, 36, 27, 36, 45});
  EXPECT_VALUE(matmul(a(m), v(m)), "f64[2]", {14, 32});
  EXPECT_VALUE(matmul(m.constant({1, 1}), a(m)), "f64[3]", {5, 7, 9});
  EXPECT_VALUE(matmul(v(m), v(m)), "f64[]", {14});
  EXPECT_VALUE(dot(v(m), v(m)), "f64[]", {14});
  // One matrix for a batch of rows, and batches that broadcast.
  EXPECT_VALUE(matmul(m.constant({{{1, 2}}, {{3, 4}}}), m.constant({{1}, {1}})), "f64[2,1,1]",
               {3, 7});
  EXPECT_VALUE(matmul(m.constant({{1, 1}}), m.constant({{{1}, {2}}, {{3}, {4}}})), "f64[2,1,1]",
               {3, 7});
  EXPECT_VALUE(matmul(m.constant({{{1, 2}}, {{3, 4}}}), m.constant({{{1}, {1}}, {{2}, {2}}})),
               "f64[2,1,1]", {3, 14});
}

TEST(Movement, moves) {
  EXPECT_VALUE(reshape(a(m), {3, -1}), "f64[3,2]", {1, 2, 3, 4, 5, 6});
  EXPECT_VALUE(flatten(a(m)), "f64[6]", {1, 2, 3, 4, 5, 6});
  EXPECT_VALUE(transpose(a(m)), "f64[3,2]", {1, 4, 2, 5, 3, 6});
  EXPECT_VALUE(transpose(a(m), {-1, 0}), "f64[3,2]", {1, 4, 2, 5, 3, 6});
  EXPECT_VALUE(expand_dims(v(m), -1), "f64[3,1]", {1, 2, 3});
  EXPECT_VALUE(expand_dims(v(m), 0), "f64[1,3]", {1, 2, 3});
  EXPECT_VALUE(squeeze(m.constant({{{1}}, {{2}}})), "f64[2]", {1, 2});
  EXPECT_VALUE(squeeze(m.constant({{{1}}, {{2}}}), -1), "f64[2,1]", {1, 2});
  EXPECT_VALUE(slice(a(m), 1, 0, 3, 2), "f64[2,2]", {1, 3, 4, 6});
  EXPECT_VALUE(slice(a(m), -1, -2, -1), "f64[2,1]", {2, 5});
  EXPECT_VALUE(pad(v(m), 1, 2, 9), "f64[6]", {9, 1, 2, 3, 9, 9});
  EXPECT_VALUE(concat({v(m), m.constant({4})}), "f64[4]", {1, 2, 3, 4});
  EXPECT_VALUE(concat({a(m), a(m)}, 1), "f64[2,6]", {1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6});
  EXPECT_VALUE(stack({v(m), v(m)}), "f64[2,3]", {1, 2, 3, 1, 2, 3});
  EXPECT_VALUE(stack({v(m), v(m)}, -1), "f64[3,2]", {1, 1, 2, 2, 3, 3});
  EXPECT_VALUE(reverse(v(m)), "f64[3]", {3, 2, 1});
  EXPECT_VALUE(reverse(a(m), 0), "f64[2,3]", {4, 5, 6, 1, 2, 3});
}

TEST(Indexing, takes_rows) {
  EXPECT_VALUE(gather(a(m), m.constant({1, 0, 1}, DType::i64)), "f64[3,3]",
               {4, 5, 6, 1, 2, 3, 4, 5, 6});
  EXPECT_VALUE(scatter_add(a(m), m.constant({2, 2}, DType::i32), 3), "f64[3,3]",
               {0, 0, 0, 0, 0, 0, 5, 7, 9});
  EXPECT_VALUE(one_hot(m.constant({2, 0}, DType::i32), 3), "f64[2,3]", {0, 0, 1, 1, 0, 0});
  EXPECT_VALUE(one_hot(m.constant({1}, DType::i64), 2, DType::i32), "i32[1,2]", {0, 1});
}

TEST(Sources, count_and_draw) {
  EXPECT_VALUE(m.iota({3}), "i64[3]", {0, 1, 2});
  EXPECT_VALUE(m.iota({2, 2}, 1, DType::f64), "f64[2,2]", {0, 1, 0, 1});
  Array u = test::evaluate([](Model& m) { return m.uniform("noise", {1000}, 2, 4); });
  double mean = 0;
  for (double e : test::elements(u)) {
    EXPECT_GE(e, 2);
    EXPECT_LT(e, 4);
    mean += e / 1000;
  }
  EXPECT_NEAR(mean, 3, 0.1);
  Array again = test::evaluate([](Model& m) {
    (void)m.normal("something_else", {4});
    return m.uniform("noise", {1000}, 2, 4);
  });
  EXPECT_TRUE(same_bits(u, again)) << "a draw depends on its own name alone";
  Array second = test::evaluate([](Model& m) {
    (void)m.uniform("noise", {1000}, 2, 4);
    return m.uniform("noise", {1000}, 2, 4);
  });
  EXPECT_FALSE(same_bits(u, second)) << "each draw of one name has a stream of its own";
}

} // namespace
