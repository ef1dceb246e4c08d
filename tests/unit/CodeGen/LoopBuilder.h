// LoopBuilder: writes planned programs of one or several kernels for tests, each buffer in a place
// of its own.
#pragma once

#include "gdjit/IR/Call.h"
#include "gdjit/Loop/Program.h"

#include <algorithm>

namespace gdjit::test {

using loop::BufferId;
using loop::Index;
using loop::LoopId;
using loop::LoopKind;
using loop::ScalarOp;
using loop::Statement;
using loop::StatementKind;
using loop::TileId;
using loop::ValueId;
using loop::ValueType;

inline Index fixed(int64_t constant) { return {{constant, {}}, loop::none, 0}; }
inline Index at(LoopId loop, int64_t lane = 0, int64_t factor = 1, int64_t constant = 0) {
  return {{constant, {{loop, factor}}}, loop::none, lane};
}
inline Index dynamic(ValueId value) { return {{0, {}}, value, 0}; }

class LoopBuilder {
public:
  LoopBuilder() { kernel("k0"); }

  BufferId input(const std::string& name, TensorType type) {
    program_.signature.inputs.push_back({name, type, -1, {}});
    return buffer(name, type, loop::BufferRole::input, program_.signature.inputs.size() - 1);
  }
  BufferId state(const std::string& name, TensorType type) {
    program_.signature.states.push_back({name, type, {}, {}});
    return buffer(name, type, loop::BufferRole::state, program_.signature.states.size() - 1);
  }
  BufferId scalar(const std::string& name, DType dtype, double initial = 0,
                  bool has_default = false) {
    program_.signature.scalars.push_back({name, dtype, initial, has_default, {}});
    return buffer(name, {dtype, {}}, loop::BufferRole::scalar,
                  program_.signature.scalars.size() - 1);
  }
  BufferId output(const std::string& name, TensorType type) {
    program_.signature.outputs.push_back({name, type, -1, {}});
    return buffer(name, type, loop::BufferRole::output, program_.signature.outputs.size() - 1);
  }
  BufferId temporary(const std::string& name, TensorType type) {
    return buffer(name, type, loop::BufferRole::temporary, 0);
  }
  BufferId constant(const std::string& name, Array value) {
    BufferId b = buffer(name, value.type(), loop::BufferRole::constant, 0);
    program_.buffers[b].literal = std::make_shared<Array>(std::move(value));
    return b;
  }
  /// Updates a state in place.
  BufferId update(BufferId state) {
    program_.signature.updates.push_back({program_.buffers[state].number, {}});
    BufferId b = buffer(program_.buffers[state].name + ".next", program_.buffers[state].type,
                        loop::BufferRole::update, program_.signature.updates.size() - 1);
    program_.buffers[b].same_as = state;
    return b;
  }
  BufferId view(BufferId of, Shape shape) {
    BufferId b =
        buffer("view", {program_.buffers[of].type.dtype, shape}, loop::BufferRole::temporary, 0);
    program_.buffers[b].same_as = of;
    return b;
  }

  void kernel(const std::string& name) {
    close();
    program_.kernels.push_back({name, "title of " + name, "", {}, 0, 0, 0, {}});
  }

  LoopId begin(int64_t first, int64_t behind, int64_t step = 1,
               LoopKind kind = LoopKind::sequential) {
    Statement s = make(StatementKind::For);
    s.loop = top().loops++;
    top().loop_names.push_back("i" + std::to_string(s.loop));
    s.begin = first;
    s.end = behind;
    s.step = step;
    s.loop_kind = kind;
    open_.push_back(std::move(s));
    return open_.back().loop;
  }
  void end() {
    Statement s = std::move(open_.back());
    open_.pop_back();
    add(std::move(s));
  }

