// Training steps of random networks: layers, losses and optimizers as users combine them, under
// schedules for machines that there are not. What random graphs rarely reach: large products
// between what was computed before them and the updates behind.
//
// GDJIT_NETWORKS=n trains that many per shard.
#include "Chain.h"
#include "Draw.h"

#include "gdjit/Transforms/VerifyValues.h"
#include "gdjit/gdjit.h"

#include <cstdlib>
#include <gtest/gtest.h>

using namespace gdjit;
using namespace gdjit::testing;

namespace {

Tensor activated(Draw& draw, Model& m, const std::string& name, const Tensor& h, int64_t width) {
  switch (draw({0, 1, 2, 3, 4, 5})) {
  case 0:
    return tanh(h);
  case 1:
    return sigmoid(h);
  case 2:
    return softplus(h);
  case 3:
    return relu(BatchNorm(m, name + "/norm", width)(h));
  case 4:
    return Dropout(m, name + "/drop", 0.25)(LayerNorm(m, name + "/norm", width)(h));
  default:
    return relu(h);
  }
}

void minimize(Draw& draw, Model& m, const Tensor& loss) {
  const MinimizeOptions options = {.clip_value = draw({0.0, 0.0, 0.5}),
                                   .clip_norm = draw({0.0, 0.0, 1.0})};
  switch (draw({0, 1, 2, 3, 4})) {
  case 0:
    return m.minimize(loss, SGD{.lr = 0.1}, options);
  case 1:
    return m.minimize(loss, SGD{.lr = 0.1, .momentum = 0.9, .weight_decay = 1e-3, .nesterov = true},
                      options);
  case 2:
    return m.minimize(loss, RMSprop{.centered = draw({false, true})}, options);
  case 3:
    return m.minimize(loss, Adagrad{}, options);
  default:
    return m.minimize(loss, AdamW{}, options);
  }
}

/// A network that follows from its option "seed".
void network(Model& m) {
  Draw draw(static_cast<uint64_t>(m.option("seed", int64_t{0})));
  int64_t width = draw({1, 2, 7, 16, 40, 100});
  Tensor h = m.input("x", {m.batch(), width});
  const int layers = draw({1, 2, 2, 3});
  for (int i = 0; i < layers; ++i) {
    const int64_t next = draw({1, 3, 10, 16, 33, 64});
    const std::string name = "layer" + std::to_string(i);
    h = Linear(m, name, width, next)(h);
    width = next;
    if (i + 1 < layers)
      h = activated(draw, m, name, h, width);
  }
  Tensor loss;
  if (draw({false, true})) {
    loss = cross_entropy(h, m.input("label", {m.batch()}, DType::i32));
  } else {
    Tensor y = m.input("y", {m.batch(), width});
    loss = draw({false, true}) ? mse_loss(h, y) : huber_loss(h, y);
  }
  m.output("h", h);
  minimize(draw, m, loss);
}

/// One hidden layer of a few units at most, as first networks have it, over more rows than
/// registers.
void small(Model& m) {
  Draw draw(static_cast<uint64_t>(m.option("seed", int64_t{0})));
  const int64_t in = draw({1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 15, 30}),
                hidden = draw({0, 3, 4, 5, 6, 7, 8, 20}), out = draw({1, 2, 3, 5, 10});
  Tensor h = m.input("x", {m.batch(), in});
  if (hidden > 0)
    h = activated(draw, m, "hidden", Linear(m, "hidden", in, hidden)(h), hidden);
  h = Linear(m, "out", hidden > 0 ? hidden : in, out)(h);
  switch (draw({0, 1, 2})) {
  case 0:
    return minimize(draw, m, cross_entropy(h, m.input("label", {m.batch()}, DType::i32)));
  case 1:
    return minimize(draw, m, binary_cross_entropy_with_logits(h, m.input("y", {m.batch(), out})));
  default:
    return minimize(draw, m, mse_loss(h, m.input("y", {m.batch(), out})));
  }
}

/// Layers of different widths, enough work for kernels of their own.
void widths(Model& m) {
  Draw draw(static_cast<uint64_t>(m.option("seed", int64_t{0})));
  int64_t width = draw({5, 16, 33});
  Tensor h = m.input("x", {m.batch(), width});
  for (int i = 0; i < 9; ++i) {
    const int64_t next = draw({1, 4, 15, 16, 17, 31, 40, 57, 64, 65, 90, 128, 131});
    const std::string name = "layer" + std::to_string(i);
    h = activated(draw, m, name, Linear(m, name, width, next)(h), next);
    width = next;
  }
  minimize(draw, m, mse_loss(h, m.input("y", {m.batch(), width})));
}

/// Rows too long for registers, which live within one turn of the loop over the batch.
void long_rows(Model& m) {
  Draw draw(static_cast<uint64_t>(m.option("seed", int64_t{0})));
  const int64_t width = draw({65, 70, 130, 256, 300, 1030});
  Tensor x = m.input("x", {m.batch(), width});
  Parameter scale = m.parameter("scale", ones({width}));
  Tensor h = draw({false, true}) ? x * scale : LayerNorm(m, "norm", width)(x) * scale;
  h = activated(draw, m, "rows", h, width);
  const int kind = draw({0, 1, 2});
  if (kind == 0)
    return minimize(draw, m, cross_entropy(h, m.input("label", {m.batch()}, DType::i32)));
  if (kind == 1)
    return minimize(draw, m, cross_entropy(h, m.input("label", {m.batch()}, DType::i64)));
  Tensor p = softmax(h);
  m.output("p", p);
  minimize(draw, m, mse_loss(p * (max(h, {1}, true) - min(h, {1}, true)), x));
}

class Networks : public ::testing::TestWithParam<uint64_t> {};

/// Trains `networks` of a model, or as many as the environment says.
void train(void (*model)(Model&), uint64_t networks, uint64_t first,
           std::initializer_list<int64_t> batches = {1, 3, 8, 17, 32, 64}) {
  const std::vector<CodeChoice> choices = code_choices();
  ASSERT_FALSE(choices.empty());
  if (const char* count = std::getenv("GDJIT_NETWORKS"))
    networks = std::strtoull(count, nullptr, 10);
  int failures = 0;
  for (uint64_t seed = first; seed < first + networks && failures < 3; ++seed) {
    Draw draw(seed * 31 + 7);
    const int64_t batch = draw(batches);
    Model m(model, {.batch = batch,
                    .dtype = draw({DType::f32, DType::f32, DType::f64}),
                    .options = {{"seed", static_cast<int64_t>(seed)}}});
    Step step = m.training().step(batch);
    CodeChoice choice = choices[seed * 7919 % choices.size()];
    if (seed % 4 != 0)
      force(choice, seed);
    CallArguments arguments = random_arguments(step.signature, seed, index_bound(step.graph));
    std::string broken = broken_link(step, arguments, {choice});
    if (broken.empty())
      continue;
    ++failures;
    std::printf("seed %llu, target %s, level %d: %s\n", static_cast<unsigned long long>(seed),
                choice.target.c_str(), choice.level, broken.c_str());
    std::fflush(stdout); // reducing takes long
    Reduced reduced = reduce(step, arguments, choice);
    ADD_FAILURE() << "seed " << seed << ", target " << choice.target << ", level " << choice.level
                  << ": " << broken << "\nwritten to " << write_reproducer(reduced, seed);
  }
}

TEST_P(Networks, train_with_the_same_bits_under_every_schedule) {
  train(network, 12, 1 + GetParam() * 1'000'000);
}

TEST_P(Networks, of_many_widths_train_with_the_same_bits_whether_they_share_code_or_not) {
  train(widths, 3, 1 + GetParam() * 1'000'000);
}

TEST_P(Networks, of_long_rows_train_with_the_same_bits_under_every_schedule) {
  train(long_rows, 8, 1 + GetParam() * 1'000'000);
}

TEST_P(Networks, of_few_units_train_with_the_same_bits_over_any_number_of_rows) {
  train(small, 24, 1 + GetParam() * 1'000'000, {17, 31, 33, 34, 35, 47, 50, 64, 97, 130, 300});
}

INSTANTIATE_TEST_SUITE_P(Shard, Networks, ::testing::Range<uint64_t>(0, 4));

} // namespace
