// The rules of tiles: what is declared, read and written, joined and transposed.
#include "VerifyKernel.h"

#include "OperationRules.h"
#include "gdjit/Loop/Parser.h"
#include "gdjit/Loop/Types.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

namespace gdjit::loop {

void KernelVerifier::tile(const Statement& s) {
  if (s.tile >= tiles_.size() || tiles_[s.tile] != Life::unknown)
    return error(fmt::format("tile t{} is defined twice or beyond the {} tiles of the kernel",
                             s.tile, tiles_.size()));
  std::string problem = shape_problem(s.extents.data(), s.extents.size());
  constexpr int64_t most = 1 << 20;
  int64_t elements = s.type.lanes;
  for (size_t i = 0; problem.empty() && i < s.extents.size(); ++i) {
    elements *= std::min(s.extents[i], most);
    if (s.extents[i] < 1 || elements > most)
      problem = fmt::format("a tile holds 1 to {} elements", most);
  }
  if (s.type.lanes < 1 || s.type.lanes > most_lanes)
    problem = fmt::format("a vector of {} lanes", s.type.lanes);
  if (!problem.empty())
    return error(problem);
  tiles_[s.tile] = Life::alive;
  tile_types_[s.tile] = s.type;
  tile_statements_[s.tile] = &s;
  levels_.back().tiles.push_back(s.tile);
}

void KernelVerifier::get_or_set(const Statement& s) {
  if (s.tile >= tiles_.size() || tiles_[s.tile] != Life::alive)
    return error(fmt::format("no tile t{} is declared here", s.tile));
  if (!(s.type == tile_types_[s.tile]))
    error(fmt::format("tile t{} holds {}, this is {}", s.tile, to_string(tile_types_[s.tile]),
                      to_string(s.type)));
  indices(s, tile_statements_[s.tile]->extents, false, true);
  if (s.kind == StatementKind::Set) {
    operand(s, s.type.dtype, s.type.lanes);
    mask(s);
  }
}

/// The extents of the part of a tile that a join or transposition names.
std::vector<int64_t> KernelVerifier::part(const Statement& s) {
  std::vector<int64_t> extents = tile_statements_[s.tile]->extents;
  if (s.index.size() > extents.size()) {
    error(fmt::format("{} indices for rank {}", s.index.size(), extents.size()));
    return {};
  }
  auto leading = extents.begin() + static_cast<int64_t>(s.index.size());
  indices(s, {extents.begin(), leading}, false, true);
  return {leading, extents.end()};
}

void KernelVerifier::join(const Statement& s) {
  if (s.tile >= tiles_.size() || tiles_[s.tile] != Life::alive)
    return error(fmt::format("no tile t{} is declared here", s.tile));
  ValueType type = tile_types_[s.tile];
  if (s.type.dtype != type.dtype)
    error(fmt::format("joining tile t{} gives {}, this is {}", s.tile, gdjit::name(type.dtype),
                      to_string(s.type)));
  std::vector<int64_t> extents = part(s);
  if (s.type.lanes > 1) { // each lane joins a row
    if (extents.empty() || extents[0] > s.type.lanes)
      return error(fmt::format("a vector of {} lanes joins the rows of a part of a tile, 1 to {} "
                               "of them",
                               s.type.lanes, s.type.lanes));
    extents.erase(extents.begin());
  }
  uint64_t partials = type.lanes;
  for (int64_t extent : extents)
    partials *= static_cast<uint64_t>(extent);
  if (!std::has_single_bit(partials))
    error(fmt::format("{} partials are no power of two, a halving tree needs one", partials));
  if (std::string problem = operation_problem(s.op, type.dtype, {type.dtype, type.dtype});
      operand_count(s.op) != 2 || !problem.empty())
    error(fmt::format("tiles are not joined by {} {}", name(s.op), problem));
}

void KernelVerifier::transpose(const Statement& s) {
  if (s.tile >= tiles_.size() || tiles_[s.tile] != Life::alive)
    return error(fmt::format("no tile t{} is declared here", s.tile));
  ValueType type = tile_types_[s.tile];
  std::vector<int64_t> extents = part(s);
  if (!(s.type == type) || extents.size() != 1 || extents[0] < 1 || type.lanes % extents[0] != 0 ||
      (extents[0] & (extents[0] - 1)) != 0)
    error(fmt::format(
        "what is transposed has as many elements as lanes, {} in tile t{}, or a part of "
        "them, and a power of two",
        type.lanes, s.tile));
}

} // namespace gdjit::loop
