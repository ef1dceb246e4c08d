// gradient and what is made of it.
#include "gdjit/Frontend/Functions.h"

#include "Declaration.h"

#include <fmt/format.h>

namespace gdjit {

namespace {

Declaration& check_loss(std::string_view what, const Tensor& loss, Place at) {
  Declaration& d = common_declaration(what, {&loss}, at);
  if (!is_float(loss.dtype()))
    d.fail(
        fmt::format("{}: the loss is {}, not a float", what, name(loss.dtype())), at,
        {d.note("loss", loss.value()), {"convert with cast(x, DType::f32) before the mean", {}}});
  if (loss.rank() != 0)
    d.fail(fmt::format("{}: the loss has shape {}, not []", what, to_string(loss.shape())), at,
           {d.note("loss", loss.value()), {"reduce it with mean or sum", {}}});
  return d;
}

void check_same_type(std::string_view what, const Tensor& v, std::string_view of,
                     const Tensor& like, Place at) {
  Declaration& d = common_declaration(what, {&like, &v}, at);
  if (!(v.type() == like.type()))
    d.fail(fmt::format("{}: v has type {}, {} has {}", what, to_string(v.type()), of,
                       to_string(like.type())),
           at,
           {d.note("v", v.value()),
            d.note(std::string(of), like.value()),
            {fmt::format("give a vector of the type of {}", of), {}}});
}

} // namespace

Tensor gradient(const Tensor& loss, const Tensor& value, Place at) {
  return gradient(loss, std::vector<Tensor>{value}, at).front();
}

std::vector<Tensor> gradient(const Tensor& loss, const std::vector<Tensor>& values, Place at) {
  Declaration& d = check_loss("gradient", loss, at);
  std::vector<Value> on;
  for (const Tensor& value : values) {
    common_declaration("gradient", {&loss, &value}, at);
    if (!is_float(value.dtype()))
      d.fail(fmt::format("gradient: with respect to {}, which is no float", name(value.dtype())),
             at, {d.note("loss", loss.value()), d.note("value", value.value())});
    on.push_back(value.value());
  }
  std::vector<bool> depends = d.depends(loss.value(), on, Declaration::Through::anything);
  std::vector<Tensor> gradients;
  for (size_t i = 0; i < on.size(); ++i) {
    if (!depends[i])
      d.fail(fmt::format("gradient: the loss does not depend on {}", d.describe(on[i])), at,
             {d.note("loss", loss.value()),
              d.note("value", on[i]),
              {"leave it out, or use it in the loss", {}}});
    gradients.push_back(d.tensor(d.append(Opcode::Gradient, {loss.value(), on[i]}, {}, at)));
  }
  return gradients;
}

Tensor jacobian_vector(const Tensor& f, const Tensor& x, const Tensor& v, Place at) {
  check_same_type("jacobian_vector", v, "x", x, at);
  const Declaration& d = common_declaration("jacobian_vector", {&f, &x}, at);
  if (!d.depends(f.value(), {x.value()}, Declaration::Through::anything).front())
    d.fail(fmt::format("jacobian_vector: f does not depend on {}", d.describe(x.value())), at,
           {d.note("f", f.value()), d.note("x", x.value()), {"its product with v is zeros", {}}});
  // J^T u is linear in u, so its product with v has the gradient J v with respect to u. u must be a
  // node of its own, not a constant that f may hold too, and never 0, where guarded derivatives
  // stop: ones that are chosen by f.
  Tensor u = stop_gradient(select(is_nan(f, at), ones_like(f, at), ones_like(f, at), at), at);
  Tensor backward = gradient(sum(mul(f, u, at), {}, false, at), x, at);
  return gradient(sum(mul(backward, v, at), {}, false, at), u, at);
}

Tensor hessian_vector(const Tensor& loss, const Tensor& x, const Tensor& v, Place at) {
  check_same_type("hessian_vector", v, "x", x, at);
  Tensor first = gradient(loss, x, at);
  // Where v moves with x, the gradient of first·v would hold the derivative of v, too.
  const Declaration& d = common_declaration("hessian_vector", {&x, &v}, at);
  if (d.depends(v.value(), {x.value()}, Declaration::Through::gradients).front())
    return jacobian_vector(first, x, v, at);
  return gradient(sum(mul(first, v, at), {}, false, at), x, at);
}

} // namespace gdjit
