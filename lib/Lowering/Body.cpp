// Writing statements.
#include "Body.h"

#include "gdjit/Support/Error.h"

#include <algorithm>
#include <iterator>

namespace gdjit::lowering {

namespace {
/// The statements from `first` on, which leave `list`.
std::vector<Statement> taken(std::vector<Statement>& list, std::vector<Statement>::iterator first) {
  std::vector<Statement> tail(std::make_move_iterator(first), std::make_move_iterator(list.end()));
  list.erase(first, list.end());
  return tail;
}
} // namespace

void KernelDraft::clear() {
  kernel.body.clear();
  kernel.loop_names.clear();
  kernel.values = kernel.loops = kernel.tiles = 0;
  loops.clear();
  value_types.clear();
  partials_loop.clear();
  nests.clear();
}

std::vector<Statement> clone(KernelDraft& draft, const std::vector<Statement>& body) {
  loop::CopiedIds ids;
  std::vector<Statement> copy = copy_fresh(draft.kernel, body, ids);
  draft.value_types.resize(draft.kernel.values);
  for (auto [from, to] : ids.values)
    draft.value_types[to] = draft.value_types[from];
  draft.loops.resize(draft.kernel.loops);
  for (auto [from, to] : ids.loops)
    draft.loops[to] = draft.loops[from];
  draft.partials_loop.resize(draft.kernel.tiles, loop::none);
  for (auto [from, to] : ids.tiles) {
    auto partials = ids.loops.find(draft.partials_loop[from]);
    draft.partials_loop[to] =
        partials == ids.loops.end() ? draft.partials_loop[from] : partials->second;
  }
  return copy;
}

Statement& Body::append(StatementKind kind) {
  Statement& s = draft_.open.emplace_back();
  s.kind = kind;
  s.node = node_;
  return s;
}

ValueId Body::define(Statement& statement, DType type) {
  statement.type = {type, 1};
  statement.result = draft_.kernel.values++;
  draft_.value_types.push_back(type);
  return statement.result;
}

LoopId Body::open(const std::string& name, int64_t extent) {
  heads_.push_back(static_cast<uint32_t>(draft_.open.size()));
  Statement& head = append(StatementKind::For);
  head.loop = draft_.kernel.loops++;
  head.end = extent;
  draft_.kernel.loop_names.push_back(name);
  draft_.loops.push_back({.extent = extent, .partials = 0, .sealed = false});
  return head.loop;
}

void Body::close() {
  const auto head = draft_.open.begin() + heads_.back();
  heads_.erase(heads_.end() - 1);
  head->body = taken(draft_.open, head + 1);
}

ValueId Body::constant(DType type, Bits bits) {
  Statement& s = append(StatementKind::Compute);
  s.op = ScalarOp::constant;
  s.bits = bits;
  return define(s, type);
}

ValueId Body::compute(ScalarOp op, DType result, std::initializer_list<ValueId> operands) {
  Statement& s = append(StatementKind::Compute);
  s.op = op;
  s.operands = operands;
  return define(s, result);
}

ValueId Body::call(Opcode function, DType type, std::span<const ValueId> operands) {
  Statement& s = append(StatementKind::Compute);
  s.op = ScalarOp::call;
  s.bits = static_cast<Bits>(function);
  s.operands.assign(operands.begin(), operands.end());
  return define(s, type);
}

ValueId Body::index(const Affine& affine) {
  if (affine.terms.empty())
    return constant(DType::i64, static_cast<Bits>(affine.constant));
  Statement& s = append(StatementKind::Index);
  s.index = {{affine, loop::none, 0}};
  return define(s, DType::i64);
}

ValueId Body::load(BufferId buffer, DType type, std::vector<Index> index, ValueId mask,
                   ValueId fill) {
  Statement& s = append(StatementKind::Load);
  s.buffer = buffer;
  s.index = std::move(index);
  s.mask = mask;
  s.fill = fill;
  return define(s, type);
}

void Body::store(BufferId buffer, std::vector<Index> index, ValueId value, ValueId mask) {
  Statement& s = append(StatementKind::Store);
  s.type = {type(value), 1};
  s.buffer = buffer;
  s.index = std::move(index);
  s.operands = {value};
  s.mask = mask;
}

TileId Body::tile(DType type, std::vector<int64_t> extents, Bits bits) {
  Statement& s = append(StatementKind::Tile);
  s.type = {type, 1};
  s.extents = std::move(extents);
  s.bits = bits;
  s.tile = draft_.kernel.tiles++;
  draft_.partials_loop.push_back(loop::none);
  return s.tile;
}

ValueId Body::get(TileId tile, DType type, std::vector<Index> index) {
  Statement& s = append(StatementKind::Get);
  s.tile = tile;
  s.index = std::move(index);
  return define(s, type);
}

void Body::set(TileId tile, std::vector<Index> index, ValueId value, ValueId mask) {
  Statement& s = append(StatementKind::Set);
  s.type = {type(value), 1};
  s.tile = tile;
  s.index = std::move(index);
  s.operands = {value};
  s.mask = mask;
}

ValueId Body::join(TileId tile, DType type, ScalarOp op) {
  Statement& s = append(StatementKind::Join);
  s.tile = tile;
  s.op = op;
  return define(s, type);
}

void Body::check(ValueId condition, const Affine& position) {
  Statement& s = append(StatementKind::Check);
  s.operands = {condition};
  s.type = {DType::boolean, 1};
  s.index = {{position, loop::none, 0}};
}

ValueId Body::convert(ValueId value, DType to) {
  return type(value) == to ? value : compute(ScalarOp::convert, to, {value});
}

ValueId Body::both(ValueId a, ValueId b) {
  if (a == loop::none || b == loop::none)
    return a == loop::none ? b : a;
  return compute(ScalarOp::bit_and, DType::boolean, {a, b});
}

ValueId Body::expand(const loop::ScalarProgram& program, std::span<const ValueId> arguments,
                     std::span<const BufferId> tables) {
  GDJIT_CHECK(arguments.size() == program.parameters.size() && program.results.size() == 1);
  std::vector<ValueId> values(arguments.begin(), arguments.end());
  values.reserve(values.size() + program.instructions.size());
  for (const loop::ScalarInstruction& in : program.instructions) {
    if (in.op == ScalarOp::constant) {
      values.push_back(constant(in.type, in.bits));
    } else if (in.op == ScalarOp::lookup) {
      Index index;
      index.dynamic = values[in.operands[0]];
      values.push_back(load(tables[in.bits], in.type, {index}));
    } else {
      Statement& s = append(StatementKind::Compute);
      s.op = in.op;
      for (int i = 0; i < operand_count(in.op); ++i)
        s.operands.push_back(values[in.operands[i]]);
      values.push_back(define(s, in.type));
    }
  }
  return values[program.results[0]];
}

std::pair<int64_t, int64_t> Body::range(const Affine& affine) const {
  int64_t low = affine.constant, high = affine.constant;
  for (const loop::Term& t : affine.terms) {
    int64_t last = t.factor * std::max<int64_t>(draft_.loops[t.loop].extent - 1, 0);
    (last < 0 ? low : high) += last;
  }
  return {low, high};
}

void Body::finish() {
  GDJIT_CHECK(heads_.empty());
  draft_.nests.push_back(
      taken(draft_.open, draft_.open.begin() + static_cast<std::ptrdiff_t>(first_)));
}

} // namespace gdjit::lowering
