// Finds the loop over blocks by its last statement, which sets the whole to itself and a block's
// sum.
#include "BlockSums.h"

#include "gdjit/Support/Error.h"

#include <algorithm>
#include <utility>

namespace gdjit::scheduling {

namespace {

/// The loops of a nest from the outermost to the one that holds more than a loop.
template <class Nest> std::vector<Nest*> loops_of(Nest& nest) {
  std::vector<Nest*> loops = {&nest};
  while (loops.back()->body.size() == 1 && loops.back()->body[0].kind == StatementKind::For)
    loops.push_back(&loops.back()->body[0]);
  return loops;
}

/// How a loop over blocks adds a block's sum to the whole: three of its statements.
struct Addition {
  size_t get = 0, add = 0;  ///< of the whole, of both; the last statement sets it
  ValueId sum = loop::none; ///< of the block; none: the loop adds in no such way
};

Addition addition_of(const Statement& blocks) {
  const std::vector<Statement>& body = blocks.body;
  auto defines = [&](ValueId value, StatementKind kind) {
    const auto at = std::ranges::find(body, value, &Statement::result);
    return at != body.end() && at->kind == kind ? static_cast<size_t>(at - body.begin())
                                                : body.size();
  };
  if (!is_plain(blocks) || body.empty())
    return {};
  const Statement& set = body.back();
  if (set.kind != StatementKind::Set || !set.index.empty() || set.mask != loop::none)
    return {};
  const size_t add = defines(set.operands[0], StatementKind::Compute);
  if (add == body.size() || body[add].operands.size() != 2 ||
      body[add].operands[0] == body[add].operands[1])
    return {};
  const size_t get = defines(body[add].operands[0], StatementKind::Get);
  if (get == body.size() || body[get].tile != set.tile || !body[get].index.empty() ||
      body[get].type.lanes != 1)
    return {};
  return {get, add, body[add].operands[1]};
}

bool is_part(const Addition& a, const std::vector<Statement>& body, size_t i) {
  return i == a.get || i == a.add || i + 1 == body.size();
}

/// True where the statements beside the addition use only what they define, the sum of the block
/// among it, store nothing, and load nothing from `stored`.
bool stands_alone(const Program& program, const Statement& blocks, const Addition& addition,
                  const std::set<loop::BufferId>& stored) {
  std::set<ValueId> values;
  std::set<TileId> tiles;
  bool alone = true;
  auto visit = [&](const Statement& s) {
    for_each_use(s, [&](ValueId v) { alone &= values.contains(v); });
    if (s.kind == StatementKind::Tile)
      tiles.insert(s.tile);
    alone &= s.tile == loop::none || tiles.contains(s.tile);
    alone &= s.kind != StatementKind::Store && s.kind != StatementKind::Check;
    alone &= s.buffer == loop::none || !stored.contains(storage(program, s.buffer));
    if (s.result != loop::none)
      values.insert(s.result);
  };
  for (size_t i = 0; i < blocks.body.size(); ++i) {
    if (is_part(addition, blocks.body, i))
      continue;
    visit(blocks.body[i]);
    for_each(blocks.body[i].body, visit);
  }
  return alone && values.contains(addition.sum) && !tiles.contains(blocks.body.back().tile);
}

} // namespace

const Statement* block_loop(const Program& program, const Statement& nest) {
  const std::vector<const Statement*> loops = loops_of(nest);
  if (loops.size() >= static_cast<size_t>(most_axes) ||
      !std::ranges::all_of(loops, [](const Statement* loop) { return is_plain(*loop); }))
    return nullptr;
  std::set<loop::BufferId> stored;
  for_each(nest.body, [&](const Statement& s) {
    if (s.kind == StatementKind::Store)
      stored.insert(storage(program, s.buffer));
  });
  for (const Statement& s : loops.back()->body)
    if (const Addition addition = addition_of(s);
        addition.sum != loop::none && stands_alone(program, s, addition, stored))
      return &s;
  return nullptr;
}

int64_t block_sum_bytes(const Statement& nest, const Statement& blocks) {
  int64_t bytes = turns(blocks) * byte_size(blocks.body.back().type.dtype);
  for (const Statement* loop : loops_of(nest))
    bytes *= turns(*loop);
  return bytes;
}

Statement take_blocks_apart(Program& program, Statement& nest, std::string name) {
  const Statement* found = block_loop(program, nest);
  GDJIT_CHECK(found != nullptr);
  const auto at = found - loops_of(nest).back()->body.data();
  Statement whole = nest;
  const std::vector<Statement*> outer = loops_of(whole);
  Statement& blocks = outer.back()->body[static_cast<size_t>(at)];
  const Addition addition = addition_of(blocks);

  Statement store;
  store.kind = StatementKind::Store;
  store.type = blocks.body.back().type;
  store.operands = {addition.sum};
  store.node = blocks.node;
  store.buffer = static_cast<loop::BufferId>(program.buffers.size());
  loop::Buffer& sums = program.buffers.emplace_back();
  sums.name = std::move(name);
  sums.type.dtype = store.type.dtype;
  auto add_axis = [&](const Statement& loop) {
    sums.type.shape.push_back(turns(loop));
    store.index.push_back(Index{variable(loop.loop), loop::none, 0});
  };
  add_axis(blocks);
  for (const Statement* loop : outer)
    add_axis(*loop);

  Statement load = store;
  load.kind = StatementKind::Load;
  load.operands = {};
  load.result = addition.sum;

  // The blocks' own nest, and in the whole one a load in the place of what it computes.
  std::vector<Statement> inner, adding = {std::move(load)};
  for (size_t i = 0; i < blocks.body.size(); ++i)
    (is_part(addition, blocks.body, i) ? adding : inner).push_back(blocks.body[i]);
  inner.push_back(std::move(store));
  blocks.body = std::move(adding);
  Statement outermost = blocks;
  for (size_t depth = outer.size(); depth-- > 0;) {
    Statement loop = *outer[depth];
    loop.body = std::move(inner);
    inner = {std::move(loop)};
  }
  outermost.body = std::move(inner);
  nest = std::move(outermost);
  return whole;
}

} // namespace gdjit::scheduling
