// Finds accumulations: tiles that a loop reads and then sets.
#include "Accumulators.h"

#include <map>
#include <set>

namespace gdjit::scheduling {

namespace {

constexpr int64_t least_chain = 4; ///< a shorter accumulation is not worth a tile

/// Vectors of each tile inside `body`.
std::map<TileId, int64_t> vectors_of_tiles(const std::vector<Statement>& body) {
  std::map<TileId, int64_t> declared;
  for_each(body, [&](const Statement& s) {
    if (s.kind == StatementKind::Tile && s.type.lanes > 1) {
      int64_t& vectors = declared[s.tile] = 1;
      for (int64_t extent : s.extents)
        vectors *= extent;
    }
  });
  return declared;
}

int64_t accumulators(const std::vector<Statement>& body, const Varying& varying,
                     const std::map<TileId, int64_t>& declared) {
  int64_t most = 0;
  for (const Statement& s : body) {
    if (s.kind != StatementKind::For)
      continue;
    int64_t vectors = accumulators(s.body, varying, declared);
    if (vectors == 0 && (varying.loops.count(s.loop) || turns(s) >= least_chain)) {
      std::set<TileId> own, read, accumulated; // own: of each turn
      for_each(s.body, [&](const Statement& t) {
        if (t.kind == StatementKind::Tile)
          own.insert(t.tile);
        if (t.kind == StatementKind::Get)
          read.insert(t.tile);
        if (t.kind == StatementKind::Set && read.count(t.tile) && !own.count(t.tile))
          accumulated.insert(t.tile);
      });
      for (TileId tile : accumulated)
        if (auto found = declared.find(tile); found != declared.end())
          vectors += found->second;
    }
    most = std::max(most, vectors);
  }
  return most;
}

} // namespace

int64_t accumulators(const std::vector<Statement>& body, const Varying& varying) {
  return accumulators(body, varying, vectors_of_tiles(body));
}

} // namespace gdjit::scheduling
