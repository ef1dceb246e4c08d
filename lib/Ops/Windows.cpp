// Movement of parts: slice, pad, concat.
#include "Movement.h"
#include "Reference.h"
#include "Rules.h"

#include <fmt/format.h>

#include <algorithm>

namespace gdjit {

using reference::ravel;
using reference::unravel;

namespace {

constexpr Attr slice_attributes[] = {Attr::start, Attr::limit, Attr::step};
constexpr Attr pad_attributes[] = {Attr::low, Attr::high, Attr::fill};
constexpr Attr concat_attributes[] = {Attr::axis};

using Integers = std::vector<int64_t>;

Expr slice(Expr x, Integers start, Integers limit) {
  Integers step(start.size(), 1);
  return apply(Opcode::Slice, x,
               Attributes()
                   .integers(Attr::start, std::move(start))
                   .integers(Attr::limit, std::move(limit))
                   .integers(Attr::step, std::move(step)));
}
Expr pad(Expr x, Integers low, Integers high, double fill = 0) {
  return apply(Opcode::Pad, x,
               Attributes()
                   .integers(Attr::low, std::move(low))
                   .integers(Attr::high, std::move(high))
                   .real(Attr::fill, fill));
}

TensorType infer_slice(const TypeRequest& request) {
  const TensorType& from = request.operands[0];
  const int rank = from.shape.rank();
  const Integers& start = rules::per_axis(request, Attr::start, rank);
  const Integers& limit = rules::per_axis(request, Attr::limit, rank);
  if (!request.attributes.has(Attr::step)) {
    Integers ones(rank, 1);
    request.attributes.integers(Attr::step, ones);
    return infer_slice(request); // the references above have moved
  }
  const Integers& step = rules::per_axis(request, Attr::step, rank);
  TensorType result{from.dtype, {}};
  for (int i = 0; i < rank; ++i) {
    if (start[i] < 0 || limit[i] > from.shape[i] || start[i] > limit[i])
      rules::fail(
          fmt::format("{}:{} on axis {} of extent {}", start[i], limit[i], i, from.shape[i]),
          "start and limit must ascend within 0 and the extent");
    if (step[i] < 1)
      rules::fail(fmt::format("step {} on axis {}", step[i], i),
                  "steps are at least 1; use reverse");
    result.shape.push_back((limit[i] - start[i]) / step[i] +
                           ((limit[i] - start[i]) % step[i] != 0));
  }
  return result;
}

TensorType infer_pad(const TypeRequest& request) {
  const TensorType& from = request.operands[0];
  const int rank = from.shape.rank();
  if (!request.attributes.has(Attr::fill))
    request.attributes.real(Attr::fill, 0);
  const Integers& low = rules::per_axis(request, Attr::low, rank);
  const Integers& high = rules::per_axis(request, Attr::high, rank);
  TensorType result{from.dtype, {}};
  for (int i = 0; i < rank; ++i) {
    if (low[i] < 0 || high[i] < 0 || low[i] > max_elements || high[i] > max_elements)
      rules::fail(fmt::format("pads {} and {} on axis {}", low[i], high[i], i),
                  "give 0 to 2^40 elements; slice to remove some");
    result.shape.push_back(low[i] + from.shape[i] + high[i]);
  }
  return result;
}

TensorType infer_concat(const TypeRequest& request) {
  TensorType result = request.operands[0];
  int axis = rules::normalize_axis(request, result.shape.rank());
  int64_t extent = 0;
  for (const TensorType& operand : request.operands) {
    if (operand.dtype != result.dtype)
      rules::fail(
          fmt::format("element types differ, {} and {}", name(result.dtype), name(operand.dtype)),
          "convert one operand with cast");
    Shape others = operand.shape;
    if (others.rank() == result.shape.rank())
      others[axis] = result.shape[axis];
    if (others != result.shape)
      rules::fail(fmt::format("shapes {} and {} differ outside axis {}",
                              to_string(request.operands[0].shape), to_string(operand.shape), axis),
                  "make all other extents equal");
    extent += operand.shape[axis];
    if (extent > max_elements)
      rules::fail(fmt::format("axis {} grows beyond 2^40", axis));
  }
  result.shape[axis] = extent;
  return result;
}

/// Puts step - 1 zeros behind each element along one axis.
Expr spread(Expr x, int axis, int64_t step) {
  Shape shape = x.shape();
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < shape.rank(); ++i)
    (i < axis ? outer : inner) *= i == axis ? 1 : shape[i];
  Expr wide =
      pad(reshape(x, Shape{outer, shape[axis], 1, inner}), {0, 0, 0, 0}, {0, 0, step - 1, 0});
  shape[axis] *= step;
  return reshape(wide, shape);
}

void slice_vjp(Vjp& v) {
  Shape shape = v.operand(0).shape();
  const Attributes& attributes = v.attributes();
  Integers low = attributes.integers(Attr::start), high, zeros(shape.rank(), 0), fits;
  Expr g = v.g();
  for (int i = 0; i < shape.rank(); ++i)
    if (int64_t step = attributes.integers(Attr::step)[i]; step > 1 && g.shape()[i] > 1)
      g = spread(g, i, step);
  for (int i = 0; i < shape.rank(); ++i) {
    fits.push_back(std::min(g.shape()[i], shape[i] - low[i])); // the last zeros may lie outside
    high.push_back(shape[i] - low[i] - fits[i]);
  }
  if (to_shape(fits) != g.shape())
    g = slice(g, zeros, fits);
  v.add(0, pad(g, low, high));
}

void pad_vjp(Vjp& v) {
  Shape shape = v.operand(0).shape();
  Integers low = v.attributes().integers(Attr::low), limit;
  for (int i = 0; i < shape.rank(); ++i)
    limit.push_back(low[i] + shape[i]);
  v.add(0, slice(v.g(), low, limit));
}

void concat_vjp(Vjp& v) {
  Shape shape = v.g().shape();
  int axis = static_cast<int>(v.attributes().integer(Attr::axis));
  Integers start(shape.rank(), 0), limit(shape.begin(), shape.end());
  limit[axis] = 0;
  for (int i = 0; i < v.operand_count(); ++i) {
    start[axis] = limit[axis];
    limit[axis] += v.operand(i).shape()[axis];
    if (v.wants(i))
      v.add(i, slice(v.g(), start, limit));
  }
}

bool zero(const Integers& values) {
  return std::all_of(values.begin(), values.end(), [](int64_t n) { return n == 0; });
}

constexpr SimplifyRule slice_rules[] = {
    {"slice of everything => x",
     [](Rewrite& r) {
       return r.operand(0).type() == r.type() && zero(r.attributes().integers(Attr::start))
                  ? r.operand(0).value
                  : Value{};
     }},
    {"slice(slice(x)) => slice(x)",
     [](Rewrite& r) {
       if (r.producer(0) != Opcode::Slice)
         return Value{};
       const Attributes& inner = r.builder().graph().attributes(r.operand(0).value.node);
       Integers start = inner.integers(Attr::start), step = inner.integers(Attr::step), limit;
       for (int i = 0; i < r.type().shape.rank(); ++i) {
         start[i] += r.attributes().integers(Attr::start)[i] * step[i];
         step[i] *= r.attributes().integers(Attr::step)[i];
         int64_t n = r.type().shape[i];
         limit.push_back(n == 0 ? start[i] : start[i] + (n - 1) * step[i] + 1);
         if (n <= 1)
           step[i] = 1;
         if (n == 0) // an empty slice may start behind the end
           start[i] = limit[i] = 0;
       }
       return apply(Opcode::Slice, r.producer_operand(0, 0),
                    Attributes()
                        .integers(Attr::start, start)
                        .integers(Attr::limit, limit)
                        .integers(Attr::step, step))
           .value;
     }},
    {"slice(broadcast(one element)) => broadcast(one element)", movement::of_one_element},
};
constexpr SimplifyRule pad_rules[] = {
    {"pad by nothing => x",
     [](Rewrite& r) { return r.operand(0).type() == r.type() ? r.operand(0).value : Value{}; }},
    {"pad(broadcast(fill)) => broadcast(fill)",
     [](Rewrite& r) {
       return r.is(0, r.attributes().real(Attr::fill)) ? movement::of_one_element(r) : Value{};
     }},
};
constexpr SimplifyRule concat_rules[] = {
    {"concat of one tensor => x",
     [](Rewrite& r) { return r.operand_count() == 1 ? r.operand(0).value : Value{}; }},
};

} // namespace

