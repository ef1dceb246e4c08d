// Kernels up to their buffers: parameters, alias pattern, and the key by which equal kernels are
// found.
#include "KernelShape.h"

#include "gdjit/CodeGen/CodeGen.h"
#include "gdjit/Loop/Rewrite.h"
#include "gdjit/Loop/ShortRows.h"
#include "gdjit/Support/Error.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <unordered_map>

namespace gdjit::codegen {

namespace {

using loop::Buffer;
using loop::BufferId;
using loop::Place;
using loop::Statement;
using loop::StatementKind;

int64_t alignment_of(const Buffer& buffer) {
  constexpr auto full = static_cast<int64_t>(Array::alignment);
  switch (buffer.role) {
  case loop::BufferRole::input:
    return byte_size(buffer.type.dtype); // whatever the caller has
  case loop::BufferRole::scalar:
    return 8;
  default:
    return buffer.place == Place::arena ? std::gcd(full, buffer.offset) : full;
  }
}

bool overlap(const Buffer& a, const Buffer& b) {
  return a.place == Place::arena && b.place == Place::arena &&
         a.offset < b.offset + b.type.bytes() && b.offset < a.offset + a.type.bytes();
}

Parameter parameter_in(const Buffer& owner, BufferId memory) {
  return {memory, alignment_of(owner), owner.type.bytes(), false, true};
}

/// What is known of both.
void take_in(Parameter& own, const Parameter& other) {
  own.bytes = std::min(own.bytes, other.bytes);
  own.alignment = std::min(own.alignment, other.alignment);
}

/// Slots of the arena are shared by live range, so that two of them may overlap within one kernel.
void find_overlaps(const loop::Program& program, std::vector<Parameter>& parameters) {
  std::vector<Parameter*> in_arena;
  for (Parameter& p : parameters)
    if (program.buffers[p.memory].place == Place::arena && p.bytes > 0)
      in_arena.push_back(&p);
  auto at = [&](const Parameter* p) -> const Buffer& { return program.buffers[p->memory]; };
  std::sort(in_arena.begin(), in_arena.end(),
            [&](auto* a, auto* b) { return at(a).offset < at(b).offset; });
  for (size_t i = 0; i < in_arena.size(); ++i)
    for (size_t j = i + 1; j < in_arena.size() && overlap(at(in_arena[i]), at(in_arena[j])); ++j)
      in_arena[i]->alone = in_arena[j]->alone = false;
}

constexpr int64_t too_many = int64_t{1} << 40; ///< operations: where counting ends

/// Bytes of a kernel's tiles whose extents need not be known: the stack's bound is checked by those
/// that are.
constexpr int64_t most_of_any_extent = 1 << 16;

/// True for a constant that may always differ: any float, and numbers too large to be indices,
/// shifts or masks, of which code is better when it knows them.
bool is_free_literal(const Statement& s) {
  constexpr int64_t large = 1 << 16;
  auto number =
      s.type.dtype == DType::i32 ? static_cast<int32_t>(s.bits) : static_cast<int64_t>(s.bits);
  return is_float(s.type.dtype) ||
         (is_integer(s.type.dtype) && (number >= large || number <= -large));
}

/// True for a loop of which it costs nothing that its end is read from memory, since each turn does
/// much: the rows of a layer, of which the parts of the data have different numbers.
bool is_free_end(const Statement& loop) {
  constexpr int64_t much = 32; ///< statements
  int64_t statements = 0;
  loop::for_each(loop.body, [&](const Statement&) { ++statements; });
  return loop.loop_kind == loop::LoopKind::sequential && statements >= much;
}

/// Walks a kernel once and writes what matters of it, ids replaced by their order of appearance,
/// numbers apart.
class KeyWriter {
public:
  KeyWriter(const loop::Program& program, const loop::Kernel& kernel, KernelShape& shape)
      : program_(program), shape_(shape), loops_(kernel.loops), values_(kernel.values),
        tiles_(kernel.tiles), is_whole_(kernel.tiles) {
    loop::for_each(kernel.body, [&](const Statement& s) {
      if ((s.kind == StatementKind::Join || s.kind == StatementKind::Transpose) && s.index.empty())
        is_whole_[s.tile] = true;
    });
  }

