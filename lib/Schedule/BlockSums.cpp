// Finds the loop over blocks by its last three statements, which add a block's sum to the whole.
#include "BlockSums.h"

#include "gdjit/Support/Error.h"

#include <algorithm>
#include <utility>

namespace gdjit::scheduling {

namespace {

constexpr size_t addition = 3; ///< statements: get the sum, add, set it

bool is_plain(const Statement& s) {
  return s.kind == StatementKind::For && s.begin == 0 && s.step == 1 &&
         s.loop_kind == loop::LoopKind::sequential;
}

/// The loops of a nest from the outermost to the one that holds more than a loop.
template <class Nest> std::vector<Nest*> loops_of(Nest& nest) {
  std::vector<Nest*> loops = {&nest};
  while (loops.back()->body.size() == 1 && loops.back()->body[0].kind == StatementKind::For)
    loops.push_back(&loops.back()->body[0]);
  return loops;
}

/// Ids of values and tiles.
struct Ids {
  std::set<ValueId> values;
  std::set<TileId> tiles;
};

/// True where statements, the last `addition` of which are left out, use only what they define
/// themselves, and store nothing.
bool stand_alone(const std::vector<Statement>& body) {
  Ids own;
  bool alone = true;
  auto visit = [&](const Statement& s) {
    for_each_use(s, [&](ValueId v) { alone &= own.values.count(v) > 0; });
    if (s.kind == StatementKind::Tile)
      own.tiles.insert(s.tile);
    alone &= s.tile == loop::none || own.tiles.count(s.tile) > 0;
    alone &= s.kind != StatementKind::Store && s.kind != StatementKind::Check;
    if (s.result != loop::none)
      own.values.insert(s.result);
  };
  for (size_t i = 0; i + addition < body.size(); ++i) {
    visit(body[i]);
    for_each(body[i].body, visit);
  }
  return alone;
}

/// What a block adds to the whole; none where the loop is not one over blocks.
ValueId block_sum(const Statement& loop) {
  const std::vector<Statement>& body = loop.body;
  if (!is_plain(loop) || body.size() <= addition)
    return loop::none;
  const Statement &get = body[body.size() - 3], &add = body[body.size() - 2], &set = body.back();
  const bool adds = get.kind == StatementKind::Get && get.index.empty() && get.type.lanes == 1 &&
                    add.kind == StatementKind::Compute && add.operands.size() == 2 &&
                    add.operands[0] == get.result && add.operands[1] != get.result &&
                    set.kind == StatementKind::Set && set.index.empty() && set.tile == get.tile &&
                    set.mask == loop::none && set.operands[0] == add.result;
  return adds && stand_alone(body) ? add.operands[1] : loop::none;
}

template <class Body> auto* block_loop_in(Body& body) {
  auto at = std::find_if(body.begin(), body.end(),
                         [](const Statement& s) { return block_sum(s) != loop::none; });
  return at == body.end() ? nullptr : &*at;
}

} // namespace

const Statement* block_loop(const Statement& nest) {
  const std::vector<const Statement*> loops = loops_of(nest);
  const bool plain = std::all_of(loops.begin(), loops.end(),
                                 [](const Statement* loop) { return is_plain(*loop); });
  return plain && loops.size() < static_cast<size_t>(most_axes) ? block_loop_in(loops.back()->body)
                                                                : nullptr;
}

int64_t block_sum_bytes(const Statement& nest) {
  const Statement* blocks = block_loop(nest);
  GDJIT_CHECK(blocks != nullptr);
  int64_t bytes = turns(*blocks) * byte_size(blocks->body.back().type.dtype);
  for (const Statement* loop : loops_of(nest))
    bytes *= turns(*loop);
  return bytes;
}

Statement take_blocks_apart(Program& program, Statement& nest, std::string name) {
  Statement whole = nest;
  const std::vector<Statement*> outer = loops_of(whole);
  Statement* blocks = block_loop_in(outer.back()->body);
  GDJIT_CHECK(blocks != nullptr);

  Statement store;
  store.kind = StatementKind::Store;
  store.type = blocks->body.back().type;
  store.operands = {block_sum(*blocks)};
  store.node = blocks->node;
  store.buffer = static_cast<loop::BufferId>(program.buffers.size());
  loop::Buffer& sums = program.buffers.emplace_back();
  sums.name = std::move(name);
  sums.type.dtype = store.type.dtype;
  auto add_axis = [&](const Statement& loop) {
    sums.type.shape.push_back(turns(loop));
    store.index.push_back(Index{variable(loop.loop), loop::none, 0});
  };
  add_axis(*blocks);
  for (const Statement* loop : outer)
    add_axis(*loop);

  Statement load = store;
  load.kind = StatementKind::Load;
  load.operands = {};
  load.result = store.operands[0];

  // The blocks' own nest, and in the whole one a load in the place of what it computes.
  const auto last = blocks->body.end() - addition;
  std::vector<Statement> inner(blocks->body.begin(), last);
  inner.push_back(std::move(store));
  blocks->body.erase(blocks->body.begin(), last);
  blocks->body.insert(blocks->body.begin(), std::move(load));
  Statement outermost = *blocks;
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