constinit const OpBlock blocks::Slice = {
    .summary = "every step-th element from start to before limit, per axis",
    .formula = "result[i..] = x[start + i * step ..]",
    .attributes = slice_attributes,
    .infer = infer_slice,
    .vjp = slice_vjp,
    .accesses =
        [](std::span<const TensorType>, const TensorType& result, const Attributes& attributes) {
          const int rank = result.shape.rank();
          IndexMap map;
          for (int i = 0; i < rank; ++i)
            map.axes.push_back(movement::axis(rank, i, attributes.integers(Attr::step)[i],
                                              attributes.integers(Attr::start)[i]));
          return Accesses{{}, {map}, 0};
        },
    .reference_tensor =
        [](std::span<const ReferenceTensor> operands, const TensorType&,
           const Attributes& attributes) {
          const Shape& from = operands[0].type.shape;
          std::vector<double> values;
          for (int64_t i = 0; i < from.elements(); ++i) {
            reference::Indices at = unravel(i, from);
            bool taken = true;
            for (int axis = 0; axis < from.rank(); ++axis) {
              int64_t distance = at[axis] - attributes.integers(Attr::start)[axis];
              taken = taken && distance >= 0 && at[axis] < attributes.integers(Attr::limit)[axis] &&
                      distance % attributes.integers(Attr::step)[axis] == 0;
            }
            if (taken)
              values.push_back(operands[0].values[i]);
          }
          return values;
        },
    .simplifications = slice_rules,
};

