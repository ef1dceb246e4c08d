// Whole programs: a network with dropout and batch norm, a Normal distribution fitted by maximum
// likelihood, and two networks that alternate over one State.
#include "gdjit/gdjit.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace gdjit;

namespace {

constexpr std::initializer_list<TensorView> none = {};

/// Two interleaved half circles: no line separates them.
void two_moons(Model& m) {
  Tensor x = m.input("x", {m.batch(), 2}), y = m.input("y", {m.batch(), 1});
  Sequential net = {Linear(m, "fc1", 2, 32),
                    BatchNorm(m, "bn1", 32),
                    relu,
                    Dropout(m, "drop", 0.2),
                    Linear(m, "fc2", 32, 16),
                    [](const Tensor& h) { return leaky_relu(h, 0.1); },
                    Linear(m, "fc3", 16, 1)};
  Tensor z = net(x);
  m.output("p", sigmoid(z));
  m.minimize(
      binary_cross_entropy_with_logits(z, y), AdamW{.lr = 0.02},
      {.groups = {{"biases", "*/b", AdamW{.lr = 0.02, .weight_decay = 0}}}, .clip_norm = 5.0});
}

TEST(Programs, a_network_with_dropout_and_batch_norm_learns_two_moons) {
  constexpr int64_t rows = 128;
  Array x({DType::f32, {rows, 2}}), y({DType::f32, {rows, 1}});
  for (int64_t i = 0; i < rows; ++i) {
    bool upper = i % 2 == 0;
    int64_t place = i / 2, last = rows / 2 - 1;
    double angle = M_PI * static_cast<double>(place) / static_cast<double>(last);
    x.set(2 * i, upper ? std::cos(angle) : 1 - std::cos(angle));
    x.set(2 * i + 1, upper ? std::sin(angle) : 0.5 - std::sin(angle));
    y.set(i, upper);
  }
  constexpr int64_t batch = 40; // three batches of 40 rows and one of 8 an epoch
  Dataset moons({{"x", x}, {"y", y}});
  Model m(two_moons, {.batch = batch});
  State s = initial_state(m, 1);
  StepFunction train = compile(m.training(), s), evaluate = compile(m.evaluation(), s);
  double first = evaluate(moons.views());
  Loader loader(moons, {.batch = batch, .shuffle_seed = 7});
  CosineAnnealingLR schedule{.lr = 0.02, .steps = 100};
  for (int epoch = 0; epoch < 100; ++epoch)
    for (const Batch& part : loader)
      train(part, {.lr = schedule(epoch)});
  EXPECT_EQ(s.step(), 400);
  double last = evaluate(moons.views());
  EXPECT_GT(first, 0.5);
  EXPECT_LT(last, 0.02);
  ConfusionMatrix c;
  RocAuc auc;
  c.add(evaluate.output("p"), TensorView("y", y));
  auc.add(evaluate.output("p"), TensorView("y", y));
  EXPECT_EQ(c.accuracy(), 1);
  EXPECT_EQ(auc.value(), 1);
  EXPECT_EQ(evaluate(moons.views()), last) << "evaluation draws nothing";
}

TEST(Programs, maximum_likelihood_finds_mean_and_variance) {
  const std::vector<double> sample = {2.1, -0.3, 1.7, 4.4, 0.9, 3.2, 2.5, -1.1};
  Model m(
      [&](Model& m) {
        Tensor x = m.constant(Literal({static_cast<int64_t>(sample.size())}, sample));
        Parameter mu = m.parameter("mu", zeros({})),
                  log_sigma = m.parameter("log_sigma", zeros({}));
        m.minimize(gaussian_nll_loss(broadcast_to(mu, x.shape()), x,
                                     broadcast_to(exp(2 * log_sigma), x.shape()), {.full = true}),
                   Adam{.lr = 0.05});
      },
      {.dtype = DType::f64});
  State s = initial_state(m);
  StepFunction train = compile(m.training(), s);
  ExponentialLR schedule{.lr = 0.05, .gamma = 0.998};
  for (int k = 0; k < 5000; ++k)
    train(none, {.lr = schedule(k)});
  double n = static_cast<double>(sample.size()), mean = 0, squares = 0;
  for (double x : sample)
    mean += x / n;
  for (double x : sample)
    squares += (x - mean) * (x - mean) / n; // the likelihood's variance is the biased one
  EXPECT_NEAR(s.view("mu").at(0), mean, 1e-6);
  EXPECT_NEAR(s.view("log_sigma").at(0), std::log(squares) / 2, 1e-6);
  double entropy = 0.5 * std::log(2 * M_PI * M_E * squares); // what the loss is at its least
  EXPECT_NEAR(train(none), entropy, 1e-9);
}

/// A generator moves and scales noise towards samples of mean 3 and standard deviation 0.5; a
/// discriminator tells them apart.
void generative(Model& m) {
  Extent rows = m.batch();
  Tensor real = m.normal("real", {rows, 1}, 3.0, 0.5);
  Tensor noise = m.normal("noise", {rows, 1});
  Parameter scale = m.parameter("generator/scale", ones({1}));
  Parameter shift = m.parameter("generator/shift", zeros({1}));
  Tensor fake = noise * scale + shift;
  Sequential discriminator = {Linear(m, "discriminator/fc1", 1, 16), tanh,
                              Linear(m, "discriminator/fc2", 16, 1)};
  Tensor of_real = discriminator(real), of_fake = discriminator(fake);
  m.minimize(binary_cross_entropy_with_logits(of_real, ones_like(of_real)) +
                 binary_cross_entropy_with_logits(of_fake, zeros_like(of_fake)),
             Adam{.lr = 0.02, .beta1 = 0.5},
             {.name = "discriminate", .parameters = "discriminator/*"});
  m.minimize(binary_cross_entropy_with_logits(of_fake, ones_like(of_fake)),
             Adam{.lr = 0.01, .beta1 = 0.5}, {.name = "generate", .parameters = "generator/*"});
}

TEST(Programs, two_networks_alternate_over_one_state) {
  Model m(generative, {.batch = 256});
  State s = initial_state(m, 3);
  StepFunction discriminate = compile(m.training("discriminate"), s),
               generate = compile(m.training("generate"), s);
  Array shift = s.view("generator/shift").copy();
  discriminate(none);
  EXPECT_TRUE(same_bits(s.view("generator/shift").copy(), shift));
  Array judge = s.view("discriminator/fc1/w").copy();
  generate(none);
  EXPECT_TRUE(same_bits(s.view("discriminator/fc1/w").copy(), judge));
  EXPECT_FALSE(same_bits(s.view("generator/shift").copy(), shift));
  for (int k = 0; k < 1500; ++k) {
    discriminate(none);
    generate(none, {.lr = k < 1000 ? 0.01 : 0.002});
  }
  EXPECT_NEAR(s.view("generator/shift").at(0), 3, 0.3);
  EXPECT_LT(std::abs(s.view("generator/scale").at(0)), 0.9);
  EXPECT_EQ(s.view("discriminate/step").at(0), 1501);
  EXPECT_EQ(s.view("generate/step").at(0), 1501);
}

} // namespace
