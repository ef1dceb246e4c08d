// KernelEmitter: the state of one translation. Statements: EmitKernel.cpp; tiles: EmitTile.cpp;
// buffers: EmitMemory.cpp, EmitShortRows.cpp; subnormal numbers: EmitGradual.cpp; passes over rows:
// EmitRowPass.cpp.
#pragma once

#include "BoundedValues.h"
#include "DebugInfo.h"
#include "EmitScalar.h"
#include "GradualUnderflow.h"
#include "KernelShape.h"

#include <llvm/ADT/STLFunctionalExtras.h>
#include <map>
#include <unordered_map>
#include <vector>

namespace gdjit_llvm {

class KernelEmitter {
public:
  KernelEmitter(llvm::Function* function, const gdjit::loop::Program& program,
                const gdjit::loop::Kernel& kernel, const gdjit::codegen::KernelShape& shape,
                DebugInfo* debug, int vector_bytes, Arithmetic arithmetic);

  /// Fills the function.
  void emit();

private:
  using Statement = gdjit::loop::Statement;
  using ValueType = gdjit::loop::ValueType;
  using Value = llvm::Value;

  /// A loop variable: an IR value, a constant while its loop is unrolled or has one turn.
  struct Loop {
    Value* value = nullptr;
    int64_t constant = 0;
    bool is_constant = false;
    int64_t divisor = 1; ///< of all its values, for alignment
    bool may_be_negative = false;
  };
  /// Registers as LLVM sees them before mem2reg: one alloca per element where every index is
  /// constant, one array otherwise.
  struct Tile {
    ValueType type;
    std::vector<int64_t> extents;
    std::vector<llvm::AllocaInst*> elements; ///< one per element
    llvm::AllocaInst* array = nullptr;
  };
  /// constant + sum of known parts of an index, in elements.
  struct Offset {
    int64_t constant = 0;
    Value* variable = nullptr; ///< i64, null for none
    Value* dynamic = nullptr;  ///< i64 or a vector of them, null for none
    int64_t lane = 0;
    int64_t divisor = 0;          ///< of everything but lanes; 0 divides by all
    bool may_be_negative = false; ///< some part of it, though the whole is in bounds
  };

  /// Loads the addresses of buffers from the table that the function is given.
  void load_addresses();
  /// Says of each access which buffer it reaches.
  void tag_accesses();
  bool has_constant_variable(const Statement& loop) const;
  void repeat();
  void begin_row_pass();
  void take_batch(Value* wanted, Value* left);
  Value* row_of(const gdjit::codegen::RowPassShape::Input& input, Value* row);
  Value* row_number(Value* order, Value* at);
  Value* gathered(const gdjit::codegen::RowPassShape::Input& input, Value* number);
  void gather(Value* order, Value* number);
  void add_results();
  void end_row_pass();
  void survey(const std::vector<Statement>& body);
  void statements(const std::vector<Statement>& body);
  void statement(const Statement& s);
  void for_loop(const Statement& s);
  void turns(const Statement& s, Value* begin, Value* end);
  bool is_passed(const void* field) const { return shape_.slots.count(field) != 0; }
  Value* argument(const void* field, gdjit::DType type);
  Value* number(const int64_t& field);
  void compute(const Statement& s);
  Value* constant(const Statement& s);
  Value* plain(const Statement& s, llvm::ArrayRef<Value*> operands);
  void check(const Statement& s);
  void prefetch(const Statement& s);

  // Tiles.
  void declare(const Statement& s);
  static bool is_array(const Statement& tile);
  Value* elements(const Statement& tile);
  /// The address of an element, `further` elements behind the one that the index names; coordinates
  /// that are left out are 0.
  Value* tile_element(const Tile& tile, const std::vector<gdjit::loop::Index>& index,
                      int64_t further = 0);
  llvm::SmallVector<Value*, 16> part(const Statement& s);
  Value* read(const Tile& tile, Value* address);
  void write(const Tile& tile, Value* address, Value* value);
  void set(const Statement& s);
  void join(const Statement& s);
  Value* join_lanes(gdjit::loop::ScalarOp op, ValueType type, Value* result);
  Value* join_rows(gdjit::loop::ScalarOp op, ValueType type, uint16_t lanes,
                   llvm::ArrayRef<Value*> joined);
  void transpose(const Statement& s);

