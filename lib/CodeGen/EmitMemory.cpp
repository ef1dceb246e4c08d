// Loads and stores: offsets from indices, alignment from what is known of them, and the cheapest
// instruction that a pattern of lanes allows (one vector, one element for all lanes, a gather).
#include "KernelEmitter.h"

#include "gdjit/Support/Error.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <optional>

namespace gdjit_llvm {

using gdjit::byte_size;
using gdjit::DType;
using gdjit::loop::Index;
using gdjit::loop::none;

static uint16_t lanes_of(llvm::Value* v) {
  auto* type = llvm::dyn_cast<llvm::FixedVectorType>(v->getType());
  return static_cast<uint16_t>(type == nullptr ? 1 : type->getNumElements());
}

/// Adds index * stride * further_stride (null for 1) to an offset.
void KernelEmitter::add(Offset& offset, const Index& index, int64_t stride, Value* further_stride) {
  offset.lane += index.lane * stride;
  auto sum = [&](Value*& into, Value* part) {
    if (into == nullptr)
      into = part;
    else {
      uint16_t lanes = std::max(lanes_of(into), lanes_of(part));
      into = b_.CreateAdd(widen(b_, into, lanes), widen(b_, part, lanes));
    }
  };
  /// v * field, a number of the kernel's, * stride.
  auto scaled = [&](Value* v, const int64_t& field) {
    const bool passed = is_passed(&field);
    const int64_t known = passed ? stride : field * stride;
    if (known != 1)
      v = b_.CreateMul(v, llvm::ConstantInt::getSigned(v->getType(), known));
    for (Value* factor : {passed ? number(field) : nullptr, further_stride})
      if (factor != nullptr)
        v = b_.CreateMul(v, widen(b_, factor, lanes_of(v)));
    return v;
  };
  auto is_known = [&](const int64_t& field) {
    return further_stride == nullptr && !is_passed(&field);
  };
  if (is_known(index.affine.constant)) {
    offset.constant += index.affine.constant * stride;
  } else if (is_passed(&index.affine.constant) || index.affine.constant != 0) {
    sum(offset.variable, scaled(i64(1), index.affine.constant));
    offset.divisor = 1;
    offset.may_be_negative |= index.affine.constant < 0;
  }
  for (const gdjit::loop::Term& term : index.affine.terms) {
    const Loop& loop = loops_[term.loop];
    const int64_t factor = term.factor * stride;
    if (!is_known(term.factor)) {
      sum(offset.variable, scaled(loop.value, term.factor));
      offset.divisor = 1;
      offset.may_be_negative |= term.factor < 0 || loop.may_be_negative;
    } else if (loop.is_constant) {
      offset.constant += factor * loop.constant;
    } else if (factor != 0) {
      sum(offset.variable, scaled(loop.value, term.factor));
      offset.divisor = std::gcd(offset.divisor, factor * loop.divisor);
      offset.may_be_negative |= factor < 0 || loop.may_be_negative;
    }
  }
  if (index.dynamic != none) {
    constexpr int64_t once = 1;
    sum(offset.dynamic, scaled(values_[index.dynamic], once));
    offset.divisor = further_stride != nullptr ? 1 : std::gcd(offset.divisor, stride);
    offset.may_be_negative = true;
  }
}

KernelEmitter::Offset KernelEmitter::offset_of(const Statement& s) {
  const gdjit::Shape& shape = program_.buffers[s.buffer].type.shape;
  int64_t strides[gdjit::Shape::max_rank] = {};
  Value* further[gdjit::Shape::max_rank] = {}; // extents that are passed
  int64_t stride = 1;
  Value* passed = nullptr;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[axis] = stride;
    further[axis] = passed;
    const int64_t* extent = shape.begin() + axis;
    if (!is_passed(extent))
      stride *= *extent;
    else if (axis > 0) // nothing strides over all of a buffer
      passed = passed == nullptr ? number(*extent) : b_.CreateMul(passed, number(*extent));
  }
  Offset offset;
  for (int axis = 0; axis < shape.rank();
       ++axis) // outer loops first: inner ones add to a known sum
    add(offset, s.index[static_cast<size_t>(axis)], strides[axis], further[axis]);
  return offset;
}

