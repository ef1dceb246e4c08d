// Dependences of statements, and the tree turned back into statements.
#include "FusionTree.h"

#include <algorithm>

namespace gdjit::lowering {

namespace {
Resource tagged(uint64_t tag, uint32_t id) { return tag << 32 | id; }
} // namespace

Resource of_buffer(const loop::Program& program, BufferId buffer) {
  return tagged(1, loop::storage(program, buffer));
}
Resource of_tile(TileId tile) { return tagged(2, tile); }
Resource of_value(ValueId value) { return tagged(3, value); }

void collect(const loop::Program& program, const Statement& s, Uses& uses) {
  for_each_use(s, [&](ValueId v) { uses.reads.push_back({of_value(v), &s}); });
  if (s.result != loop::none)
    uses.writes.push_back({of_value(s.result), &s});
  switch (s.kind) {
  case StatementKind::Load:
    uses.reads.push_back({of_buffer(program, s.buffer), &s});
    break;
  case StatementKind::Store:
    uses.writes.push_back({of_buffer(program, s.buffer), &s});
    break;
  case StatementKind::Get:
  case StatementKind::Join:
    uses.reads.push_back({of_tile(s.tile), &s});
    break;
  case StatementKind::Set:
    uses.writes.push_back({of_tile(s.tile), &s});
    break;
  case StatementKind::Check: // failures are reported in the order of the nodes
    uses.reads.push_back({call_status, &s});
    uses.writes.push_back({call_status, &s});
    break;
  default:
    break;
  }
  for (const Statement& inner : s.body)
    collect(program, inner, uses);
}

std::vector<Statement> flatten(FusionScope&& scope) {
  std::vector<Statement> out;
  std::unordered_map<TileId, size_t> undeclared;
  for (size_t i = 0; i < scope.tiles.size(); ++i)
    undeclared[scope.tiles[i].tile] = i;
  auto append = [&](Statement&& s) {
    auto declare = [&](const Statement& named) {
      if (named.tile == loop::none)
        return;
      if (auto at = undeclared.find(named.tile); at != undeclared.end()) {
        out.push_back(std::move(scope.tiles[at->second]));
        undeclared.erase(at);
      }
    };
    if (!undeclared.empty()) {
      declare(s);
      for_each(s.body, declare);
    }
    out.push_back(std::move(s));
  };
  for (size_t p = 0; p < scope.slots.size(); ++p) {
    for (Statement& s : scope.slots[p])
      append(std::move(s));
    if (p == scope.loops.size())
      break;
    FusionLoop& loop = scope.loops[p];
    loop.head.body = flatten(std::move(loop.body));
    append(std::move(loop.head));
  }
  return out;
}

} // namespace gdjit::lowering
