// Kernels up to their buffers: parameters, alias pattern, and the key by which equal kernels are
// found.
#include "KernelShape.h"

#include "gdjit/CodeGen/CodeGen.h"
#include "gdjit/Support/Error.h"

#include <algorithm>
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

constexpr int64_t too_many = int64_t{1} << 40; ///< statements: where counting ends

/// Walks a kernel once and writes what matters of it, ids replaced by their order of appearance.
class KeyWriter {
public:
  KeyWriter(const loop::Program& program, const loop::Kernel& kernel, KernelShape& shape)
      : program_(program), shape_(shape), loops_(kernel.loops), values_(kernel.values),
        tiles_(kernel.tiles) {}

  void body(const std::vector<Statement>& statements, int64_t times) {
    put(static_cast<int64_t>(statements.size()));
    for (const Statement& s : statements)
      statement(s, times);
  }

  void parameters() {
    for (const Parameter& p : shape_.parameters) {
      put(p.alignment);
      put(p.bytes);
      put(p.written * 2 + p.alone);
    }
  }

  /// The key as bytes, to be looked up.
  void finish() {
    shape_.key.assign(reinterpret_cast<const char*>(key_.data()), key_.size() * sizeof key_[0]);
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
    if (seen_.try_emplace(buffer, 0).second) {
      shape_.named.push_back(buffer);
      shape_.parameter_of.emplace_back(buffer, static_cast<uint32_t>(at->second));
    }
    put(static_cast<int64_t>(at->second));
    const TensorType& type = program_.buffers[buffer].type; // views differ in shape
    put(static_cast<int64_t>(type.dtype));
    put(type.shape.rank());
    for (int64_t extent : type.shape)
      put(extent);
  }

  void put_index(const loop::Index& index) {
    put(index.affine.constant);
    put(static_cast<int64_t>(index.affine.terms.size()));
    for (const loop::Term& term : index.affine.terms) {
      put_id(loops_, term.loop);
      put(term.factor);
    }
    put_id(values_, index.dynamic);
    put(index.lane);
  }

  void statement(const Statement& s, int64_t times) {
    shape_.statements = std::min(shape_.statements + times, too_many);
    put(static_cast<int64_t>(s.kind) | static_cast<int64_t>(s.op) << 8 |
        static_cast<int64_t>(s.loop_kind) << 16 | static_cast<int64_t>(s.type.dtype) << 24 |
        static_cast<int64_t>(s.type.lanes) << 32);
    put(static_cast<int64_t>(s.operands.size())); // lengths first: no key begins another
    for (loop::ValueId operand : s.operands)
      put_id(values_, operand);
    put_id(values_, s.mask);
    put_id(values_, s.fill);
    put_id(values_, s.result);
    put_id(tiles_, s.tile);
    put_buffer(s.buffer, s.kind == StatementKind::Store);
    put_id(loops_, s.loop);
    put(s.begin);
    put(s.end);
    put(s.step);
    if (is_free_literal(s))
      shape_.literals.push_back(s.bits);
    else
      put(static_cast<int64_t>(s.bits));
    put(static_cast<int64_t>(s.extents.size()));
    for (int64_t extent : s.extents)
      put(extent);
    put(static_cast<int64_t>(s.index.size()));
    for (const loop::Index& index : s.index)
      put_index(index);
    if (s.kind == StatementKind::Check)
      shape_.checks.push_back(s.node);
    int64_t turns =
        s.loop_kind == loop::LoopKind::unrolled ? std::max<int64_t>(1, loop::turns(s)) : 1;
    body(s.body, turns > too_many / times ? too_many : times * turns);
  }

  const loop::Program& program_;
  KernelShape& shape_;
  std::unordered_map<BufferId, size_t> parameter_;
  std::unordered_map<BufferId, int> seen_;
  Ids loops_, values_, tiles_;
  std::vector<int64_t> key_;
};

} // namespace

bool is_free_literal(const Statement& s) {
  constexpr int64_t large = 1 << 16;
  if (s.kind != StatementKind::Compute || s.op != loop::ScalarOp::constant)
    return false;
  auto number =
      s.type.dtype == DType::i32 ? static_cast<int32_t>(s.bits) : static_cast<int64_t>(s.bits);
  return is_float(s.type.dtype) ||
         (is_integer(s.type.dtype) && (number >= large || number <= -large));
}

uint32_t KernelShape::parameter(BufferId buffer) const {
  auto at = std::lower_bound(parameter_of.begin(), parameter_of.end(), std::pair(buffer, 0u));
  GDJIT_CHECK(at != parameter_of.end() && at->first == buffer);
  return at->second;
}

KernelShape shape_of(const loop::Program& program, const loop::Kernel& kernel) {
  KernelShape shape;
  KeyWriter writer(program, kernel, shape);
  writer.body(kernel.body, 1);
  std::sort(shape.parameter_of.begin(), shape.parameter_of.end());
  find_overlaps(program, shape.parameters);
  writer.parameters();
  writer.finish();
  return shape;
}

std::vector<BufferId> arguments_for(const KernelShape& holder, const loop::Program& program,
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
  std::vector<BufferId> arguments;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Parameter &own = parameters[i], &known = holder.parameters[i];
    if (own.alignment != known.alignment || own.bytes != known.bytes || own.alone != known.alone)
      return {};
    arguments.push_back(own.memory);
  }
  return arguments;
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

} // namespace gdjit::codegen