llvm::Align KernelEmitter::alignment(const Statement& s, const Offset& offset) const {
  int64_t size = byte_size(s.type.dtype);
  int64_t of_buffer = shape_.parameters[shape_.parameter(s.buffer)].alignment;
  int64_t bytes = std::gcd(of_buffer, std::gcd(offset.constant, offset.divisor) * size);
  return llvm::Align(static_cast<uint64_t>(bytes));
}

/// The address of lane 0; the constant part stands last, where instructions take it for nothing.
/// `in_bounds` is what LLVM may rely on of each partial sum: where lane 0 is masked it may lie
/// outside, and where a part may be negative a sum of the others may.
llvm::Value* KernelEmitter::address(gdjit::loop::BufferId buffer, const Offset& offset,
                                    bool in_bounds) {
  in_bounds &= offset.constant >= 0 && !offset.may_be_negative;
  auto flags = in_bounds ? llvm::GEPNoWrapFlags::inBounds() : llvm::GEPNoWrapFlags::none();
  llvm::Type* element = memory_type(b_.getContext(), {program_.buffers[buffer].type.dtype, 1});
  Value* at = buffers_[shape_.parameter(buffer)];
  for (Value* part : {offset.variable, offset.dynamic})
    if (part != nullptr)
      at = b_.CreateGEP(element, at, part, "", flags);
  return offset.constant == 0 ? at : b_.CreateGEP(element, at, i64(offset.constant), "", flags);
}

/// The addresses of all lanes. Masked lanes may lie out of bounds, so nothing is promised of them.
llvm::Value* KernelEmitter::addresses(gdjit::loop::BufferId buffer, const Offset& offset,
                                      uint16_t lanes) {
  llvm::Type* element = memory_type(b_.getContext(), {program_.buffers[buffer].type.dtype, 1});
  Value* index = lane_numbers(lanes, offset.lane);
  for (Value* part : {offset.dynamic, offset.variable})
    if (part != nullptr)
      index = b_.CreateAdd(widen(b_, part, lanes), index);
  if (offset.constant != 0)
    index = b_.CreateAdd(index, widen(b_, i64(offset.constant), lanes));
  return b_.CreateGEP(element, buffers_[shape_.parameter(buffer)], index);
}

void KernelEmitter::load(const Statement& s) {
  Offset offset = offset_of(s);
  bool one_address = offset.dynamic == nullptr || !offset.dynamic->getType()->isVectorTy();
  Value* result = nullptr;
  if (s.type.lanes == 1)
    result = load_one(s, offset);
  else if (goes_by_lanes(s))
    result = load_by_lanes(s, offset);
  else if (one_address && offset.lane == 0 && s.mask == none)
    result = load_one(s, offset);
  else if (one_address && offset.lane == 1)
    result = load_contiguous(s, offset);
  else if (const int64_t rows = rows_of_column(s, offset))
    result = load_column(s, offset, rows);
  else
    result = load_scattered(s, offset);
  if (s.type.dtype == DType::boolean)
    result = b_.CreateICmpNE(result, llvm::Constant::getNullValue(result->getType()));
  define(s, widen(b_, result, s.type.lanes));
  if (fading_[s.result] && arithmetic_ == Arithmetic::guarded)
    subnormal_[s.result] =
        b_.CreateBitCast(emit_are_subnormal(b_, values_[s.result]), b_.getIntNTy(s.type.lanes));
}

/// What masked lanes give, as it would stand in memory.
static llvm::Value* fill_in_memory(Builder& b, llvm::Value* fill, llvm::Type* type) {
  return type->getScalarType()->isIntegerTy() ? b.CreateZExt(fill, type) : fill;
}

