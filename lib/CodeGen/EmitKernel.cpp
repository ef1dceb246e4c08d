// Statements of Loop IR as LLVM IR: loops, values, tiles, checks.
//
// Unrolled loops are expanded here, so that the indices of tiles become constant and LLVM keeps
// each element in a register; no pass of LLVM's has to find that out.
#include "EmitKernel.h"

#include "KernelEmitter.h"

#include "gdjit/Support/Error.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

namespace gdjit_llvm {

using gdjit::byte_size;
using gdjit::loop::Index;
using gdjit::loop::LoopKind;
using gdjit::loop::StatementKind;
using gdjit::loop::TileId;
using gdjit::loop::ValueId;

namespace {

constexpr int64_t largest_register_tile = 1024; ///< elements; a larger tile is an array
constexpr int64_t largest_tile = 1 << 18;       ///< bytes of stack

int64_t turn_count(const gdjit::loop::Statement& s) {
  return s.end <= s.begin ? 0 : (s.end - s.begin + s.step - 1) / s.step;
}

bool has_constant_variable(const gdjit::loop::Statement& s) {
  return s.loop_kind == LoopKind::unrolled || turn_count(s) <= 1;
}

int64_t product(const std::vector<int64_t>& extents) {
  return std::accumulate(extents.begin(), extents.end(), int64_t{1}, std::multiplies<>());
}

} // namespace

KernelEmitter::KernelEmitter(llvm::Function* function, const gdjit::loop::Program& program,
                             const gdjit::loop::Kernel& kernel,
                             const gdjit::codegen::KernelShape& shape, DebugInfo* debug)
    : program_(program), kernel_(kernel), shape_(shape), debug_(debug), function_(function),
      b_(function->getContext()), values_(kernel.values), types_(kernel.values),
      loops_(kernel.loops), tiles_(kernel.tiles), dynamic_tile_(kernel.tiles),
      constant_loop_(kernel.loops) {}

void KernelEmitter::emit() {
  b_.SetInsertPoint(llvm::BasicBlock::Create(b_.getContext(), "entry", function_));
  if (debug_ != nullptr)
    b_.SetCurrentDebugLocation(debug_->location(gdjit::no_node));
  llvm::BasicBlock* body = llvm::BasicBlock::Create(b_.getContext(), "body", function_);
  allocas_end_ = b_.CreateBr(body);
  b_.SetInsertPoint(body);
  survey(kernel_.body);
  statements(kernel_.body);
  b_.CreateRetVoid();
}

void KernelEmitter::statements(const std::vector<Statement>& body) {
  for (const Statement& s : body) {
    if (debug_ != nullptr)
      b_.SetCurrentDebugLocation(debug_->location(s.node));
    statement(s);
  }
}

void KernelEmitter::statement(const Statement& s) {
  switch (s.kind) {
  case StatementKind::For:
    return for_loop(s);
  case StatementKind::Compute:
    return compute(s);
  case StatementKind::Index:
    return define(s, index_value(s.index[0], s.type.lanes));
  case StatementKind::Load:
    return load(s);
  case StatementKind::Store:
    return store(s);
  case StatementKind::Tile:
    return declare(s);
  case StatementKind::Get: {
    const Tile& tile = tiles_[s.tile];
    return define(s, read(tile, tile_element(tile, s.index)));
  }
  case StatementKind::Set:
    return set(s);
  case StatementKind::Join:
    return join(s);
  case StatementKind::Check:
    return check(s);
  }
}

/// A parallel loop runs its turns in order here: without a pool there is one thread, and no bit
/// depends on it.
void KernelEmitter::for_loop(const Statement& s) {
  Loop& loop = loops_[s.loop];
  if (has_constant_variable(s)) {
    for (int64_t i = s.begin; i < s.end; i += s.step) {
      loop = {i64(i), i, true, 0, i < 0};
      statements(s.body);
    }
    return;
  }
  turns(s);
}

void KernelEmitter::turns(const Statement& s) {
  const std::string& name =
      s.loop < kernel_.loop_names.size() ? kernel_.loop_names[s.loop] : std::string();
  llvm::BasicBlock* before = b_.GetInsertBlock();
  llvm::BasicBlock* body = llvm::BasicBlock::Create(b_.getContext(), "for." + name, function_);
  b_.CreateBr(body);
  b_.SetInsertPoint(body);
  llvm::PHINode* variable = b_.CreatePHI(b_.getInt64Ty(), 2, name);
  variable->addIncoming(i64(s.begin), before);
  loops_[s.loop] = {variable, 0, false, std::gcd(s.begin, s.step), s.begin < 0};
  statements(s.body);
  // At least two turns are known, so the test stands at the end.
  Value* next = b_.CreateNSWAdd(variable, i64(s.step));
  Value* more = b_.CreateICmpSLT(next, i64(s.end));
  llvm::BasicBlock* behind = llvm::BasicBlock::Create(b_.getContext(), "end." + name, function_);
  variable->addIncoming(next, b_.GetInsertBlock());
  b_.CreateCondBr(more, body, behind);
  b_.SetInsertPoint(behind);
}

void KernelEmitter::compute(const Statement& s) {
  if (s.op == gdjit::loop::ScalarOp::constant)
    return define(s, constant(s));
  llvm::SmallVector<Value*, 3> operands;
  for (ValueId operand : s.operands)
    operands.push_back(value(operand, s.type.lanes));
  define(s, emit_scalar(b_, s.op, s.type, types_[s.operands.back()].dtype, operands));
}

/// A literal; from the table where kernels that are one with this differ in it.
llvm::Value* KernelEmitter::constant(const Statement& s) {
  auto number = literal_number_.find(&s);
  if (number == literal_number_.end() ||
      !std::binary_search(shape_.passed.begin(), shape_.passed.end(), number->second))
    return literal(b_.getContext(), s.type, s.bits);
  auto at = std::lower_bound(shape_.passed.begin(), shape_.passed.end(), number->second);
  auto slot = static_cast<uint64_t>(at - shape_.passed.begin());
  Value* table = function_->getArg(function_->arg_size() - 2);
  return widen(b_,
               b_.CreateAlignedLoad(value_type(b_.getContext(), {s.type.dtype, 1}),
                                    b_.CreateConstInBoundsGEP1_64(b_.getInt64Ty(), table, slot),
                                    llvm::Align(8)),
               s.type.lanes);
}

void KernelEmitter::check(const Statement& s) {
  uint16_t lanes = s.type.lanes;
  Value* bad = b_.CreateNot(value(s.operands[0], lanes));
  if (s.mask != gdjit::loop::none)
    bad = b_.CreateAnd(bad, value(s.mask, lanes));
  Value* any = lanes == 1 ? bad : b_.CreateOrReduce(bad);
  llvm::BasicBlock* behind = begin_if(any, "bad");
  Value* status = function_->getArg(function_->arg_size() - 1);
  Value* first = b_.CreateICmpSLT(b_.CreateLoad(b_.getInt64Ty(), status), i64(0));
  llvm::BasicBlock* reported = begin_if(first, "report");
  Value* position = index_value(s.index[0], lanes);
  if (lanes > 1) {
    Value* bits = b_.CreateBitCast(bad, b_.getIntNTy(lanes));
    Value* lane = b_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, bits, b_.getFalse());
    position = b_.CreateExtractElement(position, b_.CreateZExtOrTrunc(lane, b_.getInt64Ty()));
  }
  b_.CreateStore(i64(check_number_.at(&s)), status);
  b_.CreateStore(position, b_.CreateConstInBoundsGEP1_64(b_.getInt64Ty(), status, 1));
  end_if(reported);
  end_if(behind);
}

