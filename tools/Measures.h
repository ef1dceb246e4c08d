// Metrics of predictions by their targets, as the types of both ask for them.
//
// A target is an input that the loss needs and the predictions do not. What judges it is, of the
// outputs that fit, the one nearest to what the loss compares it with (Comparison.h; a contraction
// away it is something else), the first where that does not tell, as in a text of loops:
//   class numbers (integers, bools, floats that are all 0 or 1, rows with a single 1; rows with an
//   integer below 0 are left out)
//     by class numbers or bools `answer > c`, scores [.., classes], the probability that a sigmoid
//     gives, or the logits that a loss takes:
//     accuracy, precision, recall, f1 (of class 1 where there are two, else means over the
//     classes that occur), confusion/ACTUAL/PREDICTED of up to 100 classes; of two classes roc_auc
//     too, by any float
//   other numbers, where a loss subtracts one from the other, by as many floats a row: mae, r2
// A name that the model itself has as an output is left to the model. With several targets each
// figure stands behind its target's name: y1/mae.
#pragma once

#include "Evaluate.h"
#include "Figures.h"

#include "gdjit/Train/Metrics.h"

namespace gdjit::tool {

class Measures {
public:
  /// `evaluation` is what predictions come from; the values of `rows` say what the targets are.
  Measures(const Subject& subject, const Work& evaluation, const Dataset& rows);

  bool empty() const { return judges_.empty(); }
  /// Forgets all rows seen.
  void clear();
  void add(const SeenBatch& batch);
  /// Of all rows since clear(); NaN where predictions were.
  Figures figures() const;
  /// Tables of what was taken for what, for people, in the words of `found` where it has any.
  std::string tables(const FoundRows& found) const;

private:
  static constexpr size_t none = ~size_t{0};
  struct Judge {
    std::string target, prefix;
    bool one_hot = false;
    int classes = 0;                                      ///< 0 for other numbers
    size_t decision = none, score = none, regress = none; ///< outputs
    double threshold = 0.5;                               ///< of the decision between two classes
    bool nan = false;
    ConfusionMatrix confusion;
    RocAuc auc;
    RegressionMetrics errors;
  };

  /// `given` are the inputs that predictions need.
  bool judge(const Work& evaluation, const InputRows& target, std::span<const std::string> given,
             Judge& judge) const;

  std::vector<Judge> judges_;
  std::vector<std::string> taken_; ///< names of the model's own outputs
};

} // namespace gdjit::tool