  ValueId constant(ValueType type, double value) {
    return bits(type, loop::to_bits(type.dtype, value));
  }
  ValueId bits(ValueType type, loop::Bits bits) {
    Statement s = make(StatementKind::Compute, type);
    s.bits = bits;
    return define(std::move(s));
  }
  ValueId compute(ScalarOp op, ValueType type, std::vector<ValueId> operands) {
    Statement s = make(StatementKind::Compute, type);
    s.op = op;
    s.operands.assign(operands.begin(), operands.end());
    return define(std::move(s));
  }
  ValueId index(Index index, uint16_t lanes = 1) {
    Statement s = make(StatementKind::Index, {DType::i64, lanes});
    s.index = {std::move(index)};
    return define(std::move(s));
  }
  ValueId load(BufferId buffer, std::vector<Index> index, uint16_t lanes = 1,
               ValueId mask = loop::none, ValueId fill = loop::none) {
    Statement s = make(StatementKind::Load, {program_.buffers[buffer].type.dtype, lanes});
    s.buffer = buffer;
    s.index = std::move(index);
    s.mask = mask;
    s.fill = fill;
    return define(std::move(s));
  }
  void store(BufferId buffer, std::vector<Index> index, ValueId value, uint16_t lanes = 1,
             ValueId mask = loop::none) {
    Statement s = make(StatementKind::Store, {program_.buffers[buffer].type.dtype, lanes});
    s.buffer = buffer;
    s.index = std::move(index);
    s.operands = {value};
    s.mask = mask;
    add(std::move(s));
  }
  /// A vector of elements side by side, past the caches.
  void stream(BufferId buffer, std::vector<Index> index, ValueId value, uint16_t lanes) {
    store(buffer, std::move(index), value, lanes);
    body().back().streaming = true;
  }
  TileId tile(ValueType type, std::vector<int64_t> extents, double start) {
    Statement s = make(StatementKind::Tile, type);
    s.tile = top().tiles++;
    s.extents = std::move(extents);
    s.bits = loop::to_bits(type.dtype, start);
    TileId id = s.tile;
    tile_types_.resize(std::max<size_t>(tile_types_.size(), id + 1));
    tile_types_[id] = type;
    add(std::move(s));
    return id;
  }
  ValueId get(TileId tile, std::vector<Index> index) {
    Statement s = make(StatementKind::Get, tile_types_[tile]);
    s.tile = tile;
    s.index = std::move(index);
    return define(std::move(s));
  }
  void set(TileId tile, std::vector<Index> index, ValueId value, ValueId mask = loop::none) {
    Statement s = make(StatementKind::Set, tile_types_[tile]);
    s.tile = tile;
    s.index = std::move(index);
    s.operands = {value};
    s.mask = mask;
    add(std::move(s));
  }
  /// Of the part that `index` names; with several lanes a row of it in each.
  ValueId join(TileId tile, ScalarOp op, std::vector<Index> index = {}, uint16_t lanes = 1) {
    Statement s = make(StatementKind::Join, {tile_types_[tile].dtype, lanes});
    s.tile = tile;
    s.op = op;
    s.index = std::move(index);
    return define(std::move(s));
  }
  void transpose(TileId tile, std::vector<Index> index = {}) {
    Statement s = make(StatementKind::Transpose, tile_types_[tile]);
    s.tile = tile;
    s.index = std::move(index);
    add(std::move(s));
  }
  void check(ValueId value, Index position, NodeId node, ValueId mask = loop::none,
             uint16_t lanes = 1) {
    Statement s = make(StatementKind::Check, {DType::boolean, lanes});
    s.operands = {value};
    s.index = {std::move(position)};
    s.mask = mask;
    s.node = node;
    add(std::move(s));
  }

  loop::Program finish() {
    close();
    program_.stage = Stage::Planned;
    program_.signature.name = "test";
    for (loop::Buffer& b : program_.buffers) {
      if (b.same_as != loop::none)
        b.place = loop::Place::shared;
      else if (b.role == loop::BufferRole::constant)
        b.place = loop::Place::constant;
      else if (b.role == loop::BufferRole::temporary || b.role == loop::BufferRole::output) {
        b.place = loop::Place::arena;
        b.offset = program_.arena_bytes;
        program_.arena_bytes += (b.type.bytes() + 63) / 64 * 64;
      } else
        b.place = loop::Place::argument;
    }
    return program_;
  }

  loop::Program& program() { return program_; }

private:
  loop::Kernel& top() { return program_.kernels.back(); }
  static Statement make(StatementKind kind, ValueType type = {}) {
    Statement s;
    s.kind = kind;
    s.type = type;
    return s;
  }
  ValueId define(Statement s) {
    s.result = top().values++;
    ValueId id = s.result;
    add(std::move(s));
    return id;
  }
  std::vector<Statement>& body() { return open_.empty() ? top().body : open_.back().body; }
  void add(Statement s) { body().push_back(std::move(s)); }
  void close() {
    while (!open_.empty())
      end();
  }
  BufferId buffer(const std::string& name, TensorType type, loop::BufferRole role, size_t number) {
    loop::Buffer b;
    b.name = name;
    b.type = type;
    b.role = role;
    b.number = static_cast<uint32_t>(number);
    program_.buffers.push_back(std::move(b));
    return static_cast<BufferId>(program_.buffers.size() - 1);
  }

  loop::Program program_;
  std::vector<Statement> open_;
  std::vector<ValueType> tile_types_;
};

} // namespace gdjit::test
