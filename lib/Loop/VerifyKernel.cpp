// The rules of statements.
#include "VerifyKernel.h"

#include "OperationRules.h"
#include "VerifyShared.h"
#include "gdjit/IR/TextReader.h"
#include "gdjit/Loop/KernelView.h"
#include "gdjit/Loop/Parser.h"
#include "gdjit/Loop/Rewrite.h"
#include "gdjit/Loop/Types.h"

#include <algorithm>
#include <fmt/format.h>

namespace gdjit::loop {

namespace {

__extension__ using Wide = __int128; // a factor times a bound does not fit 64 bits

/// Results and temporaries, by whatever view; memory of the caller only as an update.
bool may_be_stored(const Program& program, BufferId b) {
  for (;; b = program.buffers[b].same_as) {
    BufferRole role = program.buffers[b].role;
    if (role == BufferRole::update)
      return true;
    if (role != BufferRole::temporary && role != BufferRole::output)
      return false;
    if (program.buffers[b].same_as == none)
      return true;
  }
}

} // namespace

Named named_by(const Kernel& kernel) {
  Named named;
  const auto ascends = [](const std::vector<uint32_t>& list) {
    return std::ranges::adjacent_find(list, std::greater_equal<>()) == list.end();
  };
  named.ascending = ascends(kernel.buffers) && ascends(kernel.nodes);
  named.listed = named.ascending;
  for_each(kernel.body, [&](const Statement& s) {
    named.listed = named.listed &&
                   (s.buffer == none || std::ranges::binary_search(kernel.buffers, s.buffer)) &&
                   (s.node == no_node || std::ranges::binary_search(kernel.nodes, s.node));
    if (s.kind == StatementKind::Load)
      named.read.push_back(s.buffer);
    else if (s.kind == StatementKind::Store)
      named.stored.push_back(s.buffer);
  });
  for (std::vector<BufferId>* list : {&named.read, &named.stored}) {
    std::ranges::sort(*list);
    list->erase(std::unique(list->begin(), list->end()), list->end());
  }
  return named;
}

std::string sameness_problem(const Program& program, const Kernel& kernel,
                             const std::vector<Named>& named) {
  const auto number = static_cast<size_t>(&kernel - program.kernels.data());
  if (kernel.same_as >= number || program.kernels[kernel.same_as].same_as != none)
    return "is the same as one that is no earlier kernel with statements";
  const Kernel& like = program.kernels[kernel.same_as];
  if (!kernel.body.empty())
    return "is the same as another and has statements of its own";
  if (like.buffers.size() != kernel.buffers.size() || like.nodes.size() != kernel.nodes.size())
    return "lists other numbers of buffers or nodes than the one that it is the same as";
  if (!named[kernel.same_as].ascending)
    return "is the same as one whose lists do not ascend";
  if (!named[kernel.same_as].listed)
    return "is the same as one that names what it does not list";
  for (size_t i = 0; i < like.buffers.size(); ++i) {
    if (like.buffers[i] >= program.buffers.size() || kernel.buffers[i] >= program.buffers.size())
      return "lists a buffer that does not exist";
    const Buffer &given = program.buffers[like.buffers[i]],
                 &meant = program.buffers[kernel.buffers[i]];
    if (!(given.type == meant.type))
      return fmt::format("means '{}', {}, by '{}', {}", meant.name, to_string(meant.type),
                         given.name, to_string(given.type));
  }
  const KernelView view(program, kernel);
  for (BufferId b : named[kernel.same_as].stored)
    if (!may_be_stored(program, view.buffer(b)))
      return fmt::format("stores to '{}'", program.buffers[view.buffer(b)].name);
  return shared_loop(like) == nullptr ? "" : sharing_problem(program, written_out(program, kernel));
}

void KernelVerifier::run(size_t& number) {
  constexpr uint32_t most = most_values;
  number_ = number;
  if (kernel_.values > most || kernel_.tiles > most || kernel_.loops > most) {
    error(fmt::format("more than {} values, tiles or loops", most));
    return;
  }
  values_.assign(kernel_.values, Life::unknown);
  value_types_.assign(kernel_.values, {});
  tiles_.assign(kernel_.tiles, Life::unknown);
  tile_types_.assign(kernel_.tiles, {});
  tile_statements_.assign(kernel_.tiles, nullptr);
  loops_.assign(kernel_.loops, {});
  levels_.push_back({nullptr, &kernel_.body, 0, {}, {}});
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.next == level.body->size()) {
      close();
      continue;
    }
    const Statement& s = (*level.body)[level.next++];
    visit(s);
    if (s.kind == StatementKind::For)
      open(s);
    ++number_;
  }
  number = number_;
}