// --- tiles ---

////// Numbers checks and free literals in order of appearance and finds the tiles that some access
/// indexes by a
/// variable.
void KernelEmitter::survey(const std::vector<Statement>& body) {
  for (const Statement& s : body) {
    if (s.kind == StatementKind::Check)
      check_number_.emplace(&s, static_cast<int64_t>(check_number_.size()));
    if (gdjit::codegen::is_free_literal(s))
      literal_number_.emplace(&s, static_cast<uint32_t>(literal_number_.size()));
    if (s.kind == StatementKind::For)
      constant_loop_[s.loop] = has_constant_variable(s) ? 1 : 0;
    if (s.kind == StatementKind::Tile && product(s.extents) > largest_register_tile)
      dynamic_tile_[s.tile] = true;
    if (s.kind == StatementKind::Get || s.kind == StatementKind::Set)
      for (const Index& index : s.index) {
        bool constant = index.dynamic == gdjit::loop::none;
        for (const gdjit::loop::Term& term : index.affine.terms)
          constant &= constant_loop_[term.loop] != 0;
        if (!constant)
          dynamic_tile_[s.tile] = true;
      }
    survey(s.body);
  }
}

void KernelEmitter::declare(const Statement& s) {
  Tile& tile = tiles_[s.tile];
  int64_t count = product(s.extents);
  if (count * s.type.lanes * byte_size(s.type.dtype) > largest_tile)
    throw gdjit::Error(
        gdjit::ErrorCode::compile,
        fmt::format("a tile of {} vectors of {} lanes is larger than {} bytes, the most that "
                    "fits the stack; use a buffer",
                    count, s.type.lanes, largest_tile));
  if (tile.elements.empty() && tile.array == nullptr) {
    tile.type = s.type;
    tile.extents = s.extents;
    llvm::IRBuilderBase::InsertPointGuard guard(b_);
    b_.SetInsertPoint(allocas_end_);
    llvm::Type* element = memory_type(b_.getContext(), s.type);
    std::string name = "t" + std::to_string(s.tile);
    if (dynamic_tile_[s.tile])
      tile.array = b_.CreateAlloca(llvm::ArrayType::get(element, static_cast<uint64_t>(count)),
                                   nullptr, name);
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
  b_.CreateCondBr(b_.CreateICmpSLT(next, i64(count)), body, behind);
  b_.SetInsertPoint(behind);
}

llvm::Value* KernelEmitter::tile_element(const Tile& tile, const std::vector<Index>& index) {
  Offset offset;
  int64_t stride = 1;
  for (size_t axis = index.size(); axis-- > 0; stride *= tile.extents[axis])
    add(offset, index[axis], stride);
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

/// The halving tree over all partials, of which partial (element e, lane l) is number e * lanes +
/// l: first over elements, whole vectors at a time, then within the last vector.
void KernelEmitter::join(const Statement& s) {
  const Tile& tile = tiles_[s.tile];
  llvm::SmallVector<Value*, 16> partials;
  for (int64_t e = 0; e < product(tile.extents); ++e)
    partials.push_back(
        read(tile, tile.array == nullptr
                       ? static_cast<Value*>(tile.elements[static_cast<size_t>(e)])
                       : b_.CreateConstInBoundsGEP1_64(memory_type(b_.getContext(), tile.type),
                                                       tile.array, static_cast<uint64_t>(e))));
  ValueType type = tile.type;
  GDJIT_CHECK(!partials.empty() && std::has_single_bit(partials.size()) &&
              std::has_single_bit(type.lanes));
  for (size_t half = partials.size() / 2; half > 0; half /= 2)
    for (size_t i = 0; i < half; ++i)
      partials[i] = emit_scalar(b_, s.op, type, type.dtype, {partials[i], partials[i + half]});
  Value* result = partials[0];
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
    result = emit_scalar(b_, s.op, type, type.dtype, {a, c});
  }
  define(s, result);
}

// --- values ---

void KernelEmitter::define(const Statement& s, Value* value) {
  values_[s.result] = value;
  types_[s.result] = s.type;
}

llvm::Value* KernelEmitter::value(ValueId id, uint16_t lanes) {
  return widen(b_, values_[id], lanes);
}

llvm::Value* KernelEmitter::lane_numbers(uint16_t lanes, int64_t step) {
  llvm::SmallVector<llvm::Constant*, 16> numbers;
  for (int64_t lane = 0; lane < lanes; ++lane)
    numbers.push_back(i64(lane * step));
  return llvm::ConstantVector::get(numbers);
}

llvm::Value* KernelEmitter::index_value(const Index& index, uint16_t lanes) {
  Offset offset;
  add(offset, index, 1);
  Value* result = i64(offset.constant);
  for (Value* part : {offset.variable, offset.dynamic})
    if (part != nullptr)
      result = b_.CreateAdd(widen(b_, part, lanes), widen(b_, result, lanes));
  result = widen(b_, result, lanes);
  return offset.lane == 0 || lanes == 1 ? result
                                        : b_.CreateAdd(result, lane_numbers(lanes, offset.lane));
}

llvm::BasicBlock* KernelEmitter::begin_if(Value* condition, const char* name) {
  llvm::BasicBlock* inside = llvm::BasicBlock::Create(b_.getContext(), name, function_);
  llvm::BasicBlock* behind = llvm::BasicBlock::Create(b_.getContext(), "", function_);
  b_.CreateCondBr(condition, inside, behind);
  b_.SetInsertPoint(inside);
  return behind;
}

void KernelEmitter::end_if(llvm::BasicBlock* behind) {
  b_.CreateBr(behind);
  b_.SetInsertPoint(behind);
}

// --- functions ---

EmittedKernel emit_kernel(llvm::Module& module, const gdjit::loop::Program& program,
                          const gdjit::loop::Kernel& kernel,
                          const gdjit::codegen::KernelShape& shape, const std::string& name,
                          DebugInfo* debug) {
  llvm::LLVMContext& context = module.getContext();
  auto* pointer = llvm::PointerType::getUnqual(context);
  auto* nothing = llvm::Type::getVoidTy(context);
  bool literals = !shape.passed.empty();
  std::vector<llvm::Type*> parameters(shape.parameters.size() + 1 + literals, pointer);
  auto* function = llvm::Function::Create(llvm::FunctionType::get(nothing, parameters, false),
                                          llvm::Function::InternalLinkage, name, module);
  function->setDoesNotThrow();
  for (unsigned i = 0; i < shape.parameters.size(); ++i) {
    const gdjit::codegen::Parameter& p = shape.parameters[i];
    llvm::AttrBuilder facts(context);
    facts.addAttribute(llvm::Attribute::NoCapture);
    if (p.alone)
      facts.addAttribute(llvm::Attribute::NoAlias);
    if (!p.written)
      facts.addAttribute(llvm::Attribute::ReadOnly);
    if (p.bytes > 0) {
      facts.addDereferenceableAttr(static_cast<uint64_t>(p.bytes));
      facts.addAlignmentAttr(llvm::Align(static_cast<uint64_t>(p.alignment)));
    }
    function->addParamAttrs(i, facts);
    function->getArg(i)->setName(program.buffers[p.memory].name);
  }
  if (literals) {
    llvm::Argument* table = function->getArg(function->arg_size() - 2);
    table->setName("literals");
    llvm::AttrBuilder facts(context);
    facts.addAttribute(llvm::Attribute::NoAlias);
    facts.addAttribute(llvm::Attribute::NoCapture);
    facts.addAttribute(llvm::Attribute::ReadOnly);
    facts.addDereferenceableAttr(8 * shape.passed.size());
    table->addAttrs(facts);
  }
  llvm::Argument* status = function->getArg(function->arg_size() - 1);
  status->setName("status");
  status->addAttr(llvm::Attribute::NoAlias);
  status->addAttr(llvm::Attribute::NoCapture);
  if (debug != nullptr)
    debug->begin(function, kernel);
  KernelEmitter(function, program, kernel, shape, debug).emit();

  auto* entry = llvm::Function::Create(llvm::FunctionType::get(nothing, {pointer, pointer}, false),
                                       llvm::Function::ExternalLinkage, name + ".entry", module);
  entry->setDoesNotThrow();
  entry->getArg(0)->setName("buffers");
  entry->getArg(1)->setName("status");
  Builder b(llvm::BasicBlock::Create(context, "", entry));
  std::vector<llvm::Value*> arguments;
  for (uint64_t i = 0; i < shape.parameters.size() + literals; ++i)
    arguments.push_back(
        b.CreateLoad(pointer, b.CreateConstInBoundsGEP1_64(pointer, entry->getArg(0), i)));
  arguments.push_back(entry->getArg(1));
  b.CreateCall(function, arguments);
  b.CreateRetVoid();
  return {function, entry};
}

} // namespace gdjit_llvm
