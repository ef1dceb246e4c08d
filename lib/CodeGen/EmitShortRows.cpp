// Loads whose lanes go along rows of few elements (Loop/ShortRows.h): whole vectors are loaded, and
// a tree of shuffles gathers the column. Loads of other columns of the rows share the vectors and
// all but the last shuffles, which LLVM finds to be the same.
#include "KernelEmitter.h"

#include "gdjit/Loop/ShortRows.h"

#include <numeric>

namespace gdjit_llvm {

using gdjit::loop::ShortRows;

namespace {

/// As many lanes as the mask leaves, the first ones; 0 where that is not known.
int64_t first_lanes(const llvm::Value* mask, int64_t lanes) {
  const auto* known = llvm::dyn_cast<llvm::Constant>(mask);
  int64_t count = 0;
  for (int64_t lane = 0; known != nullptr && lane < lanes; ++lane) {
    const llvm::Constant* element = known->getAggregateElement(static_cast<unsigned>(lane));
    if (element == nullptr || !llvm::isa<llvm::ConstantInt>(element))
      return 0;
    if (!element->isNullValue() && count++ != lane)
      return 0;
  }
  return count;
}

/// Elements of the block by lane, numbered as they lie; -1 where a lane holds none.
struct Gathered {
  llvm::Value* value;
  llvm::SmallVector<int, 16> elements;
};

class Gatherer {
public:
  Gatherer(Builder& b, const ShortRows& block, llvm::ArrayRef<llvm::Value*> vectors, bool fenced)
      : b_(b), block_(block), vectors_(vectors), fenced_(fenced) {}

  /// What `count` vectors hold of the columns from `column` on, as many as they hold at once.
  Gathered gather(int64_t first, int64_t count, int64_t column) {
    const auto lanes = static_cast<size_t>(block_.lanes);
    Gathered out{nullptr, llvm::SmallVector<int, 16>(lanes, -1)};
    if (count == 1) {
      out.value = vectors_[static_cast<size_t>(first)];
      std::iota(out.elements.begin(), out.elements.end(), static_cast<int>(first * block_.lanes));
      return out;
    }
    const int64_t part = ShortRows::first_part(count), at_once = block_.columns_at_once(count);
    Gathered parts[] = {from(first, part, column), from(first + part, count - part, column)};
    llvm::SmallVector<int, 16> shuffle(lanes, -1);
    size_t lane = 0;
    for (int64_t e = first * block_.lanes; e < (first + count) * block_.lanes; ++e) {
      if (const int64_t of = e % block_.columns; of < column || of >= column + at_once)
        continue;
      for (int p : {0, 1})
        if (auto at = std::ranges::find(parts[p].elements, e); at != parts[p].elements.end())
          shuffle[lane] = static_cast<int>(at - parts[p].elements.begin()) +
                          (p == 0 ? 0 : static_cast<int>(lanes));
      out.elements[lane++] = static_cast<int>(e);
    }
    out.value = b_.CreateShuffleVector(parts[0].value, parts[1].value, shuffle);
    // Instruction selection would look for one shuffle in the place of the tree.
    if (fenced_ && count < block_.columns)
      out.value = b_.CreateArithmeticFence(out.value, out.value->getType());
    return out;
  }

private:
  Gathered from(int64_t first, int64_t count, int64_t column) {
    const int64_t at_once = count == 1 ? block_.columns : block_.columns_at_once(count);
    return gather(first, count, column / at_once * at_once);
  }

  Builder& b_;
  const ShortRows& block_;
  llvm::ArrayRef<llvm::Value*> vectors_;
  bool fenced_;
};

} // namespace

/// The rows of which the lanes take an element each, where a load is such a one: its lanes run
/// along one axis, row by row, and the column is known; what a mask leaves is known, too. 0
/// otherwise.
int64_t KernelEmitter::rows_of_column(const Statement& s, const Offset& offset) {
  const gdjit::Shape& shape = program_.buffers[s.buffer].type.shape;
  int64_t columns = 1;
  int axis = shape.rank() - 1;
  for (; axis >= 0 && s.index[static_cast<size_t>(axis)].lane == 0; --axis) {
    if (is_passed(shape.begin() + axis))
      return 0;
    columns *= shape[axis];
  }
  const bool known = offset.dynamic == nullptr && columns > 1 &&
                     columns <= ShortRows::most_columns && offset.lane == columns &&
                     offset.divisor % columns == 0;
  if (!known || byte_size(s.type.dtype) < ShortRows::least_bytes)
    return 0;
  const int64_t lanes = s.type.lanes;
  return s.mask == gdjit::loop::none ? lanes : first_lanes(value(s.mask, s.type.lanes), lanes);
}

llvm::Value* KernelEmitter::load_column(const Statement& s, const Offset& offset, int64_t rows) {
  const ShortRows block{offset.lane, s.type.lanes};
  const int64_t column =
      (offset.constant % block.columns + block.columns) % block.columns; // it may be negative
  const bool masked = s.mask != gdjit::loop::none;
  llvm::Type* type = memory_type(b_.getContext(), s.type);
  llvm::SmallVector<Value*, 8> vectors;
  Offset at = offset;
  at.constant -= column;
  for (int64_t left = rows * block.columns; vectors.size() < static_cast<size_t>(block.columns);
       left -= block.lanes, at.constant += block.lanes) {
    Value* from = left <= 0 ? nullptr : address(s.buffer, at, !masked);
    if (from == nullptr)
      vectors.push_back(llvm::PoisonValue::get(type));
    else if (left >= block.lanes)
      vectors.push_back(b_.CreateAlignedLoad(type, from, alignment(s, at)));
    else
      vectors.push_back(b_.CreateMaskedLoad(
          type, from, alignment(s, at),
          b_.CreateICmpULT(lane_numbers(s.type.lanes, 1), widen(b_, i64(left), s.type.lanes))));
  }
  Value* gathered =
      Gatherer(b_, block, vectors, is_float(s.type.dtype)).gather(0, block.columns, column).value;
  if (!masked)
    return gathered;
  return b_.CreateSelect(value(s.mask, s.type.lanes), gathered, value(s.fill, s.type.lanes));
}

} // namespace gdjit_llvm
