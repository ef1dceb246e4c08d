// cross_entropy and nll_loss: losses of class numbers, with weights, smoothing and ignored rows.
#include "LossChecks.h"

#include <fmt/format.h>

namespace gdjit {

namespace {

/// True where the target holds class numbers.
bool check_classes(const std::string& loss, const Tensor& prediction, const Tensor& target,
                   Place at) {
  require_common_model(loss, {&prediction, &target}, at);
  if (!is_float(prediction.dtype()) || prediction.rank() == 0)
    fail_loss(loss + ": takes scores of shape [.., classes], not " + to_string(prediction.type()),
              prediction, target, "", at);
  if (!is_integer(target.dtype())) {
    if (target.rank() + 1 == prediction.rank() ||
        (target.rank() == prediction.rank() && target.shape()[target.rank() - 1] == 1))
      fail_loss(
          loss + ": class numbers are integers, the target is " + to_string(target.type()),
          prediction, target,
          "declare it with DType::i64 or i32, or cast it; probabilities have the scores' shape",
          at);
    check_equal_types(loss, prediction, target, at);
    return false;
  }
  Shape wanted;
  for (int i = 0; i + 1 < prediction.rank(); ++i)
    wanted.push_back(prediction.shape()[i]);
  if (target.shape() != wanted)
    fail_loss(loss + ": class numbers of shape " + to_string(target.shape()) +
                  " for scores of shape " + to_string(prediction.shape()),
              prediction, target,
              target.type().elements() == wanted.elements()
                  ? "write reshape(target, " + to_string(wanted) + ")"
                  : "class numbers have the scores' shape without the last axis, " +
                        to_string(wanted),
              at);
  return true;
}

void check_weights(const std::string& loss, const Tensor& prediction, const Tensor& weights,
                   Place at) {
  if (weights.empty())
    return;
  require_common_model(loss, {&prediction, &weights}, at);
  TensorType wanted{prediction.dtype(), {prediction.extent(-1, at)}};
  if (!(weights.type() == wanted))
    throw Error(ErrorCode::graph,
                fmt::format("{}: class_weights have type {}, not {}", loss,
                            to_string(weights.type()), to_string(wanted)),
                location_of(at));
}

/// The loss of class numbers after the checks.
Tensor loss_of_classes(const Tensor& log_probabilities, const Tensor& target,
                       const CrossEntropyOptions& options, Place at) {
  DType type = log_probabilities.dtype();
  bool ignores = options.ignore_index != no_index, weighs = !options.class_weights.empty();
  Tensor counts = ignores ? ne(target, options.ignore_index, at) : Tensor();
  // An ignored number need not be a class: it is looked up as class 0 and weighs nothing.
  Tensor classes = ignores ? select(counts, target, 0, at) : target;
  // The term of each class but the row's own is 0.
  Tensor own = one_hot(classes, log_probabilities.extent(-1, at), type, at);
  Tensor picked = sum(select(eq(own, 1.0, at), log_probabilities, 0.0, at), -1, false, at);
  Tensor weight; // of each row; empty: 1
  if (weighs) {
    weight = gather(options.class_weights, classes, at);
    picked = mul(weight, picked, at);
  }
  double e = options.label_smoothing;
  if (e != 0) {
    Tensor each = weighs ? mul(log_probabilities, options.class_weights, at) : log_probabilities;
    picked = add(mul(picked, 1 - e, at),
                 mul(sum(each, -1, false, at),
                     e / static_cast<double>(log_probabilities.extent(-1, at)), at),
                 at);
  }
  if (ignores) {
    picked = select(counts, picked, 0.0, at);
    weight = weighs ? select(counts, weight, 0.0, at) : cast(counts, type, at);
  }
  if (options.reduction == Reduction::mean && !weight.empty())
    return neg(div(sum(picked, {}, false, at), sum(weight, {}, false, at), at), at);
  return neg(reduce_loss(picked, options.reduction, at), at);
}

} // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& target, const CrossEntropyOptions& options,
                     Place at) {
  bool classes = check_classes("cross_entropy", logits, target, at);
  check_weights("cross_entropy", logits, options.class_weights, at);
  double e = options.label_smoothing;
  if (!(e >= 0 && e <= 1))
    fail_loss(fmt::format("cross_entropy: label_smoothing {} is not in [0, 1]", e), logits, target,
              "", at);
  Tensor log_probabilities = log_softmax(logits, -1, at);
  if (classes)
    return loss_of_classes(log_probabilities, target, options, at);
  if (options.ignore_index != no_index)
    fail_loss("cross_entropy: ignore_index with a target of probabilities", logits, target,
              "give class numbers, i32 or i64, or leave it out", at);
  Tensor share = target;
  if (e != 0)
    share = add(mul(target, 1 - e, at), e / static_cast<double>(logits.extent(-1, at)), at);
  Tensor each = mul(share, log_probabilities, at);
  if (!options.class_weights.empty())
    each = mul(each, options.class_weights, at);
  return neg(reduce_loss(sum(each, -1, false, at), options.reduction, at), at);
}

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target, const NllOptions& options,
                Place at) {
  if (!check_classes("nll_loss", log_probabilities, target, at))
    fail_loss("nll_loss: the target holds " + std::string(name(target.dtype())) +
                  ", not class numbers",
              log_probabilities, target, "use cross_entropy for probabilities", at);
  check_weights("nll_loss", log_probabilities, options.class_weights, at);
  return loss_of_classes(log_probabilities, target,
                         {.class_weights = options.class_weights,
                          .ignore_index = options.ignore_index,
                          .reduction = options.reduction},
                         at);
}

} // namespace gdjit
