// Program: Loop IR. A step as kernels over buffers, written as one would write the loops by hand.
//
// Statements form a tree; loop variables are i64; SSA values are scalars or vectors; mutable
// storage is buffers (memory) and tiles (registers). From Loops to Planned the same structure gains
// vectors, tiles, threads and places. The language is specified in lib/Loop/README.md, the numbers
// in lib/IR/README.md.
#pragma once

#include "gdjit/IR/Call.h"
#include "gdjit/IR/Step.h"
#include "gdjit/Loop/ScalarOp.h"
#include "gdjit/Support/SmallVector.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace gdjit::loop {

using BufferId = uint32_t; ///< into Program::buffers
using LoopId = uint32_t;   ///< unique within a kernel
using ValueId = uint32_t;  ///< unique within a kernel
using TileId = uint32_t;   ///< unique within a kernel
inline constexpr uint32_t none = ~0u;

/// An SSA value: one element or `lanes` of them. In an operation a scalar operand stands for all
/// lanes.
struct ValueType {
  DType dtype = DType::f32;
  uint16_t lanes = 1;
  bool operator==(const ValueType&) const = default;
};

struct Term {
  LoopId loop = none;
  int64_t factor = 1;
  bool operator==(const Term&) const = default;
};

/// constant + sum of factor * loop variable; terms ascend by loop, none has factor 0.
struct Affine {
  int64_t constant = 0;
  SmallVector<Term, 2> terms;
  bool operator==(const Affine&) const = default;
};

/// One coordinate: affine + dynamic + lane * lane number. `dynamic` is an i64 value (gather), a
/// vector where lanes differ; `lane` is the step per lane of a vector access.
struct Index {
  Affine affine;
  ValueId dynamic = none;
  int64_t lane = 0;
  bool operator==(const Index&) const = default;
};

enum class LoopKind : uint8_t { sequential, unrolled, parallel };

enum class StatementKind : uint8_t {
  For,     ///< for loop in begin .. end step s { body }
  Compute, ///< result = op operands
  Index,   ///< result = index[0] as i64 (a vector where lane != 0)
  Load,    ///< result = buffer[index...], masked lanes give the fill operand
  Store,   ///< buffer[index...] = operand, masked lanes keep
  Tile,    ///< declares a tile of `type` with `extents` elements, all starting as bits
  Get,     ///< result = tile[index...]
  Set,     ///< tile[index...] = operand
  Join,    ///< result = all partials of a part of a tile (lanes included) joined by op in a halving
           ///< tree; a vector joins a row of the part in each lane
  Check,   ///< if an active lane of operand is false: the call's status names node and index[0] as
           ///< position
  Transpose, ///< of a part of n elements, in each group of n lanes: lane l of element e <-> lane e
             ///< of l
  Prefetch,  ///< asks for the line of memory that holds buffer[index...], which may lie outside;
             ///< changes nothing
};

struct Statement {
  StatementKind kind = StatementKind::Compute;
  ScalarOp op = ScalarOp::constant; ///< Compute, Join
  LoopKind loop_kind = LoopKind::sequential;
  bool streaming = false;           ///< Store: whole vectors, past the caches to memory
  ValueType type;                   ///< of the result; of a tile's elements; of what is stored
  ValueId result = none;            ///< Compute, Index, Load, Get, Join
  SmallVector<ValueId, 3> operands; ///< Compute: its operands; Store, Set, Check: the value
  ValueId mask = none;              ///< Load, Store, Set, Check: bool (lanes as type), none for all
  ValueId fill = none;              ///< Load with a mask: what masked lanes give
  BufferId buffer = none;           ///< Load, Store, Prefetch
  TileId tile = none;               ///< Tile, Get, Set, Join, Transpose
  LoopId loop = none;               ///< For
  int64_t begin = 0, end = 0, step = 1; ///< For
  Bits bits = 0;                        ///< Compute constant, Tile: literal
  std::vector<int64_t> extents;         ///< Tile; empty for a single one
  std::vector<Index> index;             ///< Load, Store, Prefetch, Get, Set: one per axis; Index,
                                        ///< Check: one;
  ///< Join, Transpose: of the leading axes, which name the part
  std::vector<Statement> body; ///< For
  NodeId node = no_node;       ///< the graph node it computes for: into Program::notes
};