  void body(const std::vector<Statement>& statements, int64_t times) {
    put(static_cast<int64_t>(statements.size()));
    for (const Statement& s : statements)
      statement(s, times);
  }

  void parameters() {
    for (const Parameter& p : shape_.parameters)
      put(p.written * 2 + p.alone);
  }

  /// The structure as bytes, to be looked up.
  void finish() {
    shape_.structure.assign(reinterpret_cast<const char*>(key_.data()),
                            key_.size() * sizeof key_[0]);
  }

private:
  /// Numbers 0, 1 … by id, as they appear.
  struct Ids {
    explicit Ids(uint32_t size) : numbers(size, loop::none) {}
    uint32_t of(uint32_t id) {
      if (numbers[id] == loop::none)
        numbers[id] = next++;
      return numbers[id];
    }
    std::vector<uint32_t> numbers;
    uint32_t next = 0;
  };

  void put(int64_t number) { key_.push_back(number); }
  void number(const int64_t& field, bool free = false) {
    shape_.numbers.push_back({static_cast<loop::Bits>(field), &field, free});
  }
  /// Of which signs are known: what may be negative is addressed otherwise.
  void signed_number(const int64_t& field) {
    put(field < 0);
    number(field);
  }
  void put_id(Ids& ids, uint32_t id) { put(id == loop::none ? -1 : ids.of(id)); }

  void put_buffer(BufferId buffer, bool written) {
    if (buffer == loop::none)
      return put(-1);
    BufferId memory = storage(program_, buffer);
    auto [at, added] = parameter_.try_emplace(memory, shape_.parameters.size());
    if (added) {
      const Buffer& owner = program_.buffers[memory];
      shape_.parameters.push_back(parameter_in(owner, memory));
    }
    shape_.parameters[at->second].written |= written;
    auto [named, first] = named_.try_emplace(buffer, static_cast<int64_t>(named_.size()));
    put(named->second);
    if (!first)
      return;
    shape_.named.push_back(buffer);
    shape_.parameter_of.emplace_back(buffer, static_cast<uint32_t>(at->second));
    put(static_cast<int64_t>(at->second));
    const TensorType& type = program_.buffers[buffer].type; // views differ in shape
    put(static_cast<int64_t>(type.dtype));
    put(type.shape.rank());
    for (const int64_t& extent : type.shape) // the first one is in no element's address
      number(extent, &extent == type.shape.begin());
  }

  /// The steps of lanes are known: of the axes behind one along which they go, the extents.
  void put_lane_steps(const Statement& s) {
    if (s.buffer == loop::none)
      return;
    const Shape& shape = program_.buffers[s.buffer].type.shape;
    bool across = false;
    for (size_t axis = 0; axis < s.index.size(); ++axis) {
      if (across)
        put(shape[static_cast<int>(axis)]);
      across |= s.index[axis].lane != 0;
    }
  }

  /// Elements of tiles are registers: which, is known.
  void put_index(const loop::Index& index, bool of_tile) {
    of_tile ? put(index.affine.constant) : signed_number(index.affine.constant);
    put(static_cast<int64_t>(index.affine.terms.size()));
    for (const loop::Term& term : index.affine.terms) {
      put_id(loops_, term.loop);
      of_tile ? put(term.factor) : signed_number(term.factor);
    }
    put_id(values_, index.dynamic);
    put(index.lane);
  }

