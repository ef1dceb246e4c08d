// Lesson 9: handwritten digits
//
// Images of 28 x 28 grey values, each a digit from 0 to 9: what lesson 6 did for four numbers and
// three classes is done for 784 and ten. The files are not part of this lesson: it takes a folder
// with the digits as they are distributed, train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz
// and the two t10k-… for testing, or with two of them, of which --split sets a part aside:
//
//     gdjit train 09_digits --data FOLDER --batch 64 --shuffle --epochs 5
//     gdjit train 09_digits --data FOLDER --split 0.2 --batch 64 --shuffle --epochs 5
//
// After every epoch stand the loss and the accuracy of training rows and of those set aside. The
// first model has a score for each class that is linear in the grey values, and gets nine digits
// of ten right. The second has a layer of hidden units between, the third two larger ones, Adam
// and dropout; both learn what a stroke is:
//
//     gdjit train 09_digits:mlp --data FOLDER --split 0.2 --batch 64 --shuffle --epochs 20
//     gdjit train 09_digits:mlp2 --data FOLDER --split 0.2 --batch 256 --shuffle --epochs 10
//
// --plot images=digits.svg shows some digits with what the model takes them for; mistakes are red.
// At the end stands the table of confusion: which digit is taken for which.
//
// To look at: the step of the large network has no kernel for Adam. Moments and weights change
// where their gradient is computed, tile by tile, while it is in registers:
//
//     gdjit dump 09_digits:mlp2 --batch 256 --stage loops
#include <gdjit/gdjit.h>

using namespace gdjit;

struct Digits {
  Tensor x;     ///< [batch,784], 0 to 1
  Tensor label; ///< [batch], 0 to 9
};

static Digits digits(Model& m) {
  Tensor grey = m.input("image", {m.batch(), 784});
  return {grey / 255, m.input("label", {m.batch()}, DType::i64)};
}

template <class Rule>
static void learn(Model& m, const Tensor& scores, const Tensor& label, const Rule& rule) {
  m.minimize(cross_entropy(scores, label), rule);
  m.output("digit", argmax(scores, 1));
}

void softmax_regression(Model& m) {
  Digits d = digits(m);
  learn(m, Linear(m, "linear", 784, 10)(d.x), d.label, SGD{.lr = 0.1});
}
GDJIT_MODEL(softmax_regression, "ten scores, linear in the grey values");

void mlp(Model& m) {
  Digits d = digits(m);
  Extent hidden = m.option("hidden", 128);
  Sequential net = {Linear(m, "layer1", 784, hidden), relu, Linear(m, "layer2", hidden, 10)};
  learn(m, net(d.x), d.label, SGD{.lr = 0.1, .momentum = 0.9});
}
GDJIT_MODEL(mlp, "one layer of hidden units");

void mlp2(Model& m) {
  Digits d = digits(m);
  Extent hidden = m.option("hidden", 512);
  Sequential net = {Linear(m, "layer1", 784, hidden),    relu, Dropout(m, "drop1", 0.2),
                    Linear(m, "layer2", hidden, hidden), relu, Dropout(m, "drop2", 0.2),
                    Linear(m, "layer3", hidden, 10)};
  learn(m, net(d.x), d.label, Adam{.lr = 1e-3});
}
GDJIT_MODEL(mlp2, "two large layers, Adam and dropout");