enum class BufferRole : uint8_t {
  input,     ///< number: row of Signature::inputs
  state,     ///< number: row of Signature::states, the value before the step
  scalar,    ///< number: row of Signature::scalars, rank 0
  constant,  ///< literal elements
  temporary, ///< lives within a call
  output,    ///< number: row of Signature::outputs
  update,    ///< number: row of Signature::updates, the state's next value
};

enum class Place : uint8_t {
  unplanned,
  argument, ///< memory of the caller or of State
  arena,    ///< at `offset` in the arena
  constant, ///< in the constant pool of the program
  shared,   ///< the place of buffer `same_as`: a view, or an update in place
};

struct Buffer {
  std::string name;
  TensorType type;
  BufferRole role = BufferRole::temporary;
  uint32_t number = 0;
  std::shared_ptr<const Array> literal; ///< constant
  BufferId same_as =
      none; ///< a view of another buffer (reshape), or, once planned, an update in place
  Place place = Place::unplanned;
  int64_t offset = 0; ///< bytes, in the arena
};

/// What a dump prints beside a statement: the user's line and words for a node.
struct Note {
  NodeId node = no_node;
  std::string name; ///< the node's name or the op
  SourceLocation location;
  Part part = Part::forward;
};

/// Kernels may share their statements: one that is the same as an earlier kernel has none of its
/// own, and means buffers[i] where that one names its buffers[i], nodes[i] for its nodes[i]
/// (KernelView.h). So of a thousand equal layers one is scheduled, verified and compiled.
struct Kernel {
  std::string name;  ///< "k0"
  std::string title; ///< "x·w+b, sigmoid, loss"
  std::string reason;
  std::vector<Statement> body;
  uint32_t values = 0; ///< ids below this are taken
  uint32_t loops = 0;
  uint32_t tiles = 0;
  std::vector<std::string> loop_names; ///< per LoopId, for print: "i", "j", "k"

  uint32_t same_as = none;       ///< an earlier kernel that has statements
  std::vector<BufferId> buffers; ///< each that is named, ascending unless same_as is given; needed
                                 ///< where kernels are the same
  std::vector<NodeId> nodes;     ///< likewise
};

struct Program {
  Signature signature;
  Stage stage = Stage::Loops;
  std::vector<Buffer> buffers;
  std::vector<Kernel> kernels; ///< run in order
  std::vector<Note> notes;     ///< sorted by node
  int64_t arena_bytes = 0;     ///< from Planned on
  /// Read from a text: nobody has proven that indices from data and masks stay in bounds, so native
  /// code checks them (Bounds.h).
  bool from_text = false;
};

/// The note of a graph node; null where there is none.
const Note* find_note(std::span<const Note> notes, NodeId node);
/// As for a graph (IR/Call.h), by the notes of the program that was called.
void require_in_range(const CallStatus& status, std::span<const Note> notes);

// What passes ask of a program.

/// The buffer whose memory `buffer` shares: the end of the chain of same_as.
BufferId storage(const Program& program, BufferId buffer);
/// Elements of a Tile, each of them a vector where its type is one.
int64_t tile_elements(const Statement& tile);
/// What a Tile takes of the stack.
int64_t tile_bytes(const Statement& tile);
/// Turns of a For.
int64_t turns(const Statement& loop);
/// The parallel loop that is all of a kernel, whose turns threads share; null where there is none.
const Statement* shared_loop(const Kernel& kernel);
/// The last value its variable takes; begin - step where it does not run.
int64_t last_value(const Statement& loop);

} // namespace gdjit::loop
