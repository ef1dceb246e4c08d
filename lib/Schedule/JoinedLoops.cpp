// Recognizes the loops by their form; the sums that become lanes by all that touches them.
#include "JoinedLoops.h"

#include "Independence.h"
#include "VectorCost.h"

#include <algorithm>
#include <bit>

namespace gdjit::scheduling {

namespace {

constexpr int64_t most_results = 16; ///< of one join

bool accesses_tile(const Statement& s) {
  return s.kind == StatementKind::Get || s.kind == StatementKind::Set;
}

/// True for element l of a tile with one axis, in the loop over l.
bool walks(const Statement& access, LoopId loop) {
  return access.index.size() == 1 && access.index[0] == Index{variable(loop), loop::none, 0};
}

/// Vectors of the tile that each turn joins; 0 where the loop is not one over joined accumulations:
/// a tile, loops that accumulate, a join, straight statements to the end, which note the sums.
int64_t joined_vectors(const Statement& loop, std::set<TileId>& sums) {
  int64_t vectors = 0;
  bool joined = false;
  for (const Statement& s : loop.body) {
    if (s.kind == StatementKind::Tile && vectors == 0 && s.type.lanes > 1) {
      vectors = 1;
      for (int64_t e : s.extents)
        vectors *= e;
    } else if (s.kind == StatementKind::Join && !joined && s.tile == loop.body.front().tile &&
               s.type.lanes == 1 && s.index.empty()) {
      joined = true;
    } else if (joined && accesses_tile(s) && walks(s, loop.loop)) {
      sums.insert(s.tile);
    } else if (joined ? s.kind == StatementKind::For || s.type.lanes > 1 ||
                            s.kind == StatementKind::Check || s.tile != loop::none
                      : s.kind != StatementKind::For) {
      return 0;
    }
  }
  return joined ? vectors : 0;
}

} // namespace

JoinedLoops::JoinedLoops(const Program& program, const std::vector<Statement>& body,
                         const MachineTable& machine)
    : accumulators_(machine.vector_registers * 3 / 4) {
  find(program, body);
  lanes_ = most_results;
  for (const auto& [loop, found] : found_)
    if (!found.sums.empty())
      lanes_ = std::min(lanes_, std::max<int64_t>(1, accumulators_ / found.vectors));
  lanes_ = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(lanes_)));
  keep_possible(body);
}

void JoinedLoops::find(const Program& program, const std::vector<Statement>& body) {
  for (const Statement& s : body) {
    if (s.kind != StatementKind::For)
      continue;
    Found found;
    if (s.step == 1 && s.loop_kind == loop::LoopKind::sequential)
      found.vectors = joined_vectors(s, found.sums);
    const bool worth = found.sums.empty() ? turns(s) >= 2 : turns(s) >= 1 && s.begin == 0;
    if (found.vectors > 0 && worth && dependence(program, s).empty() &&
        stores_contiguous(program, s.body, s.loop))
      found_[s.loop] = std::move(found);
    else
      find(program, s.body);
  }
}

/// Leaves the loops all of whose sums can become vectors, to a fixed point: such a sum is no longer
/// one where some other loop touches it.
void JoinedLoops::keep_possible(const std::vector<Statement>& body) {
  size_t before = 0;
  do {
    std::map<TileId, int64_t> elsewhere; // accesses but those of the loops found
    std::set<TileId> wrong;
    for_each(body, [&](const Statement& s) {
      if (s.kind == StatementKind::Tile &&
          (s.type.lanes > 1 || s.extents.size() != 1 || s.extents[0] % lanes_ != 0))
        wrong.insert(s.tile);
      else if (s.kind == StatementKind::Transpose ||
               (s.kind == StatementKind::Join && (!s.index.empty() || s.type.lanes > 1)))
        wrong.insert(s.tile);
      else if (accesses_tile(s))
        ++elsewhere[s.tile];
      if (auto at = found_.find(s.loop); s.kind == StatementKind::For && at != found_.end())
        for (const Statement& t : s.body)
          if (accesses_tile(t))
            --elsewhere[t.tile];
    });
    before = found_.size();
    std::erase_if(found_, [&](const auto& f) {
      return std::ranges::any_of(f.second.sums, [&](TileId t) {
        return lanes_ < 2 || wrong.contains(t) || elsewhere[t] != 0;
      });
    });
  } while (found_.size() != before);
}

int64_t JoinedLoops::vectors(const Statement& loop) const {
  auto at = loop.kind == StatementKind::For ? found_.find(loop.loop) : found_.end();
  return at == found_.end() ? 0 : at->second.vectors;
}

int64_t JoinedLoops::results(const Statement& loop) const {
  if (!sums(loop).empty())
    return lanes_;
  int64_t most = std::clamp<int64_t>(accumulators_ / vectors(loop), 1, most_results);
  if (turns(loop) > most) // a power of two fills the lanes of what is joined
    most = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(most)));
  return std::min(most, turns(loop));
}

std::set<TileId> JoinedLoops::sums(const Statement& loop) const {
  auto at = found_.find(loop.loop);
  return at == found_.end() ? std::set<TileId>() : at->second.sums;
}

} // namespace gdjit::scheduling
