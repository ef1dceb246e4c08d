// Type rules that ops share, and the few checks from which the others are made.
//
// A rule throws TypeMismatch; GraphBuilder adds the op's name, the operands with types and lines,
// and the place.
#pragma once

#include "gdjit/Ops/Op.h"

namespace gdjit::rules {

/// A set of element types: one bit per DType.
using TypeSet = uint8_t;
constexpr TypeSet only(DType type) { return static_cast<TypeSet>(1u << static_cast<int>(type)); }
inline constexpr TypeSet floats = only(DType::f32) | only(DType::f64);
inline constexpr TypeSet integers = only(DType::i32) | only(DType::i64);
inline constexpr TypeSet numbers = floats | integers;
inline constexpr TypeSet booleans = only(DType::boolean);
inline constexpr TypeSet any_type = numbers | booleans;

[[noreturn]] void fail(std::string message, std::string remedy = "");

/// Operand i's element type is in `allowed`.
void require(const TypeRequest& request, int operand, TypeSet allowed);
/// Operands `first` and behind have one element type, in `allowed`, and one shape; gives their
/// type.
TensorType equal_types(const TypeRequest& request, TypeSet allowed, int first = 0);

// Whole rules of pointwise ops: operands of one type, the result of that type (compare, is_nan:
// bool).
TensorType float_pointwise(const TypeRequest& request);
TensorType number_pointwise(const TypeRequest& request);
TensorType bool_pointwise(const TypeRequest& request);
TensorType any_pointwise(const TypeRequest& request);
TensorType comparison(const TypeRequest& request);

/// Fails where an attribute that has no default is absent.
void need(const TypeRequest& request, Attr attr);
/// Attr::axis made non-negative; fails outside [-rank, rank).
int normalize_axis(const TypeRequest& request, int rank);
/// Attr::axes (absent: all) made ascending and non-negative, Attr::keepdims given; fails on
/// duplicates.
void normalize_axes(const TypeRequest& request, int rank);
/// Attr::keepdims given, false by default.
void complete_keepdims(const TypeRequest& request);
/// A list attribute of one integer per axis.
const std::vector<int64_t>& per_axis(const TypeRequest& request, Attr attr, int rank);
/// Attr::shape as a Shape, checked.
Shape shape_attribute(const TypeRequest& request);
/// Attr::order: the one chosen for a sum of `type`, or checked if given.
void complete_order(const TypeRequest& request, DType type, const ReductionOrder& chosen);
/// Shape of a reduction over `axes` (ascending).
Shape reduced_shape(const Shape& shape, std::span<const int64_t> axes, bool keepdims);

} // namespace gdjit::rules
