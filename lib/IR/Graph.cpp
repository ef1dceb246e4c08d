// The list of nodes.
#include "gdjit/IR/Graph.h"

#include <algorithm>

namespace gdjit {

const std::string& Graph::name(NodeId n) const {
  return names_[n < name_of_.size() ? name_of_[n] : 0];
}

NodeId Graph::append(Opcode op, std::span<const Value> operands, Attributes attributes,
                     std::span<const TensorType> types, Origin origin) {
  NodeId id = size();
  for (Value v : operands)
    GDJIT_CHECK(v.node < id);
  Record record;
  record.first_operand = static_cast<uint32_t>(operands_.size());
  record.first_type = static_cast<uint32_t>(types_.size());
  record.operand_count = static_cast<uint32_t>(operands.size());
  record.op = op;
  record.result_count = static_cast<uint8_t>(types.size());
  record.attributes = 0;
  if (!attributes.empty()) {
    record.attributes = static_cast<uint32_t>(attributes_.size());
    attributes_.push_back(std::move(attributes));
  }
  operands_.insert(operands_.end(), operands.begin(), operands.end());
  types_.insert(types_.end(), types.begin(), types.end());
  origins_.push_back(origin);
  nodes_.push_back(record);
  return id;
}

void Graph::reserve_like(const Graph& other) {
  nodes_.reserve(other.nodes_.size());
  operands_.reserve(other.operands_.size());
  types_.reserve(other.types_.size());
  attributes_.reserve(other.attributes_.size());
  origins_.reserve(other.origins_.size());
  name_of_.reserve(other.name_of_.size());
  names_.reserve(other.names_.size());
}

void Graph::set_name(NodeId n, std::string name) {
  if (name_of_.size() <= n)
    name_of_.resize(n + 1, 0);
  name_of_[n] = static_cast<uint32_t>(names_.size());
  names_.push_back(std::move(name));
}

uint32_t Graph::file(const std::string& name) {
  auto at = std::find(files_.begin(), files_.end(), name);
  if (at == files_.end())
    at = files_.insert(at, name);
  return static_cast<uint32_t>(at - files_.begin());
}

Origin Graph::origin_of(const SourceLocation& location, Part part) {
  return {file(location.file), location.line, location.column, part};
}

bool uniform_constant(const Graph& graph, Value v, Bits& bits) {
  while (graph.op(v.node) == Opcode::Broadcast || graph.op(v.node) == Opcode::Reshape)
    v = graph.operand(v.node, 0);
  return graph.op(v.node) == Opcode::Constant &&
         uniform_element(graph.attributes(v.node).array(Attr::value), bits);
}

} // namespace gdjit
