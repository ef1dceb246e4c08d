// Lesson 6: softmax classification
//
// Three classes instead of two: each gets a score, and softmax turns scores into probabilities,
// exp(z_i) / sum exp(z). The cross-entropy is the mean of -log of the probability that the right
// class got.
//
//     gdjit train 06_softmax_classification --steps 1000
//
// The cost starts at log 3 = 1.098612 and is 0.399962 after 1000 updates. What runs is one loop
// over the rows, which takes softmax - one_hot to the gradients of w and b:
//
//     gdjit dump 06_softmax_classification --stage loops
//
// The cost can be written in three ways, equal in value:
//
//   by one function     cross_entropy(z, label)
//   by one-hot rows     -mean(sum(one_hot(label) * log(softmax(z))))
//   by log_softmax      nll_loss(log_softmax(z), label)
//
//     gdjit train 06_softmax_classification:one_hot_rows --steps 1000
//     gdjit train 06_softmax_classification:log_softmax_nll --steps 1000
//     gdjit dump 06_softmax_classification:three_ways --values
//
// The last shows all three side by side, and of the scores 1, 2, 3 the probabilities 0.0900,
// 0.2447, 0.6652.
//
//     gdjit dump 06_softmax_classification:one_hot_rows --stage differentiated
//
// shows log(softmax(z)) rewritten to z - max - log(sum(exp(z - max))): the same as log_softmax,
// safe for any scores.
#include <gdjit/gdjit.h>

using namespace gdjit;

/// Eight rows of four features; labels 0, 1, 2.
struct Task {
  Tensor label; ///< [batch], class numbers
  Tensor z;     ///< [batch,3], scores
};

static Task scores(Model& m) {
  Tensor x = m.input("x", {m.batch(), 4});
  Tensor label = m.input("label", {m.batch()}, DType::i64);
  Parameter w = m.parameter("w", zeros({4, 3}));
  Parameter b = m.parameter("b", zeros({1})); // one for all classes
  Tensor z = m.named("z", matmul(x, w) + b);
  Tensor predicted = argmax(z, 1);
  m.output("predicted", predicted);
  m.output("accuracy", mean(predicted == label));
  m.data({{"x",
           {{1, 2, 1, 1},
            {2, 1, 3, 2},
            {3, 1, 3, 4},
            {4, 1, 5, 5},
            {1, 7, 5, 5},
            {1, 2, 5, 6},
            {1, 6, 6, 6},
            {1, 7, 7, 7}}},
          {"label", {2, 2, 2, 1, 1, 1, 0, 0}}});
  m.examples({{"x", {{1, 11, 7, 9}, {1, 3, 4, 3}}}});
  return {label, z};
}

static Tensor by_one_hot(const Task& t) {
  return -mean(sum(one_hot(t.label, 3) * log(softmax(t.z)), 1));
}

static Tensor by_log_softmax(const Task& t) { return nll_loss(log_softmax(t.z), t.label); }

void by_function(Model& m) {
  Task t = scores(m);
  m.minimize(cross_entropy(t.z, t.label), SGD{.lr = 0.1});
}
GDJIT_MODEL(by_function, "eight rows of four features in three classes, by cross_entropy");

void one_hot_rows(Model& m) {
  Task t = scores(m);
  m.minimize(by_one_hot(t), SGD{.lr = 0.1});
}
GDJIT_MODEL(one_hot_rows, "cross-entropy by one-hot rows and log(softmax)");

void log_softmax_nll(Model& m) {
  Task t = scores(m);
  m.minimize(by_log_softmax(t), SGD{.lr = 0.1});
}
GDJIT_MODEL(log_softmax_nll, "cross-entropy by log_softmax and nll_loss");

void three_ways(Model& m) {
  Task t = scores(m);
  m.minimize(cross_entropy(t.z, t.label), SGD{.lr = 0.1});
  m.output("loss_by_one_hot", by_one_hot(t));
  m.output("loss_by_log_softmax", by_log_softmax(t));
  m.output("softmax_of_123", softmax(m.constant({1, 2, 3})));
}
GDJIT_MODEL(three_ways, "the same, with the value of all three forms");
