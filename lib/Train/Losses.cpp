// Losses, by the formulas in their header.
#include "gdjit/Train/Losses.h"

namespace gdjit {

namespace {

[[noreturn]] void fail(std::string message, const Tensor& prediction, const Tensor& target,
                       std::string remedy, Place at) {
  auto note = [](const std::string& role, const Tensor& t) {
    const Graph& graph = t.graph();
    const std::string& name = graph.name(t.value().node);
    return Note{role + (name.empty() ? "" : " " + name) + " : " + to_string(t.type()),
                graph.location(t.value().node)};
  };
  std::vector<Note> notes = {note("prediction", prediction), note("target    ", target)};
  if (!remedy.empty())
    notes.push_back({std::move(remedy), {}});
  throw Error(ErrorCode::graph, std::move(message), {at.file_name(), at.line(), at.column()},
              std::move(notes));
}

/// Losses never broadcast: [batch,1] against [batch] is the commonest silent mistake of all.
void check_equal_types(const std::string& loss, const Tensor& prediction, const Tensor& target,
                       Place at) {
  require_common_model(loss, {&prediction, &target}, at);
  if (prediction.shape() != target.shape())
    fail(loss + ": shapes differ, " + to_string(prediction.shape()) + " and " +
             to_string(target.shape()),
         prediction, target,
         prediction.type().elements() == target.type().elements()
             ? "losses never broadcast: write reshape(target, prediction.shape())"
             : "losses never broadcast: prediction and target need one value each",
         at);
  if (prediction.dtype() != target.dtype())
    fail(loss + ": element types differ, " + std::string(name(prediction.dtype())) + " and " +
             std::string(name(target.dtype())),
         prediction, target, "convert one of them with cast(x, DType::…)", at);
  if (!is_float(prediction.dtype()))
    fail(loss + ": takes f32 or f64, not " + std::string(name(prediction.dtype())), prediction,
         target, "an integer loss has no gradient: convert both with cast(x, DType::f32)", at);
}

/// mean(-log_probabilities[class]) after the checks: the term of each class but the row's own is
/// multiplied by 0.
Tensor mean_of_classes(const Tensor& log_probabilities, const Tensor& target, Place at) {
  Tensor own = one_hot(target, log_probabilities.extent(-1, at), log_probabilities.dtype(), at);
  Tensor zero = zeros_like(log_probabilities, at);
  Tensor picked = sum(select(eq(own, 1.0, at), log_probabilities, zero, at), -1, false, at);
  return neg(mean(picked, {}, false, at), at);
}

/// True where the target holds class numbers.
bool check_classes(const std::string& loss, const Tensor& prediction, const Tensor& target,
                   Place at) {
  require_common_model(loss, {&prediction, &target}, at);
  if (!is_float(prediction.dtype()) || prediction.rank() == 0)
    fail(loss + ": takes scores of shape [.., classes], not " + to_string(prediction.type()),
         prediction, target, "", at);
  if (!is_integer(target.dtype())) {
    check_equal_types(loss, prediction, target, at);
    return false;
  }
  Shape wanted;
  for (int i = 0; i + 1 < prediction.rank(); ++i)
    wanted.push_back(prediction.shape()[i]);
  if (target.shape() != wanted)
    fail(loss + ": class numbers of shape " + to_string(target.shape()) + " for scores of shape " +
             to_string(prediction.shape()),
         prediction, target,
         target.type().elements() == wanted.elements()
             ? "write reshape(target, " + to_string(wanted) + ")"
             : "class numbers have the scores' shape without the last axis, " + to_string(wanted),
         at);
  return true;
}

} // namespace

Tensor mse_loss(const Tensor& prediction, const Tensor& target, Place at) {
  check_equal_types("mse_loss", prediction, target, at);
  return mean(square(sub(prediction, target, at), at), {}, false, at);
}

Tensor binary_cross_entropy(const Tensor& p, const Tensor& y, Place at) {
  check_equal_types("binary_cross_entropy", p, y, at);
  Tensor when_true = mul(y, maximum(log(p, at), -100.0, at), at);
  Tensor when_false = mul(sub(1.0, y, at), maximum(log(sub(1.0, p, at), at), -100.0, at), at);
  return neg(mean(add(when_true, when_false, at), {}, false, at), at);
}

Tensor binary_cross_entropy_with_logits(const Tensor& z, const Tensor& y, Place at) {
  check_equal_types("binary_cross_entropy_with_logits", z, y, at);
  // max(z, 0) + log1p(exp(-|z|)) is softplus(z), whose derivative is right at z = 0 too, where
  // those of max and |z| are a matter of choice.
  return mean(sub(softplus(z, at), mul(z, y, at), at), {}, false, at);
}

Tensor cross_entropy(const Tensor& logits, const Tensor& target, Place at) {
  bool classes = check_classes("cross_entropy", logits, target, at);
  Tensor log_probabilities = log_softmax(logits, -1, at);
  if (classes)
    return mean_of_classes(log_probabilities, target, at);
  return neg(mean(sum(mul(target, log_probabilities, at), -1, false, at), {}, false, at), at);
}

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target, Place at) {
  if (!check_classes("nll_loss", log_probabilities, target, at))
    fail("nll_loss: the target holds " + std::string(name(target.dtype())) + ", not class numbers",
         log_probabilities, target, "use cross_entropy for probabilities", at);
  return mean_of_classes(log_probabilities, target, at);
}

} // namespace gdjit
