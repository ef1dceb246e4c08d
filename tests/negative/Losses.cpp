// Mistakes with losses: shapes that would broadcast, integers, class numbers of the wrong shape.
#include "Mistakes.h"

using namespace gdjit;
using gdjit::test::message_of;

namespace {

// clang-format off: GDJIT_LINE stands on the line that it names

TEST(LossMistakes, shapes_that_would_broadcast) {
  Model m;
  Tensor p = m.input("p", {8, 1}); GDJIT_LINE(p_line);
  Tensor y = m.input("y", {8}); GDJIT_LINE(y_line);
  std::string here;
  EXPECT_MISTAKE(message_of([&] { GDJIT_LINE(line); here = line; (void)mse_loss(p, y); }), here + ":",
                 "mse_loss: shapes differ, [8,1] and [8]", "prediction p : f32[8,1]", "f32[8]", p_line, y_line,
                 "losses never broadcast: write reshape(target, prediction.shape())");
  EXPECT_MISTAKE(message_of([&] { (void)binary_cross_entropy(p, y); }), "binary_cross_entropy: shapes differ");
  EXPECT_MISTAKE(message_of([&] { (void)binary_cross_entropy_with_logits(p, y); }),
                 "binary_cross_entropy_with_logits: shapes differ");
  EXPECT_MISTAKE(message_of([&] { (void)mse_loss(p, m.input("z", {4, 1})); }),
                 "prediction and target need one value each");
}

TEST(LossMistakes, integers_have_no_gradient) {
  Model m;
  Tensor p = m.input("p", {8}, DType::i32), y = m.input("y", {8}, DType::i32);
  EXPECT_MISTAKE(message_of([&] { (void)mse_loss(p, y); }), "mse_loss: takes f32 or f64, not i32", "cast");
  EXPECT_MISTAKE(message_of([&] { (void)mse_loss(m.input("q", {8}), y); }), "mse_loss: element types differ, f32 and i32");
  Parameter w = m.parameter("w", zeros({8}));
  EXPECT_MISTAKE(message_of([&] { m.minimize(sum(cast(w, DType::i32)), SGD{}); }), "minimize: the loss is i64, not a float",
                 "cast");
}

TEST(LossMistakes, class_numbers_of_another_shape) {
  Model m;
  Tensor z = m.input("z", {8, 3});
  Tensor column = m.input("column", {8, 1}, DType::i64), longer = m.input("longer", {9}, DType::i64);
  EXPECT_MISTAKE(message_of([&] { (void)cross_entropy(z, column); }),
                 "cross_entropy: class numbers of shape [8,1] for scores of shape [8,3]", "write reshape(target, [8])");
  EXPECT_MISTAKE(message_of([&] { (void)cross_entropy(z, longer); }), "without the last axis, [8]");
  EXPECT_MISTAKE(message_of([&] { (void)cross_entropy(z, m.input("p", {8})); }), "cross_entropy: class numbers are integers, the target is f32[8]", "declare it with DType::i64 or i32");
  EXPECT_MISTAKE(message_of([&] { (void)cross_entropy(z, m.input("r", {8, 2})); }), "cross_entropy: shapes differ, [8,3] and [8,2]");
  EXPECT_MISTAKE(message_of([&] { (void)nll_loss(z, m.input("q", {8, 3})); }), "nll_loss: the target holds f32, not class numbers");
}

TEST(LossMistakes, a_loss_that_is_no_number) {
  Model m;
  Parameter w = m.parameter("w", zeros({8})); GDJIT_LINE(w_line);
  std::string here;
  EXPECT_MISTAKE(message_of([&] { GDJIT_LINE(line); here = line; m.minimize(w * 2, SGD{}); }), here + ":",
                 "minimize: the loss has shape [8], not []", "reduce it with mean or sum");
}

TEST(LossMistakes, a_loss_of_no_parameter) {
  Model m;
  Tensor x = m.input("x", {2}); GDJIT_LINE(x_line);
  EXPECT_MISTAKE(message_of([&] { m.minimize(sum(x), SGD{}); }), "minimize: the loss depends on no parameter");
  Parameter w = m.parameter("w", zeros({2}));
  EXPECT_MISTAKE(message_of([&] { m.minimize(sum(x * w), SGD{}, {.parameters = "generator/*"}); }),
                 "minimize: no parameter matches 'generator/*'", "the loss depends on w");
  EXPECT_MISTAKE(message_of([&] { m.minimize(sum(x * w), SGD{}, {.except = "encoder/*"}); }),
                 "minimize: no parameter matches 'encoder/*', which is to stay as it is", "the loss depends on w");
  (void)m.parameter("encoder/w", zeros({2})); // matched, if not reached by this loss
  m.minimize(sum(x * w), SGD{}, {.except = "encoder/*"});
}

TEST(LossMistakes, learning_rates) {
  Model m;
  Parameter w = m.parameter("w", zeros({2}));
  for (double lr : {-1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
    EXPECT_MISTAKE(message_of([&] { m.minimize(sum(w), SGD{.lr = lr}); }), "is negative or not finite");
  m.minimize(sum(w), SGD{.lr = 0});
  EXPECT_MISTAKE(message_of([&] { m.minimize(sum(w), SGD{.nesterov = true}, "second"); }),
                 "SGD: nesterov needs a momentum above 0");
}

TEST(LossMistakes, options_that_do_not_fit) {
  Model m;
  Tensor z = m.input("z", {8, 3}), p = m.input("p", {8, 3});
  Tensor c = m.input("c", {8}, DType::i64);
  EXPECT_MISTAKE(message_of([&] { (void)cross_entropy(z, c, {.class_weights = m.constant({1, 2})}); }),
                 "cross_entropy: class_weights have type f32[2], not f32[3]");
  EXPECT_MISTAKE(message_of([&] { (void)cross_entropy(z, c, {.label_smoothing = 1.5}); }),
                 "cross_entropy: label_smoothing 1.5 is not in [0, 1]");
  EXPECT_MISTAKE(message_of([&] { (void)cross_entropy(z, p, {.ignore_index = 0}); }),
                 "cross_entropy: ignore_index with a target of probabilities", "give class numbers");
  EXPECT_MISTAKE(message_of([&] { (void)huber_loss(z, p, {.delta = 0}); }), "huber_loss: delta 0 is not above 0");
  EXPECT_MISTAKE(message_of([&] { (void)smooth_l1_loss(z, p, {.beta = -1}); }), "smooth_l1_loss: beta -1 is not above 0");
  EXPECT_MISTAKE(message_of([&] { (void)binary_cross_entropy(z, p, {.weight = m.constant({1, 2, 3})}); }),
                 "binary_cross_entropy: the weight has type f32[3], not f32[8,3]");
  EXPECT_MISTAKE(message_of([&] { (void)binary_cross_entropy_with_logits(z, p, {.pos_weight = m.constant({1, 2})}); }),
                 "binary_cross_entropy_with_logits: pos_weight has type f32[2]");
  EXPECT_MISTAKE(message_of([&] { (void)l2_penalty({}); }), "l2_penalty: no operand");
  Tensor flat = m.input("flat", {24});
  for (auto loss : {l1_loss, mse_loss, bernoulli_nll_loss})
    EXPECT_MISTAKE(message_of([&] { (void)loss(z, flat, Reduction::mean, Place::current()); }), "shapes differ",
                   "losses never broadcast: write reshape(target, prediction.shape())");
  EXPECT_MISTAKE(message_of([&] { (void)gaussian_nll_loss(z, p, flat); }), "gaussian_nll_loss: shapes differ");
  EXPECT_MISTAKE(message_of([&] { (void)poisson_nll_loss(z, flat); }), "poisson_nll_loss: shapes differ");
  EXPECT_MISTAKE(message_of([&] { (void)kl_div(z, flat); }), "kl_div: shapes differ");
}

// clang-format on

} // namespace
