// Tiles as LLVM IR: registers where every index is constant, else arrays on the stack; joins and
// transpositions as shuffles.
#include "KernelEmitter.h"

#include "EmitScalar.h"

#include "gdjit/IR/PassContext.h"
#include "gdjit/Support/Error.h"

#include <bit>
#include <fmt/format.h>
#include <numeric>

namespace gdjit_llvm {

using gdjit::loop::Index;

namespace {

constexpr int64_t largest_register_tile = 1024; ///< elements; a larger tile is an array
constexpr size_t part_bytes = 16;               ///< of a vector, within which lanes interleave
constexpr size_t most_interleaved = 4;          ///< lanes of a part

} // namespace

/// True where the tile has too many elements for registers.
bool KernelEmitter::is_array(const Statement& tile) {
  return gdjit::loop::tile_elements(tile) > largest_register_tile;
}

llvm::Value* KernelEmitter::elements(const Statement& tile) {
  const int64_t count = gdjit::loop::tile_elements(tile);
  if (tile.extents.empty() || !is_passed(tile.extents.data()))
    return i64(count);
  return b_.CreateNSWMul(number(tile.extents[0]), i64(count / tile.extents[0]));
}

void KernelEmitter::declare(const Statement& s) {
  Tile& tile = tiles_[s.tile];
  const int64_t count = gdjit::loop::tile_elements(s);
  if (tile.elements.empty() && tile.array == nullptr) {
    constexpr int64_t most = gdjit::MachineTable{}.stack_bytes;
    const int64_t bytes = gdjit::loop::tile_bytes(s);
    tile_bytes_ += bytes;
    if (bytes > most || tile_bytes_ > most) {
      const gdjit::loop::Note* note = gdjit::loop::find_note(program_.notes, s.node);
      throw gdjit::Error(
          gdjit::ErrorCode::compile,
          fmt::format(
              "kernel {}: tile t{} takes {} bytes, and all tiles of the kernel up to it more "
              "than the {} that a thread's stack has room for; hold its elements in a "
              "temporary buffer, or move it to a kernel of its own",
              kernel_.name, s.tile, bytes, most),
          note == nullptr ? gdjit::SourceLocation{} : note->location);
    }
    tile.type = s.type;
    tile.extents = s.extents;
    llvm::IRBuilderBase::InsertPointGuard guard(b_);
    b_.SetInsertPoint(allocas_end_);
    llvm::Type* element = memory_type(b_.getContext(), s.type);
    std::string name = "t" + std::to_string(s.tile);
    if (dynamic_tile_[s.tile])
      tile.array = b_.CreateAlloca(element, elements(s), name);
    else
      for (int64_t i = 0; i < count; ++i)
        tile.elements.push_back(b_.CreateAlloca(element, nullptr, name));
  }
  Value* start = literal(b_.getContext(), s.type, s.bits);
  if (tile.array == nullptr) {
    for (llvm::AllocaInst* element : tile.elements)
      write(tile, element, start);
    return;
  }
  if (count == 0)
    return;
  // A loop, since the tile may be large.
  llvm::BasicBlock* before = b_.GetInsertBlock();
  llvm::BasicBlock* body = llvm::BasicBlock::Create(b_.getContext(), "start", function_);
  llvm::BasicBlock* behind = llvm::BasicBlock::Create(b_.getContext(), "started", function_);
  b_.CreateBr(body);
  b_.SetInsertPoint(body);
  llvm::PHINode* i = b_.CreatePHI(b_.getInt64Ty(), 2);
  i->addIncoming(i64(0), before);
  write(tile, b_.CreateInBoundsGEP(memory_type(b_.getContext(), s.type), tile.array, i), start);
  Value* next = b_.CreateNSWAdd(i, i64(1));
  i->addIncoming(next, body);
  b_.CreateCondBr(b_.CreateICmpSLT(next, elements(s)), body, behind);
  b_.SetInsertPoint(behind);
}

llvm::Value* KernelEmitter::tile_element(const Tile& tile, const std::vector<Index>& index,
                                         int64_t further) {
  Offset offset;
  int64_t stride = 1;
  for (size_t axis = tile.extents.size(); axis-- > 0; stride *= tile.extents[axis])
    if (axis < index.size())
      add(offset, index[axis], stride);
  offset.constant += further;
  if (tile.array == nullptr) {
    GDJIT_CHECK(offset.constant >= 0 &&
                offset.constant < static_cast<int64_t>(tile.elements.size()));
    return tile.elements[static_cast<size_t>(offset.constant)];
  }
  llvm::Value* at = i64(offset.constant);
  for (llvm::Value* part : {offset.variable, offset.dynamic})
    if (part != nullptr)
      at = b_.CreateAdd(part, at);
  return b_.CreateInBoundsGEP(memory_type(b_.getContext(), tile.type), tile.array, at);
}

llvm::Value* KernelEmitter::read(const Tile& tile, Value* address) {
  llvm::Value* element = b_.CreateLoad(memory_type(b_.getContext(), tile.type), address);
  return tile.type.dtype == gdjit::DType::boolean
             ? b_.CreateTrunc(element, value_type(b_.getContext(), tile.type))
             : element;
}

void KernelEmitter::write(const Tile& tile, Value* address, Value* value) {
  if (tile.type.dtype == gdjit::DType::boolean)
    value = b_.CreateZExt(value, memory_type(b_.getContext(), tile.type));
  b_.CreateStore(value, address);
}

void KernelEmitter::set(const Statement& s) {
  const Tile& tile = tiles_[s.tile];
  Value* at = tile_element(tile, s.index);
  Value* next = value(s.operands[0], tile.type.lanes);
  if (s.mask != gdjit::loop::none)
    next = b_.CreateSelect(value(s.mask, tile.type.lanes), next, read(tile, at));
  write(tile, at, next);
}

/// The addresses of all elements of the part of a tile that leading coordinates name.
llvm::SmallVector<llvm::Value*, 16> KernelEmitter::part(const Statement& s) {
  const Tile& tile = tiles_[s.tile];
  int64_t count = 1;
  for (size_t axis = s.index.size(); axis < tile.extents.size(); ++axis)
    count *= tile.extents[axis];
  llvm::SmallVector<Value*, 16> elements;
  for (int64_t e = 0; e < count; ++e)
    elements.push_back(tile_element(tile, s.index, e));
  return elements;
}

/// The halving tree over all partials, of which partial (element e, lane l) is number e * lanes +
/// l: first over elements, whole vectors at a time, then within the last vector. Several rows are
/// joined side by side: where their vectors are halved, the halves of two fill one.
void KernelEmitter::join(const Statement& s) {
  const Tile& tile = tiles_[s.tile];
  llvm::SmallVector<Value*, 16> elements = part(s);
  const size_t rows = s.type.lanes == 1 ? 1 : static_cast<size_t>(tile.extents[s.index.size()]);
  const size_t per_row = elements.size() / rows;
  ValueType type = tile.type;
  GDJIT_CHECK(std::has_single_bit(per_row) && std::has_single_bit(type.lanes));
  llvm::SmallVector<Value*, 16> joined;
  for (size_t row = 0; row < rows; ++row) {
    llvm::SmallVector<Value*, 16> partials;
    for (size_t e = 0; e < per_row; ++e)
      partials.push_back(read(tile, elements[row * per_row + e]));
    for (size_t half = per_row / 2; half > 0; half /= 2)
      for (size_t i = 0; i < half; ++i)
        partials[i] = emit_scalar(b_, s.op, type, type.dtype, {partials[i], partials[i + half]});
    joined.push_back(partials[0]);
  }
  define(s, s.type.lanes == 1 ? join_lanes(s.op, type, joined[0])
                              : join_rows(s.op, type, s.type.lanes, joined));
}

llvm::Value* KernelEmitter::join_lanes(gdjit::loop::ScalarOp op, ValueType type, Value* result) {
  while (type.lanes > 1) {
    int half = type.lanes / 2;
    llvm::SmallVector<int, 32> low(static_cast<size_t>(half));
    std::iota(low.begin(), low.end(), 0);
    llvm::SmallVector<int, 32> high(static_cast<size_t>(half));
    std::iota(high.begin(), high.end(), half);
    type.lanes = static_cast<uint16_t>(half);
    Value* a = half == 1 ? b_.CreateExtractElement(result, uint64_t{0})
                         : b_.CreateShuffleVector(result, low);
    Value* c = half == 1 ? b_.CreateExtractElement(result, uint64_t{1})
                         : b_.CreateShuffleVector(result, high);
    result = emit_scalar(b_, op, type, type.dtype, {a, c});
  }
  return result;
}

/// Row r's join in lane r of `lanes`, zeros behind. A vector holds `places` rows, each in a part of
/// its lanes: two vectors whose rows' parts are halved become one with twice as many rows.
llvm::Value* KernelEmitter::join_rows(gdjit::loop::ScalarOp op, ValueType type, uint16_t lanes,
                                      llvm::ArrayRef<Value*> joined) {
  struct Rows {
    Value* value;
    llvm::SmallVector<int, 16> row; ///< which lies in each part; -1 for none
  };
  llvm::SmallVector<Rows, 16> vectors;
  for (size_t r = 0; r < joined.size(); ++r)
    vectors.push_back({joined[r], {static_cast<int>(r)}});
  const int width = type.lanes;
  for (int part = width; part > 1; part /= 2) {
    const size_t pairs = (vectors.size() + 1) / 2;
    for (size_t v = 0; v < pairs; ++v) {
      const bool paired = v + pairs < vectors.size();
      Rows& a = vectors[v];
      llvm::SmallVector<int, 64> low, high;
      llvm::SmallVector<int, 16> row;
      for (int at = 0; at < width; at += part) { // a part of each, side by side
        for (int from : {0, width})
          for (int l = 0; l < part / 2; ++l) {
            low.push_back(from > 0 && !paired ? -1 : from + at + l);
            high.push_back(from > 0 && !paired ? -1 : from + at + part / 2 + l);
          }
        row.push_back(a.row[static_cast<size_t>(at / part)]);
        row.push_back(paired ? vectors[v + pairs].row[static_cast<size_t>(at / part)] : -1);
      }
      Value* b = paired ? vectors[v + pairs].value : llvm::PoisonValue::get(a.value->getType());
      a = {emit_scalar(
               b_, op, type, type.dtype,
               {b_.CreateShuffleVector(a.value, b, low), b_.CreateShuffleVector(a.value, b, high)}),
           row};
    }
    vectors.truncate(pairs);
  }
  // `width` rows or fewer a vector; those of all vectors in order, then zeros.
  Value* result = llvm::Constant::getNullValue(value_type(b_.getContext(), {type.dtype, lanes}));
  for (const Rows& rows : vectors) {
    llvm::SmallVector<int, 64> place(lanes, -1), merge;
    for (int l = 0; l < lanes; ++l)
      merge.push_back(l);
    for (size_t at = 0; at < rows.row.size(); ++at)
      if (rows.row[at] >= 0) {
        auto lane = static_cast<size_t>(rows.row[at]);
        place[lane] = static_cast<int>(at);
        merge[lane] = static_cast<int>(lane) + lanes;
      }
    result = b_.CreateShuffleVector(result, b_.CreateShuffleVector(rows.value, place), merge);
  }
  return result;
}

/// For each group of as many lanes as there are elements, in rounds that each make two vectors of
/// two. Within parts of 128 bits the lanes of both are interleaved, and of four parts every other
/// one is picked: shuffles of the parts' halves and of whole parts, of which processors do more at
/// once than of any lanes. Elsewhere element e and the one that differs from it in one bit of the
/// number exchange the lanes that do. Instruction selection tries to make one shuffle of each tree
/// of shuffles, which took a third of all compilation; fences, which are no instructions, keep each
/// round from the one before.
void KernelEmitter::transpose(const Statement& s) {
  const Tile& tile = tiles_[s.tile];
  llvm::SmallVector<Value*, 16> at = part(s), rows;
  for (Value* address : at)
    rows.push_back(read(tile, address));
  const size_t n = rows.size();
  const size_t lanes = tile.type.lanes;
  GDJIT_CHECK(std::has_single_bit(n) && lanes % n == 0);
  const size_t in_part = part_bytes / static_cast<size_t>(byte_size(tile.type.dtype));
  const size_t interleaved = n >= in_part && in_part <= most_interleaved ? in_part : 1;
  const bool picks = lanes == n && n == 4 * interleaved;
  for (size_t bit = 1; bit < n; bit *= 2) {
    llvm::SmallVector<int, 16> low, high;
    for (size_t lane = 0; lane < lanes; ++lane) {
      const size_t unit = bit < interleaved ? bit : interleaved; // lanes that stay side by side
      size_t from = 0, other = bit, second = 0; // of the first result; what the second one adds
      if (bit < interleaved) {
        const size_t at_part = lane % interleaved;
        from = lane - at_part + at_part / (2 * unit) * unit + lane % unit;
        other = interleaved / 2;
        second = at_part / unit % 2;
      } else if (picks) {
        from = lane % (lanes / 2) / unit * 2 * unit + lane % unit;
        other = unit;
        second = lane / (lanes / 2);
      } else {
        from = lane & ~bit;
        second = lane / bit % 2;
      }
      low.push_back(static_cast<int>(from + second * lanes));
      high.push_back(static_cast<int>(from + other + second * lanes));
    }
    for (size_t e = 0; e < n; ++e) {
      if (e & bit)
        continue;
      Value* first = b_.CreateShuffleVector(rows[e], rows[e | bit], low);
      rows[e | bit] = b_.CreateShuffleVector(rows[e], rows[e | bit], high);
      rows[e] = first;
    }
    if (2 * bit < n && is_float(tile.type.dtype))
      for (Value*& row : rows)
        row = b_.CreateArithmeticFence(row, row->getType());
  }
  for (size_t e = 0; e < n;
       ++e) { // two rounds of interleaving leave elements 1 and 2 of four turned
    const size_t place = interleaved == 4 ? (e & ~size_t{3}) | (e & 1) << 1 | (e >> 1 & 1) : e;
    write(tile, at[e], rows[place]);
  }
}

} // namespace gdjit_llvm
