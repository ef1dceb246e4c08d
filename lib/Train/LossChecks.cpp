// Errors of losses, and their reduction.
#include "LossChecks.h"

#include <fmt/format.h>

#include <cmath>

namespace gdjit {

void fail_loss(std::string message, const Tensor& prediction, const Tensor& target,
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
  throw Error(ErrorCode::graph, std::move(message), location_of(at), std::move(notes));
}

/// [batch,1] against [batch] is the commonest silent mistake of all.
void check_equal_types(const std::string& loss, const Tensor& prediction, const Tensor& target,
                       Place at) {
  require_common_model(loss, {&prediction, &target}, at);
  if (prediction.shape() != target.shape())
    fail_loss(loss + ": shapes differ, " + to_string(prediction.shape()) + " and " +
                  to_string(target.shape()),
              prediction, target,
              prediction.type().elements() == target.type().elements()
                  ? "losses never broadcast: write reshape(target, prediction.shape())"
                  : "losses never broadcast: prediction and target need one value each",
              at);
  if (prediction.dtype() != target.dtype())
    fail_loss(loss + ": element types differ, " + std::string(name(prediction.dtype())) + " and " +
                  std::string(name(target.dtype())),
              prediction, target, "convert one of them with cast(x, DType::…)", at);
  if (!is_float(prediction.dtype()))
    fail_loss(loss + ": takes f32 or f64, not " + std::string(name(prediction.dtype())), prediction,
              target, "an integer loss has no gradient: convert both with cast(x, DType::f32)", at);
}

void check_positive(const std::string& loss, const char* option, double value, Place at) {
  if (!(value > 0) || std::isinf(value))
    throw Error(ErrorCode::graph,
                fmt::format("{}: {} {} is not above 0 or not finite", loss, option, value),
                location_of(at));
}

/// Of few elements a row each row's first: a loop that has the rows as lanes then adds up the loss
/// beside all else.
static Tensor total(const Tensor& elements, Place at) {
  constexpr int64_t many = 16; // fill vectors by themselves
  const bool by_rows =
      elements.rank() == 2 && elements.extent(1, at) > 1 && elements.extent(1, at) < many;
  return sum(by_rows ? sum(elements, 1, false, at) : elements, {}, false, at);
}

Tensor reduce_loss(const Tensor& elements, Reduction reduction, Place at) {
  switch (reduction) {
  case Reduction::mean:
    return div(total(elements, at), static_cast<double>(elements.type().elements()), at);
  case Reduction::sum:
    return total(elements, at);
  case Reduction::none:
    return elements;
  case Reduction::batch_mean:
    return div(total(elements, at), static_cast<double>(elements.extent(0, at)), at);
  }
  throw InternalError("a reduction of unknown kind");
}

} // namespace gdjit
