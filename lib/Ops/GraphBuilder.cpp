// Appending with types inferred: a wrong shape is an error on the user's line, with both types and
// a remedy.
#include "gdjit/Ops/GraphBuilder.h"

#include "gdjit/Ops/Op.h"
#include "gdjit/Support/Hash.h"
#include "gdjit/Support/SmallVector.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace gdjit {

namespace {

uint64_t hash_node(Opcode op, std::span<const Value> operands, const Attributes& attributes) {
  uint64_t h = static_cast<uint64_t>(op);
  for (Value v : operands)
    h = combine(h, uint64_t{v.node} << 32 | v.result);
  return combine(h, attributes.hash());
}

/// What to call a node in a message: the user's name, the name in the signature, or its number and
/// op.
std::string describe(const Graph& graph, const Signature& signature, Value v) {
  if (const std::string& given = graph.name(v.node); !given.empty())
    return given;
  if (const std::string* row = row_name(signature, graph, v.node))
    return *row;
  return fmt::format("%{} ({})", v.node, name(graph.op(v.node)));
}

std::vector<Note> operand_notes(const Graph& graph, const Signature& signature,
                                std::span<const Value> operands) {
  constexpr size_t most = 8;
  std::vector<std::string> words;
  size_t width = 0;
  for (size_t i = 0; i < operands.size() && i < most; ++i) {
    std::string role = operands.size() == 1   ? "operand"
                       : operands.size() == 2 ? (i == 0 ? "lhs" : "rhs")
                                              : fmt::format("operand {}", i + 1);
    words.push_back(role + " " + describe(graph, signature, operands[i]));
    width = std::max(width, words.back().size());
  }
  std::vector<Note> notes;
  for (size_t i = 0; i < words.size(); ++i)
    notes.push_back(
        {fmt::format("{:<{}} : {}", words[i], width, to_string(graph.type(operands[i]))),
         graph.location(operands[i].node)});
  return notes;
}

} // namespace

GraphBuilder::GraphBuilder(Graph& graph, const Signature& signature, Sharing sharing)
    : graph_(graph), signature_(signature), sharing_(sharing) {
  if (sharing_ == Sharing::shared)
    for (NodeId n = 0; n < graph_.size(); ++n)
      add_seen(hash_node(graph_.op(n), graph_.operands(n), graph_.attributes(n)), n);
}

NodeId GraphBuilder::find_seen(uint64_t hash, Opcode op, std::span<const Value> operands,
                               const Attributes& attributes) const {
  const size_t mask = seen_.size() - 1;
  for (size_t at = hash & mask; !seen_.empty() && seen_[at].node != no_node; at = (at + 1) & mask) {
    const NodeId n = seen_[at].node;
    if (seen_[at].hash == hash && graph_.op(n) == op &&
        std::ranges::equal(graph_.operands(n), operands) && graph_.attributes(n) == attributes)
      return n;
  }
  return no_node;
}

void GraphBuilder::add_seen(uint64_t hash, NodeId node) {
  if (2 * (seen_count_ + 1) > seen_.size()) {
    constexpr size_t fewest = 64;
    std::vector<Seen> old(std::max(2 * seen_.size(), fewest));
    old.swap(seen_);
    seen_count_ = 0;
    for (const Seen& seen : old)
      if (seen.node != no_node)
        add_seen(seen.hash, seen.node);
  }
  const size_t mask = seen_.size() - 1;
  size_t at = hash & mask;
  while (seen_[at].node != no_node)
    at = (at + 1) & mask;
  seen_[at] = {hash, node};
  ++seen_count_;
}

Value GraphBuilder::append(Opcode op, std::span<const Value> given, Attributes attributes) {
  const SmallVector<Value, 4> operands(
      given.begin(), given.end()); // may be the graph's own, which is about to grow
  SmallVector<TensorType, 4> types;
  for (Value v : operands) {
    GDJIT_CHECK(v.node < graph_.size() &&
                v.result < static_cast<uint32_t>(graph_.result_count(v.node)));
    types.push_back(graph_.type(v));
  }
  TensorType type;
  try {
    type = infer_type(op, signature_, types, attributes);
  } catch (TypeMismatch& mismatch) {
    std::vector<Note> notes = operand_notes(graph_, signature_, operands);
    if (!mismatch.remedy.empty())
      notes.push_back({mismatch.remedy, {}});
    throw Error(ErrorCode::graph, fmt::format("{}: {}", name(op), mismatch.message),
                graph_.location(origin_), std::move(notes));
  }
  return placed(op, operands, std::move(attributes), type);
}

Value GraphBuilder::append_copy(const Graph& from, NodeId n, std::span<const Value> operands) {
  const std::span<const Value> known = from.operands(n);
  const bool same_types = std::ranges::equal(
      known, operands, [&](Value a, Value b) { return from.type(a) == type(b); });
  return same_types ? placed(from.op(n), operands, from.attributes(n), from.type(n))
                    : append(from.op(n), operands, from.attributes(n));
}

Value GraphBuilder::placed(Opcode op, std::span<const Value> operands, Attributes attributes,
                           const TensorType& type) {
  uint64_t hash = 0;
  if (sharing_ == Sharing::shared) {
    hash = hash_node(op, operands, attributes);
    if (NodeId known = find_seen(hash, op, operands, attributes); known != no_node)
      return {known, 0};
  }
  NodeId n = graph_.append(op, operands, std::move(attributes), {&type, 1}, origin_);
  if (sharing_ == Sharing::shared)
    add_seen(hash, n);
  return {n, 0};
}

Value GraphBuilder::append(Opcode op, std::initializer_list<Value> operands,
                           Attributes attributes) {
  return append(op, std::span<const Value>(operands.begin(), operands.size()),
                std::move(attributes));
}

Value GraphBuilder::input(uint32_t row) {
  return append(Opcode::Input, {}, Attributes().integer(Attr::index, row));
}
Value GraphBuilder::state(uint32_t row) {
  return append(Opcode::State, {}, Attributes().integer(Attr::index, row));
}
Value GraphBuilder::scalar(uint32_t row) {
  return append(Opcode::Scalar, {}, Attributes().integer(Attr::index, row));
}

Value GraphBuilder::constant(TensorType type, double value) {
  return repeated(type, to_bits(type.dtype, value));
}

Value GraphBuilder::repeated(TensorType type, Bits bits) {
  Array element(TensorType{type.dtype, {}});
  store_bits(type.dtype, element.bytes(), bits);
  Value scalar = constant(std::move(element));
  if (type.shape.rank() == 0)
    return scalar;
  return append(Opcode::Broadcast, {scalar}, Attributes().shape(Attr::shape, type.shape));
}

Value GraphBuilder::constant(Array value) {
  return append(Opcode::Constant, {},
                Attributes().array(Attr::value, std::make_shared<const Array>(std::move(value))));
}

bool GraphBuilder::constant_value(Value v, double& value) const {
  Bits bits = 0;
  if (!uniform_constant(graph_, v, bits))
    return false;
  value = to_double(type(v).dtype, bits);
  return true;
}

bool GraphBuilder::is_constant(Value v, double value) const {
  DType dtype = type(v).dtype;
  Bits bits = 0, wanted = to_bits(dtype, value);
  bool exact = std::isnan(value) || to_double(dtype, wanted) == value;
  return exact && uniform_constant(graph_, v, bits) && same_bits(dtype, bits, wanted);
}

} // namespace gdjit
