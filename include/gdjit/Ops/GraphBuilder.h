// GraphBuilder: appends nodes with their types inferred; the only way that frontends and passes
// build graphs.
#pragma once

#include "gdjit/IR/Step.h"

#include <initializer_list>
#include <span>
#include <vector>

namespace gdjit {

/// Verbatim: every append is a new node (the frontend: the first dump is what the user wrote).
/// Shared: an equal node (op, operands, attributes) is returned instead (passes).
enum class Sharing : uint8_t { verbatim, shared };

class GraphBuilder {
public:
  /// `graph` and `signature` must outlive the builder; nodes already in the graph take part in
  /// sharing.
  GraphBuilder(Graph& graph, const Signature& signature, Sharing sharing);

  /// Infers the type and appends. A wrong type is Error(ErrorCode::graph) at `origin`, naming the
  /// op and each operand with type and line. Commutative operands are not reordered.
  Value append(Opcode op, std::span<const Value> operands, Attributes attributes = {});
  Value append(Opcode op, std::initializer_list<Value> operands, Attributes attributes = {});
  /// Appends what node n of another graph is, over `operands`. Where their types are those of its
  /// own operands there is nothing to infer.
  Value append_copy(const Graph& from, NodeId n, std::span<const Value> operands);

  /// Origin and part of the nodes appended from now on.
  void set_origin(Origin origin) { origin_ = origin; }
  const Origin& origin() const { return origin_; }

  Graph& graph() { return graph_; }
  const Graph& graph() const { return graph_; }
  const Signature& signature() const { return signature_; }
  const TensorType& type(Value v) const { return graph_.type(v); }

  // Sources.
  Value input(uint32_t row);
  Value state(uint32_t row);
  Value scalar(uint32_t row);
  /// A scalar constant broadcast to `type` (rank 0 needs no broadcast); rounded once.
  Value constant(TensorType type, double value);
  Value repeated(TensorType type, Bits bits); ///< the same from an element's bits
  Value constant(Array value);
  /// uniform_constant() as a number; i64 beyond 2^53 rounds.
  bool constant_value(Value v, double& value) const;
  /// True where every element is exactly `value`, the sign of a zero included.
  bool is_constant(Value v, double value) const;

private:
  Graph& graph_;
  const Signature& signature_;
  Sharing sharing_;
  Origin origin_;

  /// Nodes by hash, for sharing: an open table, at most half full.
  struct Seen {
    uint64_t hash = 0;
    NodeId node = no_node;
  };
  /// The equal node, no_node where there is none.
  NodeId find_seen(uint64_t hash, Opcode op, std::span<const Value> operands,
                   const Attributes& attributes) const;
  void add_seen(uint64_t hash, NodeId node);
  /// The node of that type, appended where no equal one is shared.
  Value placed(Opcode op, std::span<const Value> operands, Attributes attributes,
               const TensorType& type);
  std::vector<Seen> seen_;
  size_t seen_count_ = 0;
};

} // namespace gdjit