  /// How long a tile is along its first axis need not be known where its elements are only named
  /// one by one.
  void extents(const Statement& s) {
    put(static_cast<int64_t>(s.extents.size()));
    int64_t bytes = s.type.lanes * byte_size(s.type.dtype);
    for (int64_t extent : s.extents)
      bytes = extent == 0 || bytes > most_of_any_extent ? most_of_any_extent + 1 : bytes * extent;
    const bool known = s.tile == loop::none || s.extents.empty() || is_whole_[s.tile] ||
                       any_extent_bytes_ + bytes > most_of_any_extent;
    any_extent_bytes_ += known ? 0 : bytes;
    for (const int64_t& extent : s.extents)
      if (&extent == s.extents.data() && !known)
        number(extent);
      else
        put(extent);
  }

  void statement(const Statement& s, int64_t times) {
    shape_.operations =
        std::min(shape_.operations + times * loop::operations_of(program_, s), too_many);
    put(static_cast<int64_t>(s.kind) | static_cast<int64_t>(s.op) << 8 |
        static_cast<int64_t>(s.loop_kind) << 16 | static_cast<int64_t>(s.streaming) << 20 |
        static_cast<int64_t>(s.type.dtype) << 24 | static_cast<int64_t>(s.type.lanes) << 32);
    put(static_cast<int64_t>(s.operands.size())); // lengths first: no key begins another
    for (loop::ValueId operand : s.operands)
      put_id(values_, operand);
    put_id(values_, s.mask);
    put_id(values_, s.fill);
    put_id(values_, s.result);
    put_id(tiles_, s.tile);
    put_buffer(s.buffer, s.kind == StatementKind::Store);
    put_id(loops_, s.loop);
    put(s.step);
    if (s.kind == StatementKind::For && s.loop_kind != loop::LoopKind::unrolled) {
      signed_number(s.begin);
      number(s.end, is_free_end(s));
    } else {
      put(s.begin);
      put(s.end);
    }
    if (s.kind == StatementKind::Compute && s.op == loop::ScalarOp::constant)
      shape_.numbers.push_back({s.bits, &s.bits, is_free_literal(s)});
    else
      put(static_cast<int64_t>(s.bits));
    extents(s);
    put(static_cast<int64_t>(s.index.size()));
    for (const loop::Index& index : s.index)
      put_index(index, s.tile != loop::none);
    put_lane_steps(s);
    if (s.kind == StatementKind::Check)
      shape_.checks.push_back(s.node);
    int64_t turns =
        s.loop_kind == loop::LoopKind::unrolled ? std::max<int64_t>(1, loop::turns(s)) : 1;
    body(s.body, turns > too_many / times ? too_many : times * turns);
  }

