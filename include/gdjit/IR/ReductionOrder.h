// ReductionOrder: in which order a reduction or contraction adds; part of the graph, so part of its
// bits.
#pragma once

#include "gdjit/IR/DType.h"
#include "gdjit/IR/Shape.h"

#include <span>
#include <string>
#include <string_view>

namespace gdjit {

/// Terms are numbered row-major over the reduced axes, K of them.
///  sequential (partials 1, block 0): one chain, from its first term.
///  partials P (a power of two): term k goes to chain k mod P; the chains are joined by a halving
///  tree,
///    for h = P/2, P/4 .. 1: s[l] = s[l] + s[l + h].
///  block B (a multiple of P): terms are cut into blocks of B, each reduced as above, the results
///  of the
///    blocks added sequentially.
/// A chain starts from the neutral element (-0.0 for sums, so that its first term arrives
/// unchanged; for products 1).
struct ReductionOrder {
  DType accumulator = DType::f32;
  int32_t partials = 1;
  int64_t block = 0;

  constexpr bool operator==(const ReductionOrder&) const = default;
};

/// "f32:sequential", "f32:partials(16)", "f32:blocks(65536,16)".
std::string to_string(const ReductionOrder& order);

/// An order, and why it is that one, for people.
struct ChosenOrder {
  ReductionOrder order;
  std::string_view chains = {}; ///< "since sums side by side fill vectors"
  std::string_view blocks = {}; ///< empty where there are none
};

/// Chooses the order of a reduction. `terms` is the product of the reduced extents, `behind` the
/// product of the free extents that lie behind the last reduced axis (n of a matmul): never the
/// leading ones. `one_axis`: the terms lie along one axis, and no free axis before it; along others
/// they are rows. Beyond 2^16 terms blocks, of partial chains beyond 2^20.
ChosenOrder choose_order(DType type, int64_t terms, int64_t behind, bool one_axis);

/// That of a sum over `axes` of an array, which are ascending.
ChosenOrder choose_order(DType type, const Shape& shape, std::span<const int64_t> axes);

/// That of a product. Chains over many more terms than columns are cut in the middle, so that two
/// threads can share the terms, and with them the rows of the right operand.
ChosenOrder choose_product_order(DType type, int64_t terms, int64_t columns);

/// That of a gradient, of rows x columns results: its left operand is transposed, its terms are a
/// batch. Few results are as single sums, all of which one loop over the batch adds up; of several
/// columns also those of two vectors of rows, over many terms. Many sums of few rows are a chain
/// each. Else rows lie side by side and are lanes, so that few chains are enough and none is
/// turned.
ChosenOrder choose_gradient_order(DType type, int64_t terms, int64_t columns, int64_t rows);

} // namespace gdjit
