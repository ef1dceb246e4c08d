// Functions that are expressions over ops: means, variances, norms, softmax.
#include "gdjit/Frontend/Functions.h"

#include "Declaration.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace gdjit {

namespace {

/// `x` of a float type; a bool counts as 0 and 1 of the model's type.
Tensor floating(std::string_view what, const Tensor& x, Place at) {
  Declaration& d = common_declaration(what, {&x}, at);
  if (x.dtype() == DType::boolean)
    return cast(x, d.dtype, at);
  if (!is_float(x.dtype()))
    d.fail(fmt::format("{}: takes f32 or f64, not {}", what, name(x.dtype())), at,
           {d.note("operand", x.value()), {"convert with cast(x, DType::f32)", {}}});
  return x;
}

/// How many elements each element of `reduced` comes from.
double terms(const Tensor& x, const Tensor& reduced) {
  int64_t results = reduced.type().elements();
  int64_t each = results == 0 ? 0 : x.type().elements() / results;
  return static_cast<double>(each);
}

/// The greatest elements, with their axes kept: what softmax subtracts. They have no gradient,
/// since it cancels.
Tensor greatest(const Tensor& x, const Axes& axes, Place at) {
  return stop_gradient(max(x, axes, true, at), at);
}

/// sqrt(x) with the derivative 0 at 0, as people take that of a norm.
Tensor root(const Tensor& x, Place at) {
  Tensor none = pointwise(Opcode::Equal, {{x, at}, {0.0, at}}, at);
  return where(none, {0.0, at}, {sqrt(x, at), at}, at);
}

/// A tensor whose reduced axes were kept, without them.
Tensor drop_axes(const Tensor& kept, const Axes& axes, bool keepdims, Place at) {
  if (keepdims)
    return kept;
  return axes.values.empty() ? reshape(kept, Shape{}, at) : squeeze(kept, axes, at);
}

} // namespace

Tensor mean(const Tensor& x, const Axes& axes, bool keepdims, Place at) {
  Tensor f = floating("mean", x, at);
  Tensor total = sum(f, axes, keepdims, at);
  return div(total, terms(f, total), at);
}

Tensor var(const Tensor& x, const Axes& axes, bool keepdims, double correction, Place at) {
  Tensor f = floating("var", x, at);
  Tensor centred = sub(f, mean(f, axes, true, at), at);
  Tensor total = sum(square(centred, at), axes, keepdims, at);
  return div(total, std::max(terms(f, total) - correction, 0.0), at);
}

Tensor stddev(const Tensor& x, const Axes& axes, bool keepdims, double correction, Place at) {
  return root(var(x, axes, keepdims, correction, at), at);
}

Tensor norm(const Tensor& x, const Axes& axes, bool keepdims, Place at) {
  return root(sum(square(floating("norm", x, at), at), axes, keepdims, at), at);
}

Tensor l1_norm(const Tensor& x, const Axes& axes, bool keepdims, Place at) {
  return sum(abs(x, at), axes, keepdims, at);
}

Tensor max_norm(const Tensor& x, const Axes& axes, bool keepdims, Place at) {
  return max(abs(x, at), axes, keepdims, at);
}

Tensor logsumexp(const Tensor& x, const Axes& axes, bool keepdims, Place at) {
  Tensor f = floating("logsumexp", x, at);
  Tensor m = greatest(f, axes, at);
  // Of infinities alone the answer is the infinity; x - m would be NaN.
  m = select(lt(abs(m, at), std::numeric_limits<double>::infinity(), at), m, 0, at);
  Tensor total = sum(exp(sub(f, m, at), at), axes, true, at);
  return drop_axes(add(log(total, at), m, at), axes, keepdims, at);
}

Tensor softmax(const Tensor& x, int axis, Place at) {
  Tensor f = floating("softmax", x, at);
  Tensor e = exp(sub(f, greatest(f, axis, at), at), at);
  return div(e, sum(e, axis, true, at), at);
}

Tensor log_softmax(const Tensor& x, int axis, Place at) {
  Tensor f = floating("log_softmax", x, at);
  Tensor shifted = sub(f, greatest(f, axis, at), at);
  return sub(shifted, log(sum(exp(shifted, at), axis, true, at), at), at);
}

} // namespace gdjit