  const loop::Program& program_;
  KernelShape& shape_;
  std::unordered_map<BufferId, size_t> parameter_;
  std::unordered_map<BufferId, int64_t> named_;
  Ids loops_, values_, tiles_;
  std::vector<bool> is_whole_; ///< tiles of which a statement takes all elements
  int64_t any_extent_bytes_ = 0;
  std::vector<int64_t> key_;
};

/// Operations in a call, those in a loop as often as it turns.
int64_t executed(const loop::Program& program, const std::vector<Statement>& body) {
  int64_t sum = 0;
  for (const Statement& s : body) {
    const int64_t inside = executed(program, s.body), turns = std::max<int64_t>(0, loop::turns(s));
    const bool uncountable = inside > 0 && turns > too_many / inside;
    sum =
        std::min(sum + loop::operations_of(program, s) + (uncountable ? too_many : turns * inside),
                 too_many);
  }
  return sum;
}

} // namespace

uint32_t KernelShape::parameter(BufferId buffer) const {
  auto at = std::lower_bound(parameter_of.begin(), parameter_of.end(), std::pair(buffer, 0u));
  GDJIT_CHECK(at != parameter_of.end() && at->first == buffer);
  return at->second;
}

KernelShape shape_of(const loop::Program& program, const loop::Kernel& kernel) {
  KernelShape shape;
  KeyWriter writer(program, kernel, shape);
  writer.body(kernel.body, 1);
  shape.executed = executed(program, kernel.body);
  std::sort(shape.parameter_of.begin(), shape.parameter_of.end());
  find_overlaps(program, shape.parameters);
  writer.parameters();
  writer.finish();
  return shape;
}

std::vector<BufferId> arguments_for(KernelShape& holder, const loop::Program& program,
                                    const loop::KernelView& kernel) {
  std::vector<Parameter> parameters;
  for (BufferId named : holder.named) {
    const BufferId memory = storage(program, kernel.buffer(named));
    auto known = std::ranges::find(parameters, memory, &Parameter::memory);
    if (static_cast<uint32_t>(known - parameters.begin()) != holder.parameter(named))
      return {}; // what is one buffer for the one is two for the other
    if (known == parameters.end())
      parameters.push_back(parameter_in(program.buffers[memory], memory));
  }
  find_overlaps(program, parameters);
  if (!std::ranges::equal(parameters, holder.parameters, {}, &Parameter::alone, &Parameter::alone))
    return {};
  std::vector<BufferId> arguments;
  for (size_t i = 0; i < parameters.size(); ++i) {
    take_in(holder.parameters[i], parameters[i]);
    arguments.push_back(parameters[i].memory);
  }
  return arguments;
}

void serve(KernelShape& first, std::span<const KernelShape* const> others) {
  for (const KernelShape* other : others)
    for (size_t i = 0; i < first.parameters.size(); ++i)
      take_in(first.parameters[i], other->parameters[i]);
  std::map<std::vector<loop::Bits>, uint32_t> known; // a number's values in all kernels
  for (uint32_t i = 0; i < first.numbers.size(); ++i) {
    const bool equal = std::ranges::all_of(others, [&](const KernelShape* other) {
      return other->numbers[i].value == first.numbers[i].value;
    });
    if (equal)
      continue;
    std::vector<loop::Bits> values;
    for (const KernelShape* other : others)
      values.push_back(other->numbers[i].value);
    auto [at, added] =
        known.try_emplace(std::move(values), static_cast<uint32_t>(first.passed.size()));
    if (added)
      first.passed.push_back(i);
    first.slots[first.numbers[i].field] = at->second;
  }
}

void make_repeat(const loop::Program& program, KernelShape& shape) {
  shape.repeats = true;
  for (uint32_t i = 0; i < shape.parameters.size(); ++i) {
    const Buffer& buffer = program.buffers[shape.parameters[i].memory];
    if (buffer.role == loop::BufferRole::scalar &&
        program.signature.scalars[buffer.number].name == "step") {
      shape.step_number = i;
      shape.parameters[i].written = true;
    }
  }
}

void make_row_pass(const loop::Program& program, KernelShape& shape) {
  constexpr auto alignment = static_cast<int64_t>(Array::alignment);
  shape.passes_over_rows = true;
  RowPassShape& pass = shape.row_pass;
  for (const InputDecl& input : program.signature.inputs) // also where the kernel reads none
    if (input.batch_axis == 0)
      pass.rows = input.type.shape[0];
  for (uint32_t i = 0; i < shape.parameters.size(); ++i) {
    const Buffer& buffer = program.buffers[shape.parameters[i].memory];
    if (buffer.role != loop::BufferRole::input ||
        program.signature.inputs[buffer.number].batch_axis != 0)
      continue;
    pass.inputs.push_back({i, buffer.type.bytes() / pass.rows, pass.bytes});
    pass.bytes += (buffer.type.bytes() + alignment - 1) / alignment * alignment;
  }
  pass.bytes = pass.rows > 1 ? 2 * pass.bytes : 0;
  for (uint32_t row = 0; row < program.signature.outputs.size(); ++row) {
    if (program.signature.outputs[row].type.shape.rank() > 0)
      continue;
    for (BufferId b = 0; b < program.buffers.size(); ++b)
      if (program.buffers[b].role == loop::BufferRole::output && program.buffers[b].number == row)
        for (uint32_t i = 0; i < shape.parameters.size(); ++i)
          if (shape.parameters[i].memory == storage(program, b))
            pass.sums.push_back(i);
  }
}

} // namespace gdjit::codegen
