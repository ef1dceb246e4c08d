// Buffers: which buffer of the program holds a value of the graph.
//
// Inputs, states, scalars and constants have theirs from the outside; a computed value that is an
// output or the next value of a state is written straight into that buffer, any other into a
// temporary.
#pragma once

#include "gdjit/IR/Step.h"
#include "gdjit/Loop/Program.h"

#include <map>
#include <unordered_map>

namespace gdjit::lowering {

class Buffers {
public:
  Buffers(const Step& step, loop::Program& program);

  /// The buffer of a value that has one already, else loop::none (Movement that was never
  /// materialized).
  loop::BufferId find(Value v) const { return of_node_[v.node]; }
  /// The buffer of an argument, a literal or a computed node, made on first use.
  loop::BufferId of(Value v);
  /// A further temporary of a node, for an intermediate result of its lowering.
  loop::BufferId temporary(NodeId node, TensorType type);
  /// Says where a value lies: a view of another buffer.
  loop::BufferId set(Value v, loop::BufferId buffer) { return of_node_[v.node] = buffer; }
  /// True where the value is an output or an update that is computed straight into its buffer.
  bool claimed(Value v) const { return claims_.contains(v.node); }
  /// The node whose value a temporary holds, no_node for any other buffer.
  NodeId owner(loop::BufferId buffer) const {
    return buffer < owners_.size() ? owners_[buffer] : no_node;
  }
  /// True where another buffer is a view of this one.
  bool viewed(loop::BufferId buffer) const { return views_.contains(buffer); }
  /// The same memory, row-major under another shape.
  loop::BufferId view(loop::BufferId buffer, const Shape& shape);
  /// A constant buffer that holds what an expansion reads: a look-up table, the number of a stream.
  loop::BufferId table(const std::shared_ptr<const Array>& elements, const std::string& name);
  /// A buffer for a copy: output or update `number` whose value already lies in another buffer.
  loop::BufferId copy_of(loop::BufferRole role, uint32_t number);
  /// True where `v` is computed straight into output or update `number`.
  bool lies_in(Value v, loop::BufferRole role, uint32_t number) const;

private:
  struct Claim {
    loop::BufferRole role = loop::BufferRole::temporary;
    uint32_t number = 0;
  };
  loop::BufferId add(std::string name, TensorType type, loop::BufferRole role, uint32_t number);
  loop::BufferId add_argument(NodeId node);

  const Step& step_;
  loop::Program& program_;
  std::vector<loop::BufferId> of_node_;
  std::vector<NodeId> owners_; ///< per buffer
  std::unordered_map<NodeId, Claim> claims_;
  std::map<std::pair<loop::BufferRole, uint32_t>, loop::BufferId>
      arguments_; ///< one buffer per input, state, scalar: by its row
  std::unordered_map<uint64_t, std::vector<loop::BufferId>> tables_; ///< by hash of the elements
  std::unordered_map<loop::BufferId, std::vector<loop::BufferId>> views_;
  std::unordered_map<std::string, size_t> names_; ///< and how many '_' it was tried with
};

} // namespace gdjit::lowering
