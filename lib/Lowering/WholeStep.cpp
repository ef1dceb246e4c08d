// Decides whether a whole step is one kernel.
#include "Grouping.h"

#include <algorithm>

namespace gdjit::lowering {

namespace {

/// What a product becomes where its loops are unrolled into tiles: vectors of terms and what is
/// left over, as many statements as so many of its terms make one of, up to a bound that tiles
/// have.
constexpr double terms_a_statement = 8;
constexpr double most_tile_statements = 400;

} // namespace

/// Rows of several layers, one of them wide: kernels of their own have lanes along its columns,
/// where in one loop over rows all that they hand on lies apart.
bool Grouping::has_wide_layers() const {
  int contractions = 0;
  bool wide = false;
  for (NodeId n = 0; n < graph_.size(); ++n)
    if (kind(graph_.op(n)) == OpKind::Contraction) {
      const Shape& shape = graph_.type(n).shape;
      ++contractions;
      wide = wide || (shape.rank() > 0 && shape[shape.rank() - 1] >= wide_layer);
    }
  return wide && contractions > contractions_of_one_layer && step_.signature.batch > few_rows;
}

bool Grouping::whole_step_fits() {
  int64_t chain_bytes = 0;
  wide_layers_ = has_wide_layers();
  if (wide_layers_)
    return false;
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
          static_cast<int64_t>(std::min(elements / terms_a_statement, most_tile_statements));
    work_ += elements * (cost_[n] - access_cost + 1);
    if (statements_ > kernel_operations || work_ > static_cast<double>(whole_step_work) ||
        chain_bytes > kernel_chain_bytes)
      return false;
  }
  return true;
}

} // namespace gdjit::lowering
