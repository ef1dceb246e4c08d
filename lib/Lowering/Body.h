// Body: writes the statements of one loop nest of a kernel, braces included.
//
// It hands out the kernel's ids and keeps what is known of each loop, so that lowering reads like
// the loops it makes:
//     LoopId i = body.open("i", 8); body.store(b, {at(i)}, body.load(a, {at(i)})); body.close();
#pragma once

#include "gdjit/Loop/Rewrite.h"
#include "gdjit/Loop/ScalarProgram.h"

#include <span>

namespace gdjit::lowering {

using loop::Affine;
using loop::Bits;
using loop::BufferId;
using loop::Index;
using loop::LoopId;
using loop::ScalarOp;
using loop::Statement;
using loop::StatementKind;
using loop::TileId;
using loop::ValueId;

/// What lowering knows of a loop until the kernel is finished; not printed, not part of Loop IR.
struct LoopFacts {
  int64_t extent = 0;
  /// Interleaved chains that accumulate over this loop: 0 none, 1 one chain, P: iteration i belongs
  /// to chain i mod P.
  int32_t partials = 0;
  /// Result loops of a contraction too large to be run row by row: only its epilogue may join them.
  bool sealed = false;
};

/// A kernel while it is being lowered.
struct KernelDraft {
  loop::Kernel kernel;
  std::vector<LoopFacts> loops;   ///< per LoopId
  std::vector<DType> value_types; ///< per ValueId
  std::vector<LoopId>
      partials_loop; ///< per TileId: the loop whose chains the last axis holds, or loop::none
  std::vector<std::vector<Statement>> nests; ///< in the order they were made
  /// Of the nests that are being written, loops that are open ending them: a loop takes what stands
  /// behind it for its body when it is closed.
  std::vector<Statement> open;

  /// A kernel without statements; keeps memory.
  void clear();
};

/// The coordinate `loop` itself.
inline Index at(LoopId loop) { return {{0, {{loop, 1}}}, loop::none, 0}; }
/// A fixed coordinate.
inline Index at_constant(int64_t i) { return {{i, {}}, loop::none, 0}; }
/// A copy of `body` that defines values, loops and tiles of its own.
std::vector<Statement> clone(KernelDraft& draft, const std::vector<Statement>& body);

class Body {
public:
  Body(KernelDraft& draft, NodeId node) : draft_(draft), node_(node), first_(draft.open.size()) {}

  NodeId node() const { return node_; }
  KernelDraft& draft() { return draft_; }
  DType type(ValueId v) const { return draft_.value_types[v]; }

  LoopId open(const std::string& name, int64_t extent);
  void close();
  LoopFacts& facts(LoopId loop) { return draft_.loops[loop]; }

  ValueId constant(DType type, Bits bits);
  ValueId compute(ScalarOp op, DType result, std::initializer_list<ValueId> operands);
  /// An elementary function by its name.
  ValueId call(Opcode function, DType type, std::span<const ValueId> operands);
  ValueId index(const Affine& affine);
  ValueId load(BufferId buffer, DType type, std::vector<Index> index, ValueId mask = loop::none,
               ValueId fill = loop::none);
  void store(BufferId buffer, std::vector<Index> index, ValueId value, ValueId mask = loop::none);
  TileId tile(DType type, std::vector<int64_t> extents, Bits bits);
  ValueId get(TileId tile, DType type, std::vector<Index> index);
  void set(TileId tile, std::vector<Index> index, ValueId value, ValueId mask = loop::none);
  ValueId join(TileId tile, DType type, ScalarOp op);
  void check(ValueId condition, const Affine& position);
  /// `value` in type `to`; itself where it has it already.
  ValueId convert(ValueId value, DType to);
  /// Both true; none stands for true.
  ValueId both(ValueId a, ValueId b);
  /// Copies a straight line of operations; look-ups become loads from `tables`, one buffer per
  /// table of the program.
  ValueId expand(const loop::ScalarProgram& program, std::span<const ValueId> arguments,
                 std::span<const BufferId> tables);

  /// Least and greatest value of an affine coordinate over its loops; an empty loop counts as one
  /// turn.
  std::pair<int64_t, int64_t> range(const Affine& affine) const;

  /// Ends the nest and adds it to the kernel.
  void finish();

private:
  Statement& append(StatementKind kind);
  ValueId define(Statement& statement, DType type);

  KernelDraft& draft_;
  NodeId node_;
  size_t first_;                   ///< of its statements in draft.open
  SmallVector<uint32_t, 8> heads_; ///< the open loops, there
};

} // namespace gdjit::lowering
