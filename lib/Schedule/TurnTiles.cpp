// Tiles that are used element by element, and how their axes are put in another order.
#include "TurnTiles.h"

#include "VectorCost.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace gdjit::scheduling {

namespace {

/// Below, scalars in registers are as fast: softmax_classification's weights of 4x3.
constexpr int64_t least_longest = 8;

/// The longest axis of each tile that gains by its being last.
std::map<TileId, size_t> tiles_to_turn(const Kernel& kernel) {
  std::map<TileId, size_t> axes;
  for_each(kernel.body, [&](const Statement& s) {
    if (s.kind == StatementKind::Tile && s.extents.size() > 1 && s.type.lanes == 1 &&
        s.extents.back() < least_iterations)
      if (auto longest = std::ranges::max_element(s.extents); *longest >= least_longest)
        axes[s.tile] = static_cast<size_t>(longest - s.extents.begin());
  });
  for_each(kernel.body, [&](const Statement& s) {
    if (s.kind == StatementKind::Join || s.kind == StatementKind::Transpose)
      axes.erase(s.tile); // of a part: its last axes
  });
  return axes;
}

template <class Container> void put_last(Container& axes, size_t axis) {
  std::rotate(axes.begin() + static_cast<ptrdiff_t>(axis),
              axes.begin() + static_cast<ptrdiff_t>(axis) + 1, axes.end());
}

} // namespace

void turn_tiles(Kernel& kernel, PassContext& context) {
  const std::map<TileId, size_t> axes = tiles_to_turn(kernel);
  for_each(kernel.body, [&](Statement& s) {
    const auto turned = axes.find(s.tile);
    if (turned == axes.end())
      return;
    if (s.kind == StatementKind::Tile)
      put_last(s.extents, turned->second);
    else
      put_last(s.index, turned->second);
  });
  if (!axes.empty())
    context.remarks.push_back(fmt::format(
        "{}: sums that lie side by side in registers do so along their longest axis", kernel.name));
}

} // namespace gdjit::scheduling