  // Subnormal numbers.
  bool fades(const Statement& s) const;
  bool is_gradual(const Statement& s) const;
  Value* subnormal_lanes(const Statement& s);
  Value* gradual_or_plain(Value* subnormal, llvm::function_ref<Value*()> gradual,
                          llvm::function_ref<Value*()> plain);
  bool is_guarded(const Statement& nest) const;
  Value* subnormal_lanes_of_nest(const Statement& s);
  void guard(const Statement& nest);
  std::vector<Tile*> move_tiles_to_memory(const Statement& nest);

  // Buffers.
  void load(const Statement& s);
  void store(const Statement& s);
  Value* load_contiguous(const Statement& s, const Offset& offset);
  Value* load_scattered(const Statement& s, const Offset& offset);
  int64_t rows_of_column(const Statement& s, const Offset& offset);
  Value* load_column(const Statement& s, const Offset& offset, int64_t rows);
  Value* load_one(const Statement& s, const Offset& offset);
  void store_one(const Statement& s, const Offset& offset, Value* value);
  void go_past_caches(const Statement& s, llvm::StoreInst* store);
  bool goes_by_lanes(const Statement& s) const;
  Value* load_by_lanes(const Statement& s, const Offset& offset);
  void store_by_lanes(const Statement& s, const Offset& offset, Value* value);
  Offset offset_of(const Statement& s);
  void add(Offset& offset, const gdjit::loop::Index& index, int64_t stride,
           Value* further_stride = nullptr);
  Value* address(gdjit::loop::BufferId buffer, const Offset& offset, bool in_bounds = true);
  Value* addresses(gdjit::loop::BufferId buffer, const Offset& offset, uint16_t lanes);
  llvm::Align alignment(const Statement& s, const Offset& offset) const;

  void define(const Statement& s, Value* value);
  Value* value(gdjit::loop::ValueId id, uint16_t lanes);
  Value* status(size_t field);
  Value* index_value(const gdjit::loop::Index& index, uint16_t lanes);
  Value* lane_numbers(uint16_t lanes, int64_t step);
  llvm::Constant* i64(int64_t number) { return b_.getInt64(static_cast<uint64_t>(number)); }
  /// Begins a block that runs where `condition` holds; the builder stands in it. Returns the block
  /// behind.
  llvm::BasicBlock* begin_if(Value* condition, const char* name);
  void end_if(llvm::BasicBlock* behind);

  const gdjit::loop::Program& program_;
  const gdjit::loop::Kernel& kernel_;
  const gdjit::codegen::KernelShape& shape_;
  DebugInfo* debug_;
  int vector_bytes_;
  Arithmetic arithmetic_;
  llvm::Function* function_;
  Builder b_;
  llvm::Instruction* allocas_end_ = nullptr; ///< allocas go before it
  std::vector<Value*> addresses_;            ///< by parameter: its memory
  std::vector<Value*> buffers_;              ///< the same, in a pass over rows that of this step
  Value* numbers_ = nullptr; ///< the table of those that are passed; null where none are
  std::vector<llvm::AllocaInst*> sums_;
  std::vector<Value*> values_;
  std::vector<ValueType> types_;
  std::vector<Loop> loops_;
  std::vector<Tile> tiles_;
  std::vector<bool> fading_;      ///< by value: see fading_values
  std::vector<Value*> subnormal_; ///< by value that fades: which lanes of loaded ones are
  std::vector<bool> bounded_;     ///< by value: see bounded_values
  int64_t tile_bytes_ = 0;
  std::vector<char> dynamic_tile_;
  std::vector<char> constant_loop_;
  std::unordered_map<const Statement*, int64_t> check_number_;
  std::map<std::pair<uint32_t, gdjit::DType>, Value*> arguments_; ///< numbers that are passed
  bool streams_ = false;                                          ///< a store goes past the caches
};

} // namespace gdjit_llvm
