// The lowering of one step: what every kind of node is lowered with.
//
// Each node that computes becomes a naive loop nest over its result, storing into its buffer;
// Movement nodes are no nests but index maps, composed into the loads of their consumers
// (Element.cpp). Loop fusion then makes of the nests of a kernel the loops that one would write by
// hand.
#pragma once

#include "Body.h"
#include "Buffers.h"

#include "gdjit/Ops/Expansions.h"

#include <functional>

namespace gdjit::lowering {

/// Coordinates of an operand for those of an iteration.
std::vector<Index> operand_index(const IndexMap& map, const std::vector<Index>& iteration);
/// Coordinates in `operand` for those in `result` where a reshape keeps or merges axes; false where
/// it splits one.
bool reshape_index(const Shape& operand, const Shape& result, const std::vector<Index>& index,
                   std::vector<Index>& out);
/// The row-major position of an element.
Affine position(const Shape& shape, const std::vector<Index>& index);

/// Where an access may take place.
struct Guard {
  ValueId mask = loop::none; ///< where false the element is `fill`; none is true everywhere
  Bits fill = 0;
};

class Lowering {
public:
  Lowering(const Step& step, loop::Program& program);

  /// Lowers one node into nests of the draft; nothing for arguments, literals and Movement.
  void node(KernelDraft& draft, NodeId n);
  /// Makes output or update `number` a copy of `v` where it is not computed straight into it.
  void result(KernelDraft& draft, Value v, loop::BufferRole role, uint32_t number);

  /// True for a temporary that no kernel behind `kernel` reads, under no other shape.
  bool is_private(BufferId buffer, uint32_t kernel) const;

private:
  // One file per kind of node.
  void pointwise(KernelDraft& draft, NodeId n);
  BufferId stream_buffer(NodeId n);
  void reduction(KernelDraft& draft, NodeId n);
  void contraction(KernelDraft& draft, NodeId n);
  void indexing(KernelDraft& draft, NodeId n);
  /// The row that an index selects, checked; true where it is in range.
  ValueId row_in_range(Body& body, Value indices, const std::vector<Index>& index, int64_t rows,
                       ValueId& row);

  // Element.cpp: one element of a value, through any index maps.
  ValueId element(Body& body, Value v, std::vector<Index> index, Guard guard = {});
  ValueId concatenated(Body& body, NodeId n, const Accesses& map, const std::vector<Index>& index,
                       Guard guard);
  /// The bool that an iteration stays within the operand; loop::none where it always does.
  ValueId within(Body& body, const IndexMap& map, const std::vector<Index>& index,
                 const Shape& operand);
  /// The buffer that holds `v`; a Movement value is first copied into one, by a nest in front of
  /// the one that asks.
  BufferId materialize(KernelDraft& draft, Value v);
  bool uniform_constant(Value v, Bits& bits);

  // Accumulate.cpp: what reductions and contractions share.
  struct Chain;
  void accumulate(KernelDraft& draft, NodeId n, const Chain& chain);
  /// What becomes of the sum at a place of the result.
  using Sink = std::function<void(const std::vector<Index>& place, ValueId sum)>;
  void accumulate_block(Body& body, const Chain& chain, const Affine& start, int64_t count,
                        const std::vector<Index>& outer, const Sink& sink);
  BufferId flattened(KernelDraft& draft, NodeId n, Value v, const IndexMap& map,
                     const Chain& chain);
  void index_of_extreme(KernelDraft& draft, NodeId n);

  /// Opens one loop per axis of `shape` and gives the coordinates; an axis of extent 1 is the
  /// constant 0.
  std::vector<Index> open_loops(Body& body, const Shape& shape, bool reduced = false);
  void close_loops(Body& body, const Shape& shape);

  const Step& step_;
  const Graph& graph_;
  loop::Program& program_;
  Buffers buffers_;
  Expansions expansions_;
  std::vector<uint8_t> movement_depth_; ///< Movement nodes composed below a value
  std::vector<uint32_t> last_kernel_;   ///< that reads a node, through Movement too
  std::unordered_map<NodeId, std::pair<bool, Bits>>
      uniform_; ///< of literals: all elements equal, to these bits
};

} // namespace gdjit::lowering
