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

bool same_turn(const std::vector<Index>& written, LoopId writer, const std::vector<Index>& read,
               LoopId reader) {
  for (size_t axis = 0; axis < read.size(); ++axis) {
    const Index &r = read[axis], &w = written[axis];
    if (r.dynamic == loop::none && w.dynamic == loop::none && r.affine.terms.size() == 1 &&
        w.affine.terms.size() == 1 && r.affine.terms[0].loop == reader &&
        w.affine.terms[0].loop == writer && r.affine.terms[0].factor == w.affine.terms[0].factor &&
        r.affine.constant == w.affine.constant)
      return true;
  }
  return false;
}

void StateReads::note(const Uses& uses, LoopId turn, size_t number) {
  for (const Use& use : uses.reads) {
    if (use.statement->kind != StatementKind::Load)
      continue;
    const loop::Buffer& read = program_.buffers[use.statement->buffer];
    if (read.role != loop::BufferRole::state)
      continue;
    Reader& reader = last_[read.number];
    if (reader.loop != number)
      reader.reads.clear();
    reader.loop = number;
    reader.reads.push_back({turn, use.statement->index});
  }
}

size_t StateReads::reader(const Uses& uses, LoopId turn, size_t none) const {
  const Statement* store = nullptr;
  for (const Use& use : uses.writes)
    if (use.statement->kind == StatementKind::Store)
      store = use.statement;
  const bool loads = std::ranges::any_of(
      uses.reads, [](const Use& use) { return use.statement->kind == StatementKind::Load; });
  if (store == nullptr || loads || program_.buffers[store->buffer].role != loop::BufferRole::update)
    return none;
  auto last = last_.find(signature_.updates[program_.buffers[store->buffer].number].state);
  if (last == last_.end())
    return none;
  return std::ranges::all_of(last->second.reads,
                             [&](const Read& read) {
                               return read.index.size() == store->index.size() &&
                                      same_turn(store->index, turn, read.index, read.turn);
                             })
             ? last->second.loop
             : none;
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
