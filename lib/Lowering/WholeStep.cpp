// Decides whether a whole step is one kernel.
#include "Grouping.h"

#include <algorithm>
#include <fmt/format.h>

namespace gdjit::lowering {

namespace {

/// What a product becomes where its loops are unrolled into tiles: vectors of terms and what is
/// left over, as many statements as so many of its terms make one of, up to a bound that tiles
/// have.
constexpr double terms_a_statement = 8;
constexpr double most_tile_statements = 400;
constexpr int contractions_of_one_layer = 3; ///< forward, and both gradients
constexpr int64_t wide_layer = 16;           ///< columns, a vector
constexpr int64_t half_wide_layer = 8;
constexpr int64_t few_rows = 16; ///< of which one kernel takes no longer than several
/// Elements a row, weights of a layer, and sums over the rows that one loop over them takes.
constexpr int64_t most_a_row = 64;
/// Partial sums that fill a vector are lanes of that loop; fewer have lanes along the results.
constexpr int64_t vector_bytes = 64;

bool fills_vectors(const ReductionOrder& order) {
  return order.block == 0 && order.partials * byte_size(order.accumulator) >= vector_bytes;
}

} // namespace

/// Rows of several layers, one of them wide: kernels of their own have lanes along its columns,
/// where in one loop over rows all that they hand on lies apart. That loop has the rows as lanes
/// where nothing has many elements a row, layers are of few weights, and the sums of their
/// gradients are partial sums: then it takes any number of rows.
void Grouping::look_at_layers() {
  const int64_t batch = step_.signature.batch;
  int contractions = 0;
  int64_t columns = 0, weights = 0; // the most of a layer
  int64_t apart = 0;                // the most sums of a gradient that has lanes along them
  bool fits_rows = true;
  for (NodeId n = 0; n < graph_.size(); ++n) {
    const Shape& shape = graph_.type(n).shape;
    const OpKind k = kind(graph_.op(n));
    const int64_t elements =
        k == OpKind::Reduction ? graph_.type(graph_.operand(n, 0)).elements() : shape.elements();
    fits_rows &= cost_[n] == 0 || elements <= most_a_row * batch;
    if (k != OpKind::Contraction)
      continue;
    ++contractions;
    columns = std::max(columns, shape[shape.rank() - 1]);
    const int64_t terms = accesses(graph_, n).reduced.elements();
    if (terms != batch || !graph_.attributes(n).boolean(Attr::transpose_lhs))
      weights = std::max(weights, terms * shape[shape.rank() - 1]);
    else if (!fills_vectors(graph_.attributes(n).order(Attr::order)))
      apart = std::max(apart, shape.elements());
  }
  if (batch <= few_rows)
    return;
  rows_are_lanes_ =
      contractions > 0 && fits_rows && columns < wide_layer && weights <= most_a_row && apart == 0;
  if (contractions <= contractions_of_one_layer)
    return;
  if (columns >= wide_layer)
    several_ = fmt::format(", since there are more than {} rows and a layer of {} or more columns",
                           few_rows, wide_layer);
  else if (apart >= most_a_row || (apart > 0 && columns >= half_wide_layer))
    several_ = fmt::format(", since there are more than {} rows and the {} sums of a gradient over "
                           "them have lanes of their own",
                           few_rows, apart);
}

bool Grouping::whole_step_fits() {
  int64_t chain_bytes = 0;
  look_at_layers();
  if (!several_.empty())
    return false;
  const double rows = rows_are_lanes_ ? static_cast<double>(step_.signature.batch) : 1;
  for (NodeId n = 0; n < graph_.size(); ++n) {
    if (cost_[n] == 0)
      continue;
    statements_ += cost_[n];
    chain_bytes += chain_bytes_[n];
    double elements = static_cast<double>(graph_.type(n).elements());
    OpKind k = kind(graph_.op(n));
    if (k == OpKind::Contraction || k == OpKind::Reduction)
      elements *= static_cast<double>(accesses(graph_, n).reduced.elements());
    if (k == OpKind::Contraction)
      statements_ +=
          static_cast<int64_t>(std::min(elements / rows / terms_a_statement, most_tile_statements));
    work_ += elements * (cost_[n] - access_cost + 1);
    if (statements_ > kernel_operations || chain_bytes > kernel_chain_bytes ||
        (work_ > static_cast<double>(whole_step_work) && !rows_are_lanes_))
      return false;
  }
  return true;
}

} // namespace gdjit::lowering
