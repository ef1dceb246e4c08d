// Lesson 1: linear regression
//
// Three students studied 1, 2 and 3 hours and got 2, 4 and 6 points. How many points do 4 hours
// give? We guess a line, h = w x + b, start with w = b = 0, measure how wrong it is by the mean
// squared error, and let gradient descent make the error smaller, a small step at a time.
//
//     gdjit train 01_linear_regression --steps 1000
//
// The loss starts at 18.666667 (the mean of 2², 4² and 6²) and falls below 0.001, fast at first,
// then slowly; the line for 4 hours ends near 8. The other models have other targets: 4, 5, 6
// points, which lie on y = x + 3, and 1, 2, 3, with which lesson 2 goes on:
//
//     gdjit train 01_linear_regression:plus_three --steps 1000
//     gdjit train 01_linear_regression:same --steps 1000
//
// What the compiler makes of it: the graph as declared (find h, the loss, and the two gradients),
// the gradients spelled out below "backward:", and the one kernel in which forward, backward and
// update run in one pass over the students.
//
//     gdjit dump 01_linear_regression
//     gdjit dump 01_linear_regression --stage simplified
//     gdjit dump 01_linear_regression --stage loops
#include <gdjit/gdjit.h>

using namespace gdjit;

static void fit_line(Model& m, const Literal& points) {
  Tensor x = m.input("x", {m.batch(), 1}); // hours, one row per student
  Tensor y = m.input("y", {m.batch(), 1}); // points
  Parameter w = m.parameter("w", zeros({1, 1}));
  Parameter b = m.parameter("b", zeros({1}));

  Tensor h = m.named("h", matmul(x, w) + b);
  m.minimize(mse_loss(h, y), SGD{.lr = 0.01});

  m.output("h", h);
  m.data({{"x", {{1}, {2}, {3}}}, {"y", points}});
  m.examples({{"x", {{4}}}}); // what do 4 hours give?
}

void twice(Model& m) { fit_line(m, {{2}, {4}, {6}}); }
GDJIT_MODEL(twice, "a line through hours 1, 2, 3 and points 2, 4, 6");

void plus_three(Model& m) { fit_line(m, {{4}, {5}, {6}}); }
GDJIT_MODEL(plus_three, "the same line for points 4, 5, 6");

void same(Model& m) { fit_line(m, {{1}, {2}, {3}}); }
GDJIT_MODEL(same, "the same line for points 1, 2, 3");