void KernelVerifier::error(const std::string& message) {
  SourceLocation place = places_ ? places_->place(number_) : SourceLocation{};
  std::string kernel = fmt::format("kernel '{}', statement {}: ", kernel_.name, number_);
  diagnostics_.error(place, (place.known() ? "" : kernel) + message);
}

void KernelVerifier::visit(const Statement& s) {
  switch (s.kind) {
  case StatementKind::For:
    break; // open()
  case StatementKind::Compute:
    compute(s);
    break;
  case StatementKind::Index:
    one_index(s);
    break;
  case StatementKind::Load:
    load(s);
    break;
  case StatementKind::Store:
    store(s);
    break;
  case StatementKind::Tile:
    tile(s);
    break;
  case StatementKind::Get:
  case StatementKind::Set:
    get_or_set(s);
    break;
  case StatementKind::Join:
    join(s);
    break;
  case StatementKind::Transpose:
    transpose(s);
    break;
  case StatementKind::Check:
    check(s);
    break;
  case StatementKind::Prefetch:
    prefetch(s);
    break;
  }
  define(s);
}

// Scopes: what a body defines ends with it.

void KernelVerifier::open(const Statement& s) {
  bool fits = s.loop < loops_.size() && loops_[s.loop].life == Life::unknown;
  if (!fits)
    error(fmt::format("loop {} is defined twice or beyond the {} loops of the kernel", s.loop,
                      loops_.size()));
  if (s.step < 1)
    error("the step of a loop is at least 1");
  constexpr int64_t most = TextLimits::magnitude;
  if (s.begin < -most || s.begin > most || s.end < -most || s.end > most)
    error(fmt::format("the range of a loop lies beyond {}", most));
  bool empty = s.begin >= s.end;
  if (fits) {
    int64_t step = std::max<int64_t>(1, s.step);
    int64_t last = empty ? s.begin : s.begin + (s.end - 1 - s.begin) / step * step;
    loops_[s.loop] = {Life::alive, s.begin, last, empty};
  }
  dead_ += empty;
  if (levels_.size() > static_cast<size_t>(TextLimits::nesting)) {
    error(fmt::format("loops are nested deeper than {}", TextLimits::nesting));
    levels_.push_back({&s, &kernel_.body, kernel_.body.size(), {}, {}}); // not walked
    return;
  }
  levels_.push_back({&s, &s.body, 0, {}, {}});
}

void KernelVerifier::close() {
  Level& level = levels_.back();
  for (ValueId v : level.values)
    values_[v] = Life::over;
  for (TileId t : level.tiles)
    tiles_[t] = Life::over;
  if (level.owner) {
    if (level.owner->loop < loops_.size())
      loops_[level.owner->loop].life = Life::over;
    dead_ -= level.owner->begin >= level.owner->end;
  }
  levels_.pop_back();
}

void KernelVerifier::define(const Statement& s) {
  bool gives = s.kind == StatementKind::Compute || s.kind == StatementKind::Index ||
               s.kind == StatementKind::Load || s.kind == StatementKind::Get ||
               s.kind == StatementKind::Join;
  if (!gives)
    return;
  if (s.result >= values_.size())
    return error(
        fmt::format("value %{} lies beyond the {} values of the kernel", s.result, values_.size()));
  if (values_[s.result] != Life::unknown)
    return error(fmt::format("%{} is defined twice", s.result));
  if (s.type.lanes < 1 || s.type.lanes > most_lanes)
    error(fmt::format("a vector of {} lanes", s.type.lanes));
  values_[s.result] = Life::alive;
  value_types_[s.result] = s.type;
  levels_.back().values.push_back(s.result);
}

