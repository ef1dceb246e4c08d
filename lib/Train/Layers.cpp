// Embedding, Dropout, BatchNorm, LayerNorm.
#include "gdjit/Train/Layers.h"

#include <fmt/format.h>

#include <cmath>

namespace gdjit {

namespace {

[[noreturn]] void fail(std::string message, Place at, std::vector<Note> notes = {}) {
  throw Error(ErrorCode::graph, std::move(message), location_of(at), std::move(notes));
}

/// x as a layer with `width` features takes it: a float of [.., width].
void check_operand(const char* layer, const Tensor& x, int64_t width, int least_rank, Place at) {
  require_common_model(layer, {&x}, at);
  if (!is_float(x.dtype()) || x.rank() < least_rank || x.extent(-1, at) != width)
    fail(fmt::format("{}: takes [{}.., {}] of f32 or f64, not {}", layer,
                     least_rank > 1 ? "batch, " : "", width, to_string(x.type())),
         at);
}

Extents features(Extent width) { return {width}; }

} // namespace

Embedding::Embedding(Model& m, const std::string& name, Extent rows, Extent width,
                     const EmbeddingOptions& options, Place at)
    : w_(m.parameter(
          name + "/w",
          [&] {
            Initial start = options.w.given ? options.w : normal({rows, width});
            if (!start.has_shape) {
              start.shape = {rows, width};
              start.has_shape = true;
            }
            if (start.shape.values != Extents{rows, width}.values)
              fail(fmt::format("Embedding '{}': the initial value does not have shape [{},{}]",
                               name, rows.value, width.value),
                   at, {{"leave the shape out: zeros()", {}}});
            return start;
          }(),
          at)) {}

Tensor Embedding::operator()(const Tensor& numbers, Place at) const {
  return gather(w_, numbers, at);
}

Dropout::Dropout(Model& m, const std::string& name, double p, Place at)
    : model_(m), name_(name), p_(p) {
  if (!(p >= 0 && p < 1))
    fail(fmt::format("Dropout '{}': the probability {} is not in [0, 1)", name, p), at);
  keep_ = m.named(name + "/keep", m.constant(1 - p, at), at);
}

Tensor Dropout::operator()(const Tensor& x, Place at) const {
  require_common_model("Dropout", {&x, &keep_}, at);
  if (!is_float(x.dtype()))
    fail(fmt::format("Dropout '{}': takes f32 or f64, not {}", name_, gdjit::name(x.dtype())), at);
  Model m = model_;
  Tensor drawn = m.uniform(name_, x.shape(), 0.0, 1.0, at);
  Tensor dropped = select(lt(drawn, keep_, at), mul(x, 1 / (1 - p_), at), 0.0, at);
  return select(m.is_training(at), dropped, x, at);
}

BatchNorm::BatchNorm(Model& m, const std::string& name, Extent width,
                     const BatchNormOptions& options, Place at)
    : model_(m), name_(name), options_(options),
      w_(m.parameter(name + "/w", ones(features(width)), at)),
      b_(m.parameter(name + "/b", zeros(features(width)), at)),
      mean_(m.variable(name + "/mean", zeros(features(width)), at)),
      var_(m.variable(name + "/var", ones(features(width)), at)) {
  if (!(options.momentum >= 0 && options.momentum <= 1))
    fail(fmt::format("BatchNorm '{}': momentum {} is not in [0, 1]", name, options.momentum), at);
  if (!(options.eps > 0) || std::isinf(options.eps))
    fail(fmt::format("BatchNorm '{}': eps {} is not above 0 or not finite", name, options.eps), at);
}

Tensor BatchNorm::operator()(const Tensor& x, Place at) const { return (*this)(x, {}, at); }

Tensor BatchNorm::operator()(const Tensor& x, const BatchNormCall& call, Place at) const {
  check_operand("BatchNorm", x, w_.shape()[0], 2, at);
  Axes rows;
  for (int i = 0; i + 1 < x.rank(); ++i)
    rows.values.push_back(i);
  Model m = model_;
  Tensor training = m.is_training(at);
  Tensor batch_mean = mean(x, rows, false, at);
  Tensor batch_var = mean(square(sub(x, batch_mean, at), at), rows, false, at);
  double n = static_cast<double>(x.type().elements()) / static_cast<double>(w_.shape()[0]);
  if (call.update_running && n > 1) {
    auto moved = [&](const Variable& running, const Tensor& batch) {
      return add(mul(running, 1 - options_.momentum, at), mul(batch, options_.momentum, at), at);
    };
    m.update(mean_, moved(mean_, batch_mean), at);
    m.update(var_, moved(var_, mul(batch_var, n / (n - 1), at)), at);
  }
  Tensor centre = select(training, batch_mean, mean_, at);
  Tensor spread = select(training, batch_var, var_, at);
  Tensor scale = mul(rsqrt(add(spread, options_.eps, at), at), w_, at);
  return add(mul(sub(x, centre, at), scale, at), b_, at);
}

LayerNorm::LayerNorm(Model& m, const std::string& name, Extent width,
                     const LayerNormOptions& options, Place at)
    : w_(m.parameter(name + "/w", ones(features(width)), at)),
      b_(m.parameter(name + "/b", zeros(features(width)), at)), eps_(options.eps) {
  if (!(eps_ > 0) || std::isinf(eps_))
    fail(fmt::format("LayerNorm '{}': eps {} is not above 0 or not finite", name, eps_), at);
}

Tensor LayerNorm::operator()(const Tensor& x, Place at) const {
  check_operand("LayerNorm", x, w_.shape()[0], 1, at);
  Tensor centred = sub(x, mean(x, -1, true, at), at);
  Tensor spread = mean(square(centred, at), -1, true, at);
  Tensor normal = mul(centred, rsqrt(add(spread, eps_, at), at), at);
  return add(mul(normal, w_, at), b_, at);
}

} // namespace gdjit
