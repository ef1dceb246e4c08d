// Counts loads by the loops that move them.
#include "NestReads.h"

#include "Pack.h"

#include <algorithm>
#include <map>

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

int64_t results_first(const Statement& rows, int64_t count, const MachineTable& machine) {
  int64_t bytes = 0, most = 0; // of a row
  for (const Statement& columns : rows.body) {
    int64_t accesses = 0;
    for (const Statement& s : columns.body) {
      const auto counts = [&](const Statement& loop) {
        return std::ranges::any_of(
            s.index, [&](const Index& i) { return factor(i.affine, loop.loop) != 0; });
      };
      if ((s.kind == StatementKind::Load || s.kind == StatementKind::Store) && counts(rows) &&
          counts(columns)) {
        bytes += turns(columns) * s.type.lanes * byte_size(s.type.dtype);
        ++accesses;
      }
    }
    most = std::max(most, accesses);
  }
  const int64_t read = bytes_across(rows);
  const bool pays = bytes * turns(rows) > 2 * machine.l2_bytes && read <= machine.l2_bytes / 2 &&
                    bytes * count >= read;
  return pays ? most : 0;
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

namespace {

/// Adds up what statements load and store, buffer by buffer.
void add_bytes(const Program& program, const Statement& s, double times, const Touched& which,
               std::map<loop::BufferId, double>& bytes) {
  if (s.kind == StatementKind::For)
    times *= static_cast<double>(turns(s));
  for (const Statement& inner : s.body)
    add_bytes(program, inner, times, which, bytes);
  const bool moved = std::ranges::any_of(s.index, [&](const Index& i) {
    return which.still != loop::none && factor(i.affine, which.still) != 0;
  });
  if (s.kind == StatementKind::Load || (s.kind == StatementKind::Store && which.stores))
    if (!moved)
      bytes[storage(program, s.buffer)] +=
          times * s.type.lanes * static_cast<double>(byte_size(s.type.dtype));
}

} // namespace

double bytes_touched(const Program& program, const Statement& nest, const Touched& which) {
  std::map<loop::BufferId, double> bytes;
  add_bytes(program, nest, 1, which, bytes);
  double sum = 0;
  for (const auto& [buffer, accessed] : bytes)
    sum += std::min(accessed, static_cast<double>(program.buffers[buffer].type.bytes()));
  return sum;
}

} // namespace gdjit::scheduling
