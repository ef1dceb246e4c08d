// Which lanes lie apart, and how far.
#include "gdjit/Loop/ShortRows.h"

#include <algorithm>

namespace gdjit::loop {

bool elements_apart(const Program& program, const Statement& s) {
  if ((s.kind != StatementKind::Load && s.kind != StatementKind::Store) || s.type.lanes == 1)
    return false;
  const Shape& shape = program.buffers[s.buffer].type.shape;
  bool last = true; // behind it extents of 1 only
  for (size_t axis = s.index.size(); axis-- > 0;) {
    if (s.index[axis].lane != 0 && (!last || s.index[axis].lane != 1))
      return true;
    last = last && shape[static_cast<int>(axis)] == 1;
  }
  return std::ranges::any_of(s.index, [](const Index& i) { return i.dynamic != none; });
}

int strided_axis(const Program& program, const Statement& s) {
  if (s.kind != StatementKind::Load || !elements_apart(program, s))
    return -1;
  int axis = -1;
  for (size_t a = 0; a < s.index.size(); ++a) {
    if (s.index[a].dynamic != none)
      return -1;
    if (s.index[a].lane == 0)
      continue;
    if (axis >= 0 || s.index[a].lane != 1)
      return -1;
    axis = static_cast<int>(a);
  }
  return axis;
}

int64_t elements_of_row(const Shape& shape, int axis) {
  int64_t elements = 1;
  for (int behind = axis + 1; behind < shape.rank(); ++behind)
    elements *= shape[behind];
  return elements;
}

std::optional<ShortRows> short_rows(const Program& program, const Statement& s) {
  const int axis = strided_axis(program, s);
  if (axis < 0 || byte_size(s.type.dtype) < ShortRows::least_bytes)
    return std::nullopt;
  const ShortRows rows{elements_of_row(program.buffers[s.buffer].type.shape, axis), s.type.lanes};
  return rows.columns > 1 && rows.columns <= ShortRows::most_columns ? std::optional(rows)
                                                                     : std::nullopt;
}

int64_t operations_of(const Program& program, const Statement& s) {
  if (!elements_apart(program, s))
    return 1;
  const std::optional<ShortRows> rows = short_rows(program, s);
  return rows ? 1 + rows->shuffles(rows->columns) / rows->columns : s.type.lanes;
}

} // namespace gdjit::loop
