// Lesson 5: logistic regression
//
// Six students, each with hours of study and of sleep; three failed (0), three passed (1). A line's
// value can be anything, so the sigmoid bends it into a probability, p = 1 / (1 + exp(-(x w + b))),
// and the binary cross-entropy measures it:
//
//     cost = -mean(y log p + (1 - y) log(1 - p))
//
// The first model writes both out by hand, the second uses the functions that exist for them.
//
//     gdjit train 05_logistic_regression --steps 1000
//     gdjit train 05_logistic_regression:by_function --steps 1000
//
// Both start at a cost of 0.693147 (log 2: a coin's throw) and are at 0.019852 after 1000 updates;
// the accuracy, the share of students on the right side of p = 0.5, is then 1. The table of
// examples asks for two new students.
//
//     gdjit dump 05_logistic_regression --stage differentiated
//
// shows what `stabilize` does to the formula by hand: 1 / (1 + exp(-z)) is recognized as
// sigmoid(z), and its logarithm is taken without ever forming a p that rounds to 0. So the cost is
// right, with its gradient, even for z = -100.
#include <gdjit/gdjit.h>

using namespace gdjit;

static void students(Model& m) {
  m.data({{"x", {{1, 2}, {2, 3}, {3, 1}, {4, 3}, {5, 3}, {6, 2}}},
          {"y", {{0}, {0}, {0}, {1}, {1}, {1}}}});
  m.examples({{"x", {{2, 2}, {5, 4}}}});
}

void by_hand(Model& m) {
  Tensor x = m.input("x", {m.batch(), 2});
  Tensor y = m.input("y", {m.batch(), 1});
  Parameter w = m.parameter("w", zeros({2, 1}));
  Parameter b = m.parameter("b", zeros({1}));

  Tensor p = m.named("p", 1 / (1 + exp(-(matmul(x, w) + b))));
  Tensor cost = -mean(y * log(p) + (1 - y) * log(1 - p));
  m.minimize(cost, SGD{.lr = 1.0});

  m.output("p", p);
  m.output("passed", p > 0.5);
  m.output("accuracy", mean((p > 0.5) == (y > 0.5)));
  students(m);
}
GDJIT_MODEL(by_hand, "pass or fail, sigmoid and cross-entropy written out");

void by_function(Model& m) {
  Tensor x = m.input("x", {m.batch(), 2});
  Tensor y = m.input("y", {m.batch(), 1});
  Parameter w = m.parameter("w", zeros({2, 1}));
  Parameter b = m.parameter("b", zeros({1}));

  Tensor p = m.named("p", sigmoid(matmul(x, w) + b));
  m.minimize(binary_cross_entropy(p, y), SGD{.lr = 1.0});

  m.output("p", p);
  m.output("passed", p > 0.5);
  m.output("accuracy", mean((p > 0.5) == (y > 0.5)));
  students(m);
}
GDJIT_MODEL(by_function, "the same with sigmoid and binary_cross_entropy");