llvm::Value* KernelEmitter::load_one(const Statement& s, const Offset& offset) {
  llvm::Type* type = memory_type(b_.getContext(), {s.type.dtype, 1});
  llvm::Align align = alignment(s, offset);
  if (s.mask == none)
    return b_.CreateAlignedLoad(type, address(s.buffer, offset), align);
  Value* otherwise = fill_in_memory(b_, value(s.fill, 1), type);
  Value* mask = value(s.mask, 1);
  llvm::BasicBlock* before = b_.GetInsertBlock();
  llvm::BasicBlock* behind = begin_if(mask, "load");
  Value* loaded = b_.CreateAlignedLoad(type, address(s.buffer, offset), align);
  llvm::BasicBlock* inside = b_.GetInsertBlock();
  end_if(behind);
  llvm::PHINode* result = b_.CreatePHI(type, 2);
  result->addIncoming(loaded, inside);
  result->addIncoming(otherwise, before);
  return result;
}

/// The lanes that a mask is known to leave, where they are a part of the vector that instructions
/// load and insert: the first and how many.
static std::optional<std::pair<uint64_t, uint64_t>> known_part(llvm::Value* mask, uint64_t least) {
  const auto* known = llvm::dyn_cast<llvm::Constant>(mask);
  if (known == nullptr)
    return std::nullopt;
  const uint64_t lanes = lanes_of(mask);
  uint64_t first = lanes, count = 0, behind = 0;
  for (uint64_t lane = 0; lane < lanes; ++lane) {
    const llvm::Constant* element = known->getAggregateElement(static_cast<unsigned>(lane));
    if (element == nullptr || !llvm::isa<llvm::ConstantInt>(element))
      return std::nullopt;
    if (element->isNullValue())
      continue;
    first = std::min(first, lane);
    behind = lane + 1;
    ++count;
  }
  if (count < least || count == lanes || behind - first != count || !std::has_single_bit(count) ||
      first % count != 0)
    return std::nullopt;
  return std::pair{first, count};
}

llvm::Value* KernelEmitter::load_contiguous(const Statement& s, const Offset& offset) {
  llvm::Type* type = memory_type(b_.getContext(), s.type);
  llvm::Align align = alignment(s, offset);
  if (s.mask == none)
    return b_.CreateAlignedLoad(type, address(s.buffer, offset), align);
  Value* mask = value(s.mask, s.type.lanes);
  Value* fill = fill_in_memory(b_, value(s.fill, s.type.lanes), type);
  constexpr uint64_t least_bytes = 16; // of a register
  if (auto part = known_part(mask, least_bytes / static_cast<uint64_t>(byte_size(s.type.dtype)))) {
    Offset of_part = offset;
    of_part.constant += static_cast<int64_t>(part->first);
    llvm::Type* narrow =
        memory_type(b_.getContext(), {s.type.dtype, static_cast<uint16_t>(part->second)});
    Value* loaded =
        b_.CreateAlignedLoad(narrow, address(s.buffer, of_part, false), alignment(s, of_part));
    return b_.CreateInsertVector(type, fill, loaded, b_.getInt64(part->first));
  }
  return b_.CreateMaskedLoad(type, address(s.buffer, offset, false), align, mask, fill);
}

llvm::Value* KernelEmitter::load_scattered(const Statement& s, const Offset& offset) {
  llvm::Type* type = memory_type(b_.getContext(), s.type);
  llvm::Align align(static_cast<uint64_t>(byte_size(s.type.dtype)));
  Value* at = addresses(s.buffer, offset, s.type.lanes);
  if (s.mask == none)
    return b_.CreateMaskedGather(type, at, align);
  return b_.CreateMaskedGather(type, at, align, value(s.mask, s.type.lanes),
                               fill_in_memory(b_, value(s.fill, s.type.lanes), type));
}

void KernelEmitter::store(const Statement& s) {
  Offset offset = offset_of(s);
  uint16_t lanes = s.type.lanes;
  Value* stored = value(s.operands[0], lanes);
  if (s.type.dtype == DType::boolean)
    stored = b_.CreateZExt(stored, memory_type(b_.getContext(), s.type));
  bool one_address = offset.dynamic == nullptr || !offset.dynamic->getType()->isVectorTy();
  if (lanes == 1)
    return store_one(s, offset, stored);
  if (goes_by_lanes(s))
    return store_by_lanes(s, offset, stored);
  if (one_address && offset.lane == 1) {
    Value* at = address(s.buffer, offset, s.mask == none);
    if (s.mask == none)
      go_past_caches(s, b_.CreateAlignedStore(stored, at, alignment(s, offset)));
    else
      b_.CreateMaskedStore(stored, at, alignment(s, offset), value(s.mask, lanes));
    return;
  }
  Value* mask = s.mask == none ? nullptr : value(s.mask, lanes);
  b_.CreateMaskedScatter(stored, addresses(s.buffer, offset, lanes),
                         llvm::Align(static_cast<uint64_t>(byte_size(s.type.dtype))), mask);
}

