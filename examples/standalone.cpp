// A program that uses the library with no tool and no macro: it declares a model, compiles three
// functions on one State, trains in a loop of its own, evaluates, and predicts for rows that it was
// not trained on.
//
//     g++ -std=c++20 standalone.cpp $(pkg-config --cflags --libs gdjit) && ./a.out
//
// Or in this tree: build/bin/standalone
#include <gdjit/gdjit.h>

#include <cstdio>

using namespace gdjit;

static void logistic_regression(Model& m) {
  Tensor x = m.input("x", {m.batch(), 2});
  Tensor y = m.input("y", {m.batch(), 1});
  Linear linear(m, "linear", 2, 1, {.w = zeros(), .b = zeros()});
  Tensor z = linear(x);
  m.minimize(binary_cross_entropy_with_logits(z, y), SGD{.lr = 1.0});
  m.output("p", sigmoid(z));
}

int main() {
  try {
    Model m(logistic_regression, {.batch = 6, .name = "logistic_regression"});
    State s = initial_state(m, /*seed=*/0);
    StepFunction train = compile(m.training(), s);
    StepFunction evaluate = compile(m.evaluation(), s);
    StepFunction predict = compile(m.prediction(), s);

    // Any memory in row-major order will do; Array is the library's own.
    Array x({DType::f32, {6, 2}}, {1, 2, 2, 3, 3, 1, 4, 3, 5, 3, 6, 2});
    Array y({DType::f32, {6, 1}}, {0, 0, 0, 1, 1, 1});
    for (int step = 0; step < 1000; ++step) {
      double loss = train({{"x", x}, {"y", y}}, {.lr = step < 500 ? 1.0 : 0.5});
      if (step % 100 == 0)
        std::printf("step %4d  loss %.6f\n", step, loss);
    }
    std::printf("after training: loss %.6f\n", evaluate({{"x", x}, {"y", y}}));

    // Two rows instead of six: that variant is compiled once and kept.
    Array new_students({DType::f32, {2, 2}}, {2, 2, 5, 4});
    predict({{"x", new_students}});
    TensorView p = predict.output("p");
    for (int64_t i = 0; i < p.elements(); ++i)
      std::printf("student %d passes with probability %.4f\n", static_cast<int>(i), p.at(i));
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.code());
  }
}
