// Lesson 2: gradient descent, in depth
//
// The line without bias, h = w x, on points that lie on h = x. The cost is a function of w alone: a
// parabola with its lowest point at w = 1. Its slope tells where to go:
//
//     cost(w) = 1/m sum((w x - y)²)        d cost / d w = 2/m sum((w x - y) x)
//
// The first model has the slope twice, derived by hand and by the compiler, as outputs that stay
// equal, and a hand-made update rule: w <- w - 0.1 sum((w x - y) x), the slope without its factor
// 2/m. At w = 0 that sum is -14.
//
//     gdjit train 02_gradient_descent --steps 10
//
// The costs before the updates are 4.666667, 0.746667, 0.119467, 0.019115 … and w ends near 1. The
// second model leaves all that to minimize. Its rule, SGD 0.15 on the whole slope, makes the same
// steps, since 0.15 * 2/3 = 0.1:
//
//     gdjit train 02_gradient_descent:by_minimize --steps 10
//
// The third has no parameter. It evaluates the cost at w = -5, -4 … 7, the parabola itself, and its
// slope, a straight line through 0 at the lowest point.
//
//     gdjit dump 02_gradient_descent:cost_curve --values
//
// To look at: the cost and its derivative as formulas, and the gradient node before and after it is
// expanded.
//
//     gdjit dump 02_gradient_descent --as math
//     gdjit dump 02_gradient_descent --stage differentiated
#include <gdjit/gdjit.h>

using namespace gdjit;

void by_hand(Model& m) {
  Tensor x = m.input("x", {m.batch()});
  Tensor y = m.input("y", {m.batch()});
  Parameter w = m.parameter("w", zeros({}));

  Tensor cost = mean(square(w * x - y));
  Tensor slope_sum = sum((w * x - y) * x);

  m.output("loss", cost);
  m.output("slope_by_hand", slope_sum * 2 / x.extent(0)); // 2/m sum((w x - y) x)
  m.output("slope_by_compiler", gradient(cost, w));
  m.output("slope_sum", slope_sum);
  m.update(w, w - m.scalar("lr", 0.1) * slope_sum);
  m.data({{"x", {1, 2, 3}}, {"y", {1, 2, 3}}});
}
GDJIT_MODEL(by_hand, "the slope by hand and by the compiler, and an update rule of one's own");

void by_minimize(Model& m) {
  Tensor x = m.input("x", {m.batch()});
  Tensor y = m.input("y", {m.batch()});
  Parameter w = m.parameter("w", zeros({}));
  m.minimize(mse_loss(w * x, y), SGD{.lr = 0.15});
  m.data({{"x", {1, 2, 3}}, {"y", {1, 2, 3}}});
}
GDJIT_MODEL(by_minimize, "the same steps by mse_loss and SGD");

void cost_curve(Model& m) {
  Tensor w = m.input("w", {m.batch(), 1});
  Tensor x = m.constant({1, 2, 3}), y = m.constant({1, 2, 3});
  // [batch,1] * [3] is [batch,3]: each w with each point.
  Tensor cost = mean(square(w * x - y), 1);
  m.output("cost", cost);
  m.output("slope", gradient(sum(cost), w)); // of each row by its own w
  m.data({{"w", {{-5}, {-4}, {-3}, {-2}, {-1}, {0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}}}});
}
GDJIT_MODEL(cost_curve, "the cost as a function of w");
