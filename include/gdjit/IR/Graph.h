// Graph: an append-only list of immutable nodes in topological order.
//
// No pointers, no use lists: a Value is a node's id and the number of one of its results, and a
// pass walks an old graph and builds a new one. Names and places in the user's source sit in side
// tables.
#pragma once

#include "gdjit/IR/Attribute.h"
#include "gdjit/IR/Element.h"
#include "gdjit/IR/Opcode.h"
#include "gdjit/Support/Error.h"

#include <span>
#include <string>
#include <vector>

namespace gdjit {

using NodeId = uint32_t;
inline constexpr NodeId no_node = ~0u;

/// One result of a node.
struct Value {
  NodeId node = no_node;
  uint32_t result = 0;

  bool valid() const { return node != no_node; }
  auto operator<=>(const Value&) const = default;
};

/// Which section of a dump a node stands in.
enum class Part : uint8_t { forward, backward, update };

/// Where a node comes from: the user's line, and whether it computes a value, its gradient or an
/// update.
struct Origin {
  uint32_t file = 0; ///< into Graph::files(); 0 is "unknown"
  uint32_t line = 0;
  uint32_t column = 0;
  Part part = Part::forward;

  bool operator==(const Origin&) const = default;
};

class Graph {
public:
  NodeId size() const { return static_cast<NodeId>(nodes_.size()); }
  bool empty() const { return nodes_.empty(); }

  Opcode op(NodeId n) const { return nodes_[n].op; }
  std::span<const Value> operands(NodeId n) const {
    return {operands_.data() + nodes_[n].first_operand, nodes_[n].operand_count};
  }
  Value operand(NodeId n, int i) const { return operands(n)[i]; }
  const Attributes& attributes(NodeId n) const { return attributes_[nodes_[n].attributes]; }
  int result_count(NodeId n) const { return nodes_[n].result_count; }
  const TensorType& type(Value v) const { return types_[nodes_[v.node].first_type + v.result]; }
  const TensorType& type(NodeId n) const { return types_[nodes_[n].first_type]; }

  /// The name a user gave, "" for none. Unique among the named nodes of a graph.
  const std::string& name(NodeId n) const;
  const Origin& origin(NodeId n) const { return origins_[n]; }
  /// Files that origins refer to; files()[0] is "".
  const std::vector<std::string>& files() const { return files_; }
  SourceLocation location(NodeId n) const { return location(origins_[n]); }
  SourceLocation location(const Origin& origin) const {
    return {files_[origin.file], origin.line, origin.column};
  }

  /// Appends a node without checking: operands must be earlier nodes, types what the op's rule
  /// says. Passes and frontends go through GraphBuilder, which infers the types.
  NodeId append(Opcode op, std::span<const Value> operands, Attributes attributes,
                std::span<const TensorType> types, Origin origin = {});
  void set_name(NodeId n, std::string name);
  void set_origin(NodeId n, Origin origin) { origins_[n] = origin; }
  /// The number of a file in files(), added if new.
  uint32_t file(const std::string& name);
  /// An origin for a location.
  Origin origin_of(const SourceLocation& location, Part part = Part::forward);
  /// Another name for a file of files().
  void rename_file(uint32_t number, std::string name) { files_[number] = std::move(name); }
  /// Makes room for as many nodes as `other` has.
  void reserve_like(const Graph& other);
  /// Takes over the table of files, so that origins of `other` hold here. Only before the first
  /// file() call.
  void share_files(const Graph& other) { files_ = other.files_; }

private:
  struct Record {
    uint32_t first_operand;
    uint32_t first_type;
    uint32_t attributes;
    uint32_t operand_count;
    Opcode op;
    uint8_t result_count;
  };
  std::vector<Record> nodes_;
  std::vector<Value> operands_;
  std::vector<TensorType> types_;
  std::vector<Attributes> attributes_ = {Attributes{}}; ///< [0] is the empty set
  std::vector<Origin> origins_;
  std::vector<uint32_t> name_of_; ///< into names_, grown on demand
  std::vector<std::string> names_ = {""};
  std::vector<std::string> files_ = {""};
};

/// True where every element of v is one constant, through broadcasts and reshapes, all NaNs being
/// one value.
bool uniform_constant(const Graph& graph, Value v, Bits& bits);

} // namespace gdjit
