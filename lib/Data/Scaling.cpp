// Fitting and applying scalings; sums run over the rows in order, so that equal data gives equal
// bits.
#include "gdjit/Data/Scaling.h"

#include "gdjit/Support/Error.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

namespace gdjit {

namespace {

const InputRows& scalable(const Dataset& rows, std::string_view name) {
  const InputRows& input = rows.input(name);
  if (!is_float(input.array.type.dtype) || input.batch_axis != 0)
    throw Error(ErrorCode::usage,
                fmt::format("input {} : {} cannot be scaled; it must hold floats in rows", name,
                            to_string(input.array.type)));
  return input;
}

/// f(column, value) over all elements, row by row.
template <class F> void each(const InputRows& input, size_t width, F f) {
  auto run = [&](const auto* p) {
    for (int64_t r = 0; r < input.array.type.shape[0]; ++r)
      for (size_t c = 0; c < width; ++c)
        f(c, static_cast<double>(*p++));
  };
  if (input.array.type.dtype == DType::f32)
    run(static_cast<const float*>(input.array.data));
  else
    run(static_cast<const double*>(input.array.data));
}

size_t width_of(const InputRows& input) {
  return static_cast<size_t>(input.array.type.elements() / input.array.type.shape[0]);
}

} // namespace

std::string_view name(ScalingKind kind) {
  return kind == ScalingKind::standardize ? "standardize" : "min_max";
}

Scaling fit(const Dataset& training, std::string_view name, ScalingKind kind) {
  const InputRows& input = scalable(training, name);
  size_t width = width_of(input);
  auto rows = static_cast<double>(input.array.type.shape[0]);
  Scaling result{std::string(name), kind, std::vector<double>(width), std::vector<double>(width)};
  constexpr double infinity = std::numeric_limits<double>::infinity();
  std::vector<double> least(width, infinity), greatest(width, -infinity), sum(width);
  each(input, width, [&](size_t c, double x) {
    if (!std::isfinite(x))
      throw Error(ErrorCode::data,
                  fmt::format("input {} cannot be scaled: column {} holds {}", name, c + 1, x));
    least[c] = std::min(least[c], x);
    greatest[c] = std::max(greatest[c], x);
    sum[c] += x;
  });
  if (kind == ScalingKind::min_max) {
    for (size_t c = 0; c < width; ++c) {
      result.offset[c] = least[c];
      result.scale[c] = greatest[c] - least[c];
    }
  } else {
    if (rows < 2)
      throw Error(ErrorCode::data,
                  fmt::format("input {} cannot be standardized by a single row", name));
    std::vector<double> squares(width);
    for (size_t c = 0; c < width; ++c)
      result.offset[c] = sum[c] / rows;
    each(input, width, [&](size_t c, double x) {
      double d = x - result.offset[c];
      squares[c] += d * d;
    });
    for (size_t c = 0; c < width; ++c)
      result.scale[c] = std::sqrt(squares[c] / (rows - 1));
  }
  for (size_t c = 0; c < width; ++c) {
    if (least[c] == greatest[c]) {
      result.offset[c] = least[c]; // the mean may be off by a rounding
      result.scale[c] = 1;
    } else if (!(result.scale[c] > 0) || !std::isfinite(result.scale[c])) {
      throw Error(ErrorCode::data, fmt::format("input {} cannot be scaled: column {} runs from {} "
                                               "to {}",
                                               name, c + 1, least[c], greatest[c]));
    }
  }
  return result;
}

Dataset apply(const Scaling& scaling, const Dataset& rows) {
  const InputRows& input = scalable(rows, scaling.input);
  size_t width = width_of(input);
  if (width != scaling.offset.size() || width != scaling.scale.size())
    throw Error(ErrorCode::data, fmt::format("input {} has {} numbers a row, its scaling is for {}",
                                             scaling.input, width, scaling.offset.size()));
  Array scaled(input.array.type);
  auto run = [&](auto* out) {
    using T = std::remove_reference_t<decltype(*out)>;
    each(input, width, [&](size_t c, double x) {
      *out++ = static_cast<T>((x - scaling.offset[c]) / scaling.scale[c]);
    });
  };
  if (scaled.type().dtype == DType::f32)
    run(scaled.data<float>());
  else
    run(scaled.data<double>());
  rows.require_unchanged();
  return rows.with(scaling.input, std::move(scaled));
}

Dataset apply(std::span<const Scaling> scalings, const Dataset& rows) {
  Dataset result = rows;
  for (const Scaling& scaling : scalings)
    result = apply(scaling, result);
  return result;
}

} // namespace gdjit
