// Initial values as recipes, and as expressions of the graph of initial values.
#include "gdjit/Frontend/Initial.h"

#include "Declaration.h"
#include "DrawRange.h"
#include "gdjit/Ops/Expr.h"

#include <fmt/format.h>

#include <cmath>

namespace gdjit {

namespace {

Initial make(Initial::Kind kind, Extents shape, Number a, Number b = 0.0) {
  Initial start;
  start.kind = kind;
  start.given = true;
  start.has_shape = true;
  start.shape = std::move(shape);
  start.a = a;
  start.b = b;
  return start;
}

Initial shapeless(Initial start) {
  start.has_shape = false;
  return start;
}

Initial scaled(Initial::Kind kind, Initial::Fans fans, Extents shape, double gain) {
  Initial start = make(kind, std::move(shape), gain);
  start.fans = fans;
  start.has_shape = !start.shape.values.empty(); // fans need a rank of 2, so none means not given
  return start;
}

/// A draw of u or z on the stream of the state's name: uniform in [0, 1) or standard normal.
Expr draw(Declaration& d, Opcode op, const Shape& shape, DType type, const std::string& stream,
          Place at) {
  GraphBuilder& b = d.initial_builder;
  uint32_t seed = d.builtin_scalar_row("seed", at), step = d.builtin_scalar_row("step", at);
  b.set_origin(d.origin(at));
  Value s = b.scalar(seed), k = b.scalar(step);
  return {&b, b.append(op, {s, k},
                       Attributes()
                           .dtype(Attr::dtype, type)
                           .shape(Attr::shape, shape)
                           .text(Attr::stream, stream))};
}

} // namespace

Initial zeros() { return shapeless(make(Initial::Kind::constant, {}, 0.0)); }
Initial zeros(Extents shape) { return make(Initial::Kind::constant, std::move(shape), 0.0); }
Initial ones() { return shapeless(make(Initial::Kind::constant, {}, 1.0)); }
Initial ones(Extents shape) { return make(Initial::Kind::constant, std::move(shape), 1.0); }
Initial constant(Extents shape, Number value) {
  return make(Initial::Kind::constant, std::move(shape), value);
}
Initial values(Literal elements) {
  Extents shape;
  shape.values = elements.extents();
  Initial start = make(Initial::Kind::literal, std::move(shape), 0.0);
  start.values = std::move(elements);
  return start;
}
Initial uniform(Extents shape, Number low, Number high) {
  return make(Initial::Kind::uniform, std::move(shape), low, high);
}
Initial normal(Extents shape, Number mean, Number stddev) {
  return make(Initial::Kind::normal, std::move(shape), mean, stddev);
}
Initial xavier_uniform(Extents shape, double gain) {
  return scaled(Initial::Kind::scaled_uniform, Initial::Fans::both, std::move(shape), gain);
}
Initial xavier_normal(Extents shape, double gain) {
  return scaled(Initial::Kind::scaled_normal, Initial::Fans::both, std::move(shape), gain);
}
Initial he_uniform(Extents shape, double gain) {
  return scaled(Initial::Kind::scaled_uniform, Initial::Fans::in, std::move(shape), gain);
}
Initial he_normal(Extents shape, double gain) {
  return scaled(Initial::Kind::scaled_normal, Initial::Fans::in, std::move(shape), gain);
}
Initial fan_in_uniform(Extent in, Extents shape) {
  double bound = 1.0 / std::sqrt(static_cast<double>(in.value > 0 ? in.value : 1));
  Initial start = make(Initial::Kind::uniform, std::move(shape), -bound, bound);
  start.has_shape = !start.shape.values.empty();
  return start;
}

Value append_initial(Declaration& d, const Initial& start, const Shape& shape, DType type,
                     const std::string& name, Place at) {
  GraphBuilder& b = d.initial_builder;
  auto need_float = [&] {
    if (!is_float(type))
      d.fail(
          fmt::format("parameter '{}': a random initial value of type {}", name, gdjit::name(type)),
          at, {{"draw in f32 or f64", {}}});
  };
  auto fans = [&] {
    if (shape.rank() != 2)
      d.fail(fmt::format("parameter '{}': fans of shape {}", name, to_string(shape)), at,
             {{"Xavier and He scale weights of shape [in,out]; use uniform or normal", {}}});
    return static_cast<double>(start.fans == Initial::Fans::both ? shape[0] + shape[1]
                                                                 : 2 * shape[0]);
  };
  auto affine = [](Expr drawn, double scale, double offset) {
    if (scale != 1)
      drawn = drawn * scale;
    return (offset != 0 ? drawn + offset : drawn).value;
  };
  double first = static_cast<double>(start.a.value), second = static_cast<double>(start.b.value);
  b.set_origin(d.origin(at));
  switch (start.kind) {
  case Initial::Kind::literal:
    return b.constant(to_array(start.values, type, shape, fmt::format("parameter '{}'", name), at));
  case Initial::Kind::constant: {
    Array array(TensorType{type, {}});
    if (!store(array, 0, start.a))
      d.fail(
          fmt::format("parameter '{}': {} is no {}", name, to_string(start.a), gdjit::name(type)),
          at);
    Value value = b.constant(std::move(array));
    return shape.rank() == 0
               ? value
               : b.append(Opcode::Broadcast, {value}, Attributes().shape(Attr::shape, shape));
  }
  case Initial::Kind::uniform:
    need_float();
    check_uniform(d, fmt::format("parameter '{}': uniform", name), start.a, start.b, at);
    return affine(draw(d, Opcode::Uniform, shape, type, name, at), second - first, first);
  case Initial::Kind::normal:
    need_float();
    check_normal(d, fmt::format("parameter '{}': normal", name), start.a, start.b, at);
    return affine(draw(d, Opcode::Normal, shape, type, name, at), second, first);
  case Initial::Kind::scaled_uniform: {
    need_float();
    double bound = first * std::sqrt(6.0 / fans());
    return affine(draw(d, Opcode::Uniform, shape, type, name, at), 2 * bound, -bound);
  }
  case Initial::Kind::scaled_normal:
    need_float();
    return affine(draw(d, Opcode::Normal, shape, type, name, at), first * std::sqrt(2.0 / fans()),
                  0);
  }
  throw InternalError("an initial value of unknown kind");
}

} // namespace gdjit