constinit const OpBlock blocks::Pad = {
    .summary = "adds elements before and behind, per axis",
    .formula = "x with low elements before and high behind each axis, equal to fill (0 by default)",
    .attributes = pad_attributes,
    .infer = infer_pad,
    .vjp = pad_vjp,
    .accesses =
        [](std::span<const TensorType>, const TensorType& result, const Attributes& attributes) {
          const int rank = result.shape.rank();
          const Integers &low = attributes.integers(Attr::low),
                         &high = attributes.integers(Attr::high);
          IndexMap map;
          for (int i = 0; i < rank; ++i)
            map.axes.push_back(movement::axis(rank, i, 1, -low[i], low[i] != 0 || high[i] != 0));
          return Accesses{{}, {map}, attributes.real(Attr::fill)};
        },
    .reference_tensor =
        [](std::span<const ReferenceTensor> operands, const TensorType& result,
           const Attributes& attributes) {
          std::vector<double> values(result.elements(), attributes.real(Attr::fill));
          const Shape& from = operands[0].type.shape;
          for (int64_t i = 0; i < from.elements(); ++i) {
            reference::Indices at = unravel(i, from);
            for (int axis = 0; axis < from.rank(); ++axis)
              at[axis] += attributes.integers(Attr::low)[axis];
            values[ravel(at, result.shape)] = operands[0].values[i];
          }
          return values;
        },
    .simplifications = pad_rules,
};

constinit const OpBlock blocks::Concat = {
    .summary = "tensors one behind the other along an axis",
    .formula = "result[.., i, ..] = the operand in whose range i lies",
    .attributes = concat_attributes,
    .infer = infer_concat,
    .vjp = concat_vjp,
    .accesses =
        [](std::span<const TensorType> operands, const TensorType& result,
           const Attributes& attributes) {
          const int rank = result.shape.rank(),
                    joined = static_cast<int>(attributes.integer(Attr::axis));
          Accesses all;
          int64_t before = 0;
          for (const TensorType& operand : operands) {
            IndexMap map;
            for (int i = 0; i < rank; ++i)
              map.axes.push_back(i == joined ? movement::axis(rank, i, 1, -before, true)
                                             : movement::axis(rank, i, 1));
            before += operand.shape[joined];
            all.operands.push_back(std::move(map));
          }
          return all;
        },
    .reference_tensor =
        [](std::span<const ReferenceTensor> operands, const TensorType& result,
           const Attributes& attributes) {
          std::vector<double> values(result.elements());
          int64_t before = 0;
          for (const ReferenceTensor& operand : operands) {
            for (int64_t i = 0; i < operand.type.elements(); ++i) {
              reference::Indices at = unravel(i, operand.type.shape);
              at[attributes.integer(Attr::axis)] += before;
              values[ravel(at, result.shape)] = operand.values[i];
            }
            before += operand.type.shape[static_cast<int>(attributes.integer(Attr::axis))];
          }
          return values;
        },
    .simplifications = concat_rules,
};

} // namespace gdjit
