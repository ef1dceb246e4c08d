// Tiles that are used element by element, and how their axes are put in another order.
#include "TurnTiles.h"

#include "Independence.h"
#include "VectorCost.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace gdjit::scheduling {

namespace {

/// Below, scalars in registers are as fast: softmax_classification's weights of 4x3.
constexpr int64_t least_longest = 8;

using Axes = std::map<TileId, size_t>; ///< that come last

/// The longest axis of each tile that gains by its being last.
Axes longest_axes(const Kernel& kernel) {
  Axes axes;
  for_each(kernel.body, [&](const Statement& s) {
    if (s.kind == StatementKind::Tile && s.extents.size() > 1 && s.type.lanes == 1 &&
        s.extents.back() < least_iterations)
      if (auto longest = std::ranges::max_element(s.extents); *longest >= least_longest)
        axes[s.tile] = static_cast<size_t>(longest - s.extents.begin());
  });
  return axes;
}

template <class Container> void put_last(Container& axes, size_t axis) {
  std::rotate(axes.begin() + static_cast<ptrdiff_t>(axis),
              axes.begin() + static_cast<ptrdiff_t>(axis) + 1, axes.end());
}

/// Turns what nothing needs as it lies; gives how many.
size_t turn(Kernel& kernel, Axes axes) {
  for_each(kernel.body, [&](const Statement& s) {
    if (s.kind == StatementKind::Join || s.kind == StatementKind::Transpose)
      axes.erase(s.tile); // of a part: its last axes
  });
  for_each(kernel.body, [&](Statement& s) {
    const auto turned = axes.find(s.tile);
    if (turned == axes.end())
      return;
    if (s.kind == StatementKind::Tile)
      put_last(s.extents, turned->second);
    else
      put_last(s.index, turned->second);
  });
  return axes.size();
}

} // namespace

void turn_tiles(Kernel& kernel, PassContext& context) {
  if (turn(kernel, longest_axes(kernel)) > 0)
    context.remarks.push_back(fmt::format(
        "{}: sums that lie side by side in registers do so along their longest axis", kernel.name));
}

void turn_tiles_along(Kernel& kernel, const Statement& loop, int64_t least) {
  Axes axes;
  for_each(loop.body, [&](const Statement& s) {
    for (size_t axis = 0; s.kind == StatementKind::Get && axis + 1 < s.index.size(); ++axis)
      if (factor(s.index[axis].affine, loop.loop) != 0)
        axes[s.tile] = axis;
  });
  for (TileId tile : own_tiles(loop))
    axes.erase(tile);
  for_each(kernel.body, [&](const Statement& s) {
    if (const auto at = axes.find(s.tile);
        s.kind == StatementKind::Tile && at != axes.end() && s.extents[at->second] < least)
      axes.erase(at);
  });
  turn(kernel, std::move(axes));
}

} // namespace gdjit::scheduling
