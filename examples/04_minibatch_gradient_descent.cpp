// Lesson 4: minibatch gradient descent
//
// One step need not look at every row. A batch of a few already tells roughly where the cost falls,
// costs a fraction, and the next batch tells more. An epoch is one pass over all rows. The first
// model has the five students of lesson 3; in batches of 2 an epoch is three updates, the last one
// by a batch of a single row:
//
//     gdjit train 04_minibatch_gradient_descent --batch 2 --epochs 20
//
// The second has rows enough for it to matter: 100,000 of 32 features, made up from known weights
// and a noise of variance 0.25, which no weights explain. Three epochs with all rows in each step
// are three updates, and the cost is still above 3; three epochs of batches of 100 are 3,000
// updates, and the cost has come down to 0.25. It falls more roughly: each batch has a cost of its
// own.
//
//     gdjit train 04_minibatch_gradient_descent:many_rows --epochs 3
//     gdjit train 04_minibatch_gradient_descent:many_rows --epochs 3 --batch 100
//
// Who cuts and shuffles the rows in a program is the Loader: main, below, shows which rows each
// batch holds with and without shuffling and with the short last batch kept or dropped, and trains
// the large model both ways.
//
//     build/bin/04_minibatch_gradient_descent
//
// To look at: another batch size is another graph of the same function, with its own extents.
//
//     gdjit dump 04_minibatch_gradient_descent --batch 2
//     gdjit dump 04_minibatch_gradient_descent --batch 1
#include <gdjit/gdjit.h>

#include <cstdint>
#include <cstdio>

using namespace gdjit;

void scores(Model& m) {
  Tensor x = m.input("x", {m.batch(), 3});
  Tensor y = m.input("y", {m.batch(), 1});
  Linear linear(m, "linear", 3, 1, {.w = zeros(), .b = zeros()});
  Tensor h = linear(x);
  m.minimize(mse_loss(h, y), SGD{.lr = 1e-5});
  m.output("final", h);
  m.data({{"x", {{73, 80, 75}, {93, 88, 93}, {89, 91, 80}, {96, 98, 100}, {73, 66, 70}}},
          {"y", {{152}, {185}, {180}, {196}, {142}}}});
}
GDJIT_MODEL(scores, "the five students of lesson 3, for batches of any size");

/// Numbers that look random and are the same everywhere: uniform in [-1, 1).
class Noise {
public:
  float next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<float>(static_cast<double>(state_ >> 33) / double{1u << 30} - 1);
  }

private:
  uint64_t state_ = 4;
};

constexpr int64_t features = 32;

/// Weights 1/32, 2/32 … 1, and a noise uniform in +-0.866, whose variance is 0.25.
static std::vector<DataColumn> make_rows(int64_t rows) {
  Array x({DType::f32, {rows, features}}), y({DType::f32, {rows, 1}});
  float *xs = x.data<float>(), *ys = y.data<float>();
  Noise noise;
  for (int64_t i = 0; i < rows; ++i) {
    float sum = 0.866F * noise.next();
    for (int64_t k = 0; k < features; ++k, ++xs) {
      *xs = noise.next();
      sum += *xs * static_cast<float>(k + 1) / features;
    }
    ys[i] = sum;
  }
  return {{"x", Literal(std::move(x))}, {"y", Literal(std::move(y))}};
}

void many_rows(Model& m) {
  Tensor x = m.input("x", {m.batch(), features});
  Tensor y = m.input("y", {m.batch(), 1});
  Linear linear(m, "linear", features, 1, {.w = zeros(), .b = zeros()});
  m.minimize(mse_loss(linear(x), y), SGD{.lr = 0.05});
  int64_t rows = m.option("rows", int64_t{100'000});
  m.data([&] { return make_rows(rows); }); // made once, however often many_rows is called
}
GDJIT_MODEL(many_rows, "100,000 generated rows of 32 features");

/// Which rows the batches of two epochs hold.
static void show_batches(const char* title, const LoaderOptions& options) {
  Array numbers({DType::i32, {5}}, {0, 1, 2, 3, 4});
  Loader loader(Dataset({{"row", numbers}}), options);
  std::printf("%s\n", title);
  for (int epoch = 0; epoch < 2; ++epoch) {
    std::printf("  epoch %d:", epoch);
    for (const Batch& batch : loader) {
      std::printf(" {");
      for (int64_t i = 0; i < batch.rows(); ++i)
        std::printf("%s%.0f", i ? " " : "", batch.views()[0].at(i));
      std::printf("}");
    }
    std::printf("\n");
  }
}

/// Three epochs by batches of a size; 0 takes all rows at once.
static void train_many_rows(int64_t batch_size) {
  Model m(many_rows);
  Dataset rows = dataset(m);
  State s = initial_state(m);
  StepFunction train = compile(m.training(), s);
  StepFunction evaluate = compile(m.evaluation(), s);
  Loader loader(rows, {.batch = batch_size, .shuffle_seed = 0});
  for (int epoch = 0; epoch < 3; ++epoch) {
    for (const Batch& batch : loader)
      train(batch);
    std::printf("  after epoch %d, %lld updates: cost %.4f\n", epoch,
                static_cast<long long>(s.step()), evaluate(rows.views()));
  }
}

int main() {
  try {
    show_batches("five rows in order", {.batch = 2});
    show_batches("shuffled by a seed, in each epoch anew", {.batch = 2, .shuffle_seed = 0});
    show_batches("the last, short batch dropped",
                 {.batch = 2, .shuffle_seed = 0, .drop_last = true});
    std::printf("100,000 rows, all in each update\n");
    train_many_rows(0);
    std::printf("100,000 rows, batches of 100\n");
    train_many_rows(100);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.code());
  }
}