bool KernelVerifier::use(ValueId value, ValueType& type) {
  if (value >= values_.size() || values_[value] != Life::alive) {
    bool over = value < values_.size() && values_[value] == Life::over;
    error(value == none
              ? "an operand is missing"
              : fmt::format("%{} is not defined {}", value,
                            over ? "here; it ends with the loop that defines it" : "above"));
    return false;
  }
  type = value_types_[value];
  return true;
}

// Statements.

void KernelVerifier::compute(const Statement& s) {
  std::string_view what = name(s.op);
  int operands = operand_count(s.op);
  if (s.op == ScalarOp::call) {
    if (s.bits >= opcode_count || !is_elementary(static_cast<Opcode>(s.bits)))
      return error("a call names no elementary function");
    what = gdjit::name(static_cast<Opcode>(s.bits));
    operands = gdjit::operand_count(static_cast<Opcode>(s.bits));
    if (program_.stage != Stage::Loops)
      return error(fmt::format("{} is called at stage {}: functions are written out behind loops",
                               what, gdjit::name(program_.stage)));
  }
  if (static_cast<int>(s.operands.size()) != operands)
    return error(fmt::format("{} takes {} operands, {} given", what, operands, s.operands.size()));
  std::vector<DType> types;
  for (ValueId operand : s.operands) {
    ValueType type;
    if (!use(operand, type))
      return;
    if (type.lanes != 1 && type.lanes != s.type.lanes)
      error(fmt::format("%{} is {}, the result {}: lanes differ", operand, to_string(type),
                        to_string(s.type)));
    types.push_back(type.dtype);
  }
  if (std::string problem = operation_problem(s.op, s.type.dtype, types); !problem.empty())
    error(fmt::format("{}: {}", name(s.op), problem));
}

void KernelVerifier::load(const Statement& s) {
  if (s.buffer >= program_.buffers.size())
    return error("a buffer that does not exist");
  const Buffer& buffer = program_.buffers[s.buffer];
  if (s.type.dtype != buffer.type.dtype)
    error(fmt::format("'{}' holds {}, the result is {}", buffer.name, to_string(buffer.type),
                      to_string(s.type)));
  indices(s, {buffer.type.shape.begin(), buffer.type.shape.end()}, s.mask != none, false);
  mask(s);
  if ((s.mask == none) != (s.fill == none))
    error("a load has both a mask ('if') and what masked lanes give ('else'), or neither");
  if (ValueType type;
      s.fill != none && use(s.fill, type) &&
      (type.dtype != s.type.dtype || (type.lanes != 1 && type.lanes != s.type.lanes)))
    error(fmt::format("what masked lanes give is {}, the result {}", to_string(type),
                      to_string(s.type)));
}

void KernelVerifier::store(const Statement& s) {
  if (s.buffer >= program_.buffers.size())
    return error("a buffer that does not exist");
  const Buffer& buffer = program_.buffers[s.buffer];
  if (!may_be_stored(program_, s.buffer))
    error(fmt::format("'{}' is {}, nothing may be stored there", buffer.name, name(buffer.role)));
  if (s.type.dtype != buffer.type.dtype)
    error(fmt::format("'{}' holds {}, the value is {}", buffer.name, to_string(buffer.type),
                      to_string(s.type)));
  indices(s, {buffer.type.shape.begin(), buffer.type.shape.end()}, s.mask != none, false);
  operand(s, s.type.dtype, s.type.lanes);
  mask(s);
  const bool side_by_side =
      !s.index.empty() && s.index.back().lane == 1 &&
      std::all_of(s.index.begin(), s.index.end() - 1, [](const Index& i) { return i.lane == 0; });
  if (s.streaming && (!side_by_side || s.mask != none || s.type.lanes == 1))
    error("a streaming store writes whole vectors of elements side by side");
}

void KernelVerifier::prefetch(const Statement& s) {
  if (s.buffer >= program_.buffers.size())
    return error("a buffer that does not exist");
  const Buffer& buffer = program_.buffers[s.buffer];
  if (s.type != ValueType{buffer.type.dtype, 1})
    error(fmt::format("'{}' holds {}, a prefetch names one element of it, no {}", buffer.name,
                      to_string(buffer.type), to_string(s.type)));
  if (s.mask != none)
    error("a prefetch has no mask");
  for (const Index& i : s.index)
    if (i.dynamic != none)
      error("a prefetch is indexed by loops and numbers only");
  indices(s, {buffer.type.shape.begin(), buffer.type.shape.end()}, true, false);
}

