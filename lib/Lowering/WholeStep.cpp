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
/// Sums over the batch, or weights, of a layer that is no part of a loop over the batch.
constexpr int64_t many_chains = 64;

} // namespace

/// Rows of several layers, one of them wide: kernels of their own have lanes along its columns,
/// where in one loop over rows all that they hand on lies apart. That loop has the rows as lanes
/// where layers are narrow, of few weights, and sums over rows are partial sums: then it takes any
/// number of rows.
void Grouping::look_at_layers() {
  const int64_t batch = step_.signature.batch;
  int contractions = 0;
  int64_t columns = 0, weights = 0; // the most of a layer
  int64_t chains = 0;               // the most of a gradient whose sums are a chain each
  for (NodeId n = 0; n < graph_.size(); ++n) {
    if (kind(graph_.op(n)) != OpKind::Contraction)
      continue;
    const Shape& shape = graph_.type(n).shape;
    ++contractions;
    columns = std::max(columns, shape[shape.rank() - 1]);
    const ReductionOrder order = graph_.attributes(n).order(Attr::order);
    const int64_t terms = accesses(graph_, n).reduced.elements();
    if (terms != batch || !graph_.attributes(n).boolean(Attr::transpose_lhs))
      weights = std::max(weights, terms * shape[shape.rank() - 1]);
    else if (order.partials < wide_layer || order.block > 0)
      chains = std::max(chains, shape.elements());
  }
  if (batch <= few_rows)
    return;
  rows_are_lanes_ =
      contractions > 0 && columns < wide_layer && weights <= many_chains && chains == 0;
  if (contractions <= contractions_of_one_layer)
    return;
  if (columns >= wide_layer)
    several_ = fmt::format(", since there are more than {} rows and a layer of {} or more columns",
                           few_rows, wide_layer);
  else if (chains >= many_chains || (chains > 0 && columns >= wide_layer / 2))
    several_ = fmt::format(", since there are more than {} rows and {} sums over them that are a "
                           "chain each",
                           few_rows, chains);
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