void KernelEmitter::go_past_caches(const Statement& s, llvm::StoreInst* store) {
  if (!s.streaming)
    return;
  auto* yes = llvm::ConstantAsMetadata::get(b_.getInt32(1));
  store->setMetadata(llvm::LLVMContext::MD_nontemporal, llvm::MDNode::get(b_.getContext(), yes));
  streams_ = true;
}

void KernelEmitter::store_one(const Statement& s, const Offset& offset, Value* stored) {
  llvm::BasicBlock* behind = s.mask == none ? nullptr : begin_if(value(s.mask, 1), "store");
  b_.CreateAlignedStore(stored, address(s.buffer, offset), alignment(s, offset));
  if (behind != nullptr)
    end_if(behind);
}

/// Nothing is promised of the address: one that is not mapped does no harm.
void KernelEmitter::prefetch(const Statement& s) {
  constexpr int read = 0, all_caches = 3, data = 1;
  Value* at = address(s.buffer, offset_of(s), false);
  b_.CreateIntrinsic(llvm::Intrinsic::prefetch, {at->getType()},
                     {at, b_.getInt32(read), b_.getInt32(all_caches), b_.getInt32(data)});
}

/// True for a masked vector wider than a register, which only a text from elsewhere holds. LLVM
/// splits it, and without AVX-512 LLVM 19 then takes a half whose mask is all false for one that is
/// all true: `and (splat of c), (false x 8, true x 8)` loads all of the first 8 lanes.
bool KernelEmitter::goes_by_lanes(const Statement& s) const {
  return s.mask != none && s.type.lanes * byte_size(s.type.dtype) > vector_bytes_;
}

llvm::Value* KernelEmitter::load_by_lanes(const Statement& s, const Offset& offset) {
  llvm::Type* type = memory_type(b_.getContext(), s.type);
  llvm::Align align(static_cast<uint64_t>(byte_size(s.type.dtype)));
  Value* at = addresses(s.buffer, offset, s.type.lanes);
  Value* mask = value(s.mask, s.type.lanes);
  Value* result = fill_in_memory(b_, value(s.fill, s.type.lanes), type);
  for (uint64_t lane = 0; lane < s.type.lanes; ++lane) {
    llvm::BasicBlock* before = b_.GetInsertBlock();
    llvm::BasicBlock* behind = begin_if(b_.CreateExtractElement(mask, lane), "lane");
    Value* loaded =
        b_.CreateAlignedLoad(type->getScalarType(), b_.CreateExtractElement(at, lane), align);
    Value* with = b_.CreateInsertElement(result, loaded, lane);
    llvm::BasicBlock* inside = b_.GetInsertBlock();
    end_if(behind);
    llvm::PHINode* either = b_.CreatePHI(type, 2);
    either->addIncoming(with, inside);
    either->addIncoming(result, before);
    result = either;
  }
  return result;
}

void KernelEmitter::store_by_lanes(const Statement& s, const Offset& offset, Value* stored) {
  llvm::Align align(static_cast<uint64_t>(byte_size(s.type.dtype)));
  Value* at = addresses(s.buffer, offset, s.type.lanes);
  Value* mask = value(s.mask, s.type.lanes);
  for (uint64_t lane = 0; lane < s.type.lanes; ++lane) {
    llvm::BasicBlock* behind = begin_if(b_.CreateExtractElement(mask, lane), "lane");
    b_.CreateAlignedStore(b_.CreateExtractElement(stored, lane), b_.CreateExtractElement(at, lane),
                          align);
    end_if(behind);
  }
}

} // namespace gdjit_llvm
