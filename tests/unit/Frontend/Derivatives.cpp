// gradient, jacobian_vector, hessian_vector against derivatives worked out by hand.
#include "Evaluate.h"

#include <cmath>
#include <numbers>

using namespace gdjit;

namespace {

Tensor x3(Model& m) { return m.parameter("x", values({1, 2, 3})); }

TEST(Gradient, is_a_tensor_like_any_other) {
  EXPECT_VALUE(([&] {
                 Tensor x = x3(m);
                 return 2 * gradient(sum(x * x * x), x);
               }()),
               "f64[3]", {6, 24, 54});
}

TEST(Gradient, of_a_gradient_is_the_second_derivative) {
  EXPECT_VALUE(([&] {
                 Tensor x = x3(m);
                 return gradient(sum(gradient(sum(x * x * x), x)), x);
               }()),
               "f64[3]", {6, 12, 18});
}

TEST(Gradient, of_an_entropy_with_a_zero_in_it) {
  EXPECT_VALUE(([&] {
                 Parameter p = m.parameter("p", values({0, 1, 2}));
                 return gradient(sum(where(p > 0.0, p * log(p), 0.0)), p);
               }()),
               "f64[3]", {0, 1, 1 + std::numbers::ln2});
  EXPECT_VALUE(([&] { // second order
                 Parameter p = m.parameter("p", values({0, 1, 2}));
                 Tensor g = gradient(sum(where(p > 0.0, p * log(p), 0.0)), p);
                 return gradient(sum(g), p);
               }()),
               "f64[3]", {0, 1, 0.5});
}

TEST(Gradient, of_second_order_is_that_of_the_branch_taken) {
  using Unsafe = Tensor (*)(const Tensor&);
  const Unsafe all[] = {
      [](const Tensor& x) { return reciprocal(x); },
      [](const Tensor& x) { return 1.0 / x; },
      [](const Tensor& x) { return log(x); },
      [](const Tensor& x) { return sqrt(x); },
      [](const Tensor& x) { return rsqrt(x); },
      [](const Tensor& x) { return tanh(log(x)); },
      [](const Tensor& x) { return square(1.0 / x); },
      [](const Tensor& x) { return sigmoid(1.0 / x); },
      [](const Tensor& x) { return exp(1.0 / x); },
      [](const Tensor& x) { return pow(x, -1.5); },
  };
  for (size_t i = 0; i < std::size(all); ++i) {
    Array h = test::evaluate([&](Model& m) -> Tensor {
      Parameter x = m.parameter("x", values({0, 2}));
      Tensor loss = sum(where(Tensor(x) > 1.0, all[i](x), Tensor(x) * x * x));
      return gradient(sum(gradient(loss, x)), x);
    });
    EXPECT_EQ(h.at(0), 0) << i; // 6 x
    EXPECT_TRUE(std::isfinite(h.at(1)) && h.at(1) != 0) << i;
  }
}

TEST(Gradient, of_a_product_in_a_branch_not_taken_is_zero) {
  EXPECT_VALUE(([&] {
                 Parameter x = m.parameter("x", values({1e200, 1e200, 1e200}));
                 return gradient(sum(where(sum(x) < 1.0, prod(x), 0.0)), x);
               }()),
               "f64[3]", {0, 0, 0});
}

TEST(Gradient, of_a_norm_and_a_deviation_at_zero_is_zero) {
  EXPECT_VALUE(([&] {
                 Parameter w = m.parameter("w", zeros({3}));
                 return gradient(norm(w) + stddev(w), w);
               }()),
               "f64[3]", {0, 0, 0});
}

TEST(Gradient, of_many_values_at_once) {
  EXPECT_VALUE(([&] {
                 Tensor x = x3(m);
                 Parameter y = m.parameter("y", values({5, 6, 7}));
                 std::vector<Tensor> g = gradient(sum(x * y), {x, y});
                 return concat(g);
               }()),
               "f64[6]", {5, 6, 7, 1, 2, 3});
}

TEST(JacobianVector, is_forward_mode) {
  // f = (x0 x1, x1 x2), v = (1, 10, 100): J v = (x1 + 10 x0, 10 x2 + 100 x1)
  EXPECT_VALUE(([&] {
                 Tensor x = x3(m);
                 Tensor f = concat({slice(x, 0, 0, 1) * slice(x, 0, 1, 2),
                                    slice(x, 0, 1, 2) * slice(x, 0, 2, 3)});
                 return jacobian_vector(f, x, m.constant({1, 10, 100}));
               }()),
               "f64[2]", {12, 230});
}

TEST(JacobianVector, holds_where_f_is_zero_and_beside_constants_of_one) {
  EXPECT_VALUE(([&] {
                 Tensor x = x3(m);
                 Tensor f = log(x) * stop_gradient(ones_like(x)); // f[0] is 0
                 return jacobian_vector(f, x, m.constant({1, 1, 1}));
               }()),
               "f64[3]", {1, 0.5, 1.0 / 3});
}

TEST(HessianVector, keeps_its_vector_where_that_depends_on_x) {
  // loss = sum x^3: H = diag(6 x)
  EXPECT_VALUE(([&] {
                 Tensor x = x3(m);
                 return hessian_vector(sum(x * x * x), x, x);
               }()),
               "f64[3]", {6, 24, 54});
  EXPECT_VALUE(([&] {
                 Tensor x = x3(m), loss = sum(x * x * x);
                 return hessian_vector(loss, x, gradient(loss, x));
               }()),
               "f64[3]", {18, 144, 486});
  // and its own derivative knows of both: d/dx of sum (6 x) x is 12 x
  EXPECT_VALUE(([&] {
                 Tensor x = x3(m);
                 return gradient(sum(hessian_vector(sum(x * x * x), x, x)), x);
               }()),
               "f64[3]", {12, 24, 36});
}

TEST(HessianVector, is_the_gradient_of_the_directional_derivative) {
  // loss = x0 x1 + x2^3: H = [[0 1 0] [1 0 0] [0 0 6 x2]]
  EXPECT_VALUE(([&] {
                 Tensor x = x3(m);
                 Tensor loss =
                     sum(slice(x, 0, 0, 1) * slice(x, 0, 1, 2)) + sum(pow(slice(x, 0, 2, 3), 3));
                 return hessian_vector(loss, x, m.constant({1, 10, 100}));
               }()),
               "f64[3]", {10, 1, 1800});
}

TEST(HessianVector, of_a_linear_loss_is_zero) {
  EXPECT_VALUE(([&] {
                 Tensor x = x3(m);
                 return hessian_vector(sum(2 * x), x, m.constant({1, 1, 1}));
               }()),
               "f64[3]", {0, 0, 0});
}

} // namespace
