// Counts loads by the loops that move them.
#include "NestReads.h"

#include "Pack.h"

#include <algorithm>

namespace gdjit::scheduling {

bool strided_across(const Program& program, const Statement& rows) {
  bool found = false;
  for_each(rows.body, [&](const Statement& s) { found |= strided_axis(program, s) >= 0; });
  return found;
}

bool masked_across(const Statement& rows) {
  bool found = false;
  for (const Statement& columns : rows.body)
    for (const Statement& terms : columns.body)
      for_each(terms.body, [&](const Statement& s) {
        found |= s.kind == StatementKind::Load && s.type.lanes > 1 && s.mask != loop::none &&
                 s.index.back().lane == 1 &&
                 std::ranges::none_of(s.index, [&](const loop::Index& i) {
                   return factor(i.affine, rows.loop) != 0;
                 });
      });
  return found;
}

int64_t bytes_along(const Statement& rows) {
  int64_t bytes = 0;
  for (const Statement& columns : rows.body)
    bytes = std::max(bytes, bytes_moved(columns.body, rows.loop, columns.loop, turns(rows)));
  return bytes;
}

int64_t bytes_across(const Statement& rows) {
  int64_t bytes = 0;
  for (const Statement& columns : rows.body)
    bytes += bytes_moved(columns.body, columns.loop, rows.loop, turns(columns));
  return bytes;
}

int64_t bytes_moved(const std::vector<Statement>& body, LoopId moving, LoopId still,
                    int64_t times) {
  int64_t bytes = 0;
  for (const Statement& s : body) {
    if (s.kind == StatementKind::For)
      bytes += bytes_moved(s.body, moving, still, times * turns(s));
    bool moved = false, own = false;
    for (const Index& i : s.index) {
      own |= factor(i.affine, still) != 0;
      moved |= factor(i.affine, moving) != 0;
    }
    if (s.kind == StatementKind::Load && moved && !own)
      bytes += times * s.type.lanes * byte_size(s.type.dtype);
  }
  return bytes;
}

} // namespace gdjit::scheduling
