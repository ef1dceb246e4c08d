// Lesson 3: multivariate linear regression
//
// Three quiz scores predict the final exam. The same hypothesis is written in three ways: with a
// weight for each quiz, as a matrix product, and as a layer. They train alike, and each becomes one
// native kernel.
//
//     gdjit train 03_multivariate_linear_regression --steps 1000
//     gdjit train 03_multivariate_linear_regression:product --steps 1000
//     gdjit train 03_multivariate_linear_regression:layer --steps 1000
//
// The loss starts at 29661.8 and is 3.94 after 1000 steps. The learning rate is as small as 1e-5
// because scores near 100 make slopes near 10,000; try --lr 1e-4 and the loss explodes.
//
// The rows may also come from a file; its columns go to the inputs in the order of declaration, or
// as --columns says:
//
//     gdjit train 03 --data examples/quiz_scores.csv
//     gdjit train 03:layer --data examples/quiz_scores.csv --columns x=quiz1:quiz3,y=final
//
// To look at: three graphs that say the same in different words (in the layer's, the parameters
// are called linear/w and linear/b), each of them one kernel in the end, a loop over students.
//
//     gdjit dump 03_multivariate_linear_regression
//     gdjit dump 03_multivariate_linear_regression:layer
//     gdjit dump 03_multivariate_linear_regression:product --stage loops
#include <gdjit/gdjit.h>

using namespace gdjit;

static Literal finals() { return {{152}, {185}, {180}, {196}, {142}}; }

static Literal quizzes() {
  return {{73, 80, 75}, {93, 88, 93}, {89, 91, 80}, {96, 98, 100}, {73, 66, 70}};
}

static void train_on_quizzes(Model& m, const Tensor& h, const Tensor& y) {
  m.minimize(mse_loss(h, y), SGD{.lr = 1e-5});
  m.output("final", h);
  m.data({{"x", quizzes()}, {"y", finals()}});
  m.examples({{"x", {{80, 85, 90}}}});
}

void separate(Model& m) {
  Tensor x1 = m.input("quiz1", {m.batch(), 1});
  Tensor x2 = m.input("quiz2", {m.batch(), 1});
  Tensor x3 = m.input("quiz3", {m.batch(), 1});
  Tensor y = m.input("y", {m.batch(), 1});
  Parameter w1 = m.parameter("w1", zeros({1}));
  Parameter w2 = m.parameter("w2", zeros({1}));
  Parameter w3 = m.parameter("w3", zeros({1}));
  Parameter b = m.parameter("b", zeros({1}));

  Tensor h = w1 * x1 + w2 * x2 + w3 * x3 + b;
  m.minimize(mse_loss(h, y), SGD{.lr = 1e-5});
  m.output("final", h);
  m.data({{"quiz1", {{73}, {93}, {89}, {96}, {73}}},
          {"quiz2", {{80}, {88}, {91}, {98}, {66}}},
          {"quiz3", {{75}, {93}, {80}, {100}, {70}}},
          {"y", finals()}});
  m.examples({{"quiz1", {{80}}}, {"quiz2", {{85}}}, {"quiz3", {{90}}}});
}
GDJIT_MODEL(separate, "w1 x1 + w2 x2 + w3 x3 + b, each weight by itself");

void product(Model& m) {
  Tensor x = m.input("x", {m.batch(), 3});
  Tensor y = m.input("y", {m.batch(), 1});
  Parameter w = m.parameter("w", zeros({3, 1}));
  Parameter b = m.parameter("b", zeros({1}));
  train_on_quizzes(m, matmul(x, w) + b, y);
}
GDJIT_MODEL(product, "the same as a matrix product");

void layer(Model& m) {
  Tensor x = m.input("x", {m.batch(), 3});
  Tensor y = m.input("y", {m.batch(), 1});
  Linear linear(m, "linear", 3, 1, {.w = zeros(), .b = zeros()});
  train_on_quizzes(m, linear(x), y);
}
GDJIT_MODEL(layer, "the same as a layer that holds its parameters");