void KernelVerifier::check(const Statement& s) {
  operand(s, DType::boolean, s.type.lanes);
  one_index(s);
  mask(s);
  if (s.node == no_node)
    error("a check needs the node that it reports ('@12')");
}

void KernelVerifier::operand(const Statement& s, DType dtype, uint16_t lanes) {
  if (s.operands.size() != 1)
    return error("one operand is needed");
  ValueType type;
  if (use(s.operands[0], type) && (type.dtype != dtype || (type.lanes != 1 && type.lanes != lanes)))
    error(fmt::format("%{} is {}, expected {}", s.operands[0], to_string(type),
                      to_string({dtype, lanes})));
}

void KernelVerifier::mask(const Statement& s) {
  ValueType type;
  if (s.mask != none && use(s.mask, type) &&
      (type.dtype != DType::boolean || (type.lanes != 1 && type.lanes != s.type.lanes)))
    error(fmt::format("the mask %{} is {}, expected {}", s.mask, to_string(type),
                      to_string({DType::boolean, s.type.lanes})));
}

// Indices.

void KernelVerifier::one_index(const Statement& s) {
  if (s.index.size() != 1)
    return error("one index is needed");
  if (s.kind == StatementKind::Index && s.type.dtype != DType::i64)
    error(fmt::format("an index is i64, not {}", to_string(s.type)));
  index(s, s.index[0], -1, true);
}

void KernelVerifier::indices(const Statement& s, const std::vector<int64_t>& extents, bool guarded,
                             bool of_tile) {
  if (s.index.size() != extents.size())
    return error(fmt::format("{} indices for rank {}", s.index.size(), extents.size()));
  for (size_t i = 0; i < extents.size(); ++i) {
    if (of_tile && (s.index[i].lane != 0 || s.index[i].dynamic != none))
      error("a tile is indexed by loops and numbers only");
    index(s, s.index[i], extents[i], guarded);
  }
}

/// `extent` is -1 where any number will do; a guarded access may leave [0, extent) in masked lanes.
void KernelVerifier::index(const Statement& s, const Index& i, int64_t extent, bool guarded) {
  Wide least = i.affine.constant, most = i.affine.constant;
  LoopId before = none;
  for (const Term& term : i.affine.terms) {
    if (term.loop >= loops_.size() || loops_[term.loop].life != Life::alive)
      return error(fmt::format("an index uses loop {}, which is not around", term.loop));
    if (term.factor == 0 || (before != none && term.loop <= before))
      error("the terms of an index ascend by loop, none with factor 0");
    before = term.loop;
    Wide a = Wide{term.factor} * loops_[term.loop].first;
    Wide b = Wide{term.factor} * loops_[term.loop].last;
    least += std::min(a, b);
    most += std::max(a, b);
  }
  if (i.lane != 0 && s.type.lanes == 1)
    error("'lane' in the index of a scalar access");
  Wide across = Wide{i.lane} * (s.type.lanes - 1);
  least += std::min<Wide>(0, across);
  most += std::max<Wide>(0, across);
  constexpr Wide limit = Wide{1} << 62;
  if (least < -limit || most > limit)
    return error("an index leaves the range of 64-bit integers");
  if (i.dynamic != none) {
    if (ValueType type; use(i.dynamic, type) && (type.dtype != DType::i64 ||
                                                 (type.lanes != 1 && type.lanes != s.type.lanes)))
      error(fmt::format("%{} is {}, an index needs {}", i.dynamic, to_string(type),
                        to_string({DType::i64, s.type.lanes})));
    return;
  }
  if (extent < 0 || guarded || dead_ > 0 || (least >= 0 && most < extent))
    return;
  error(fmt::format("an index runs from {} to {}, the extent is {}", static_cast<int64_t>(least),
                    static_cast<int64_t>(most), extent));
}

} // namespace gdjit::loop
