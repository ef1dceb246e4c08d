// Appending with types inferred: a wrong shape is an error on the user's line, with both types and
// a remedy.
#include "gdjit/Ops/GraphBuilder.h"

#include "gdjit/Ops/Op.h"
#include "gdjit/Support/Hash.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
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
  const Attributes& attributes = graph.attributes(v.node);
  size_t row = attributes.has(Attr::index) ? attributes.integer(Attr::index) : 0;
  switch (graph.op(v.node)) {
  case Opcode::Input:
    return signature.inputs[row].name;
  case Opcode::State:
    return signature.states[row].name;
  case Opcode::Scalar:
    return signature.scalars[row].name;
  default:
    return fmt::format("%{} ({})", v.node, name(graph.op(v.node)));
  }
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

/// The type that the signature gives to an input, state or scalar.
TensorType signature_type(Opcode op, const Signature& signature, const Attributes& attributes) {
  if (!attributes.has(Attr::index))
    throw TypeMismatch{"attribute 'index' is missing", "name a row of the signature"};
  int64_t row = attributes.integer(Attr::index);
  size_t rows = op == Opcode::Input   ? signature.inputs.size()
                : op == Opcode::State ? signature.states.size()
                                      : signature.scalars.size();
  if (row < 0 || static_cast<size_t>(row) >= rows)
    throw TypeMismatch{fmt::format("row {} of {} in the signature", row, rows), "declare it there"};
  return op == Opcode::Input   ? signature.inputs[row].type
         : op == Opcode::State ? signature.states[row].type
                               : TensorType{signature.scalars[row].dtype, {}};
}

TensorType infer(const OpInfo& op, const Signature& signature, std::span<const TensorType> operands,
                 Attributes& attributes) {
  if (op.operands >= 0 ? operands.size() != static_cast<size_t>(op.operands) : operands.empty())
    throw TypeMismatch{fmt::format("takes {} operand{}, {} given",
                                   op.operands < 0 ? "at least 1" : std::to_string(op.operands),
                                   op.operands == 0 || op.operands > 1 ? "s" : "", operands.size()),
                       ""};
  std::span<const Attr> known = op.block->attributes;
  for (const Attributes::Entry& e : attributes.entries())
    if (std::find(known.begin(), known.end(), e.attr) == known.end())
      throw TypeMismatch{fmt::format("has no attribute '{}'", name(e.attr)), ""};
  if (!op.block->infer)
    return signature_type(op.opcode, signature, attributes);
  TensorType type = op.block->infer(TypeRequest{operands, attributes});
  std::string problem = shape_problem(type.shape.begin(), type.shape.rank());
  if (!problem.empty())
    throw TypeMismatch{fmt::format("result {}: {}", to_string(type), problem), ""};
  return type;
}

} // namespace

GraphBuilder::GraphBuilder(Graph& graph, const Signature& signature, Sharing sharing)
    : graph_(graph), signature_(signature), sharing_(sharing) {
  if (sharing_ == Sharing::shared)
    for (NodeId n = 0; n < graph_.size(); ++n)
      seen_.emplace(hash_node(graph_.op(n), graph_.operands(n), graph_.attributes(n)), n);
}

Value GraphBuilder::append(Opcode op, std::span<const Value> given, Attributes attributes) {
  std::vector<Value> operands(given.begin(),
                              given.end()); // may be the graph's own, which is about to grow
  std::vector<TensorType> types;
  for (Value v : operands) {
    GDJIT_CHECK(v.node < graph_.size() &&
                v.result < static_cast<uint32_t>(graph_.result_count(v.node)));
    types.push_back(graph_.type(v));
  }
  TensorType type;
  try {
    type = infer(info(op), signature_, types, attributes);
  } catch (TypeMismatch& mismatch) {
    std::vector<Note> notes = operand_notes(graph_, signature_, operands);
    if (!mismatch.remedy.empty())
      notes.push_back({mismatch.remedy, {}});
    throw Error(ErrorCode::graph, fmt::format("{}: {}", name(op), mismatch.message),
                graph_.location(origin_), std::move(notes));
  }

  uint64_t hash = 0;
  if (sharing_ == Sharing::shared) {
    hash = hash_node(op, operands, attributes);
    auto [first, last] = seen_.equal_range(hash);
    for (auto it = first; it != last; ++it) {
      NodeId n = it->second;
      if (graph_.op(n) == op && std::ranges::equal(graph_.operands(n), operands) &&
          graph_.attributes(n) == attributes)
        return {n, 0};
    }
  }
  NodeId n = graph_.append(op, operands, std::move(attributes), {&type, 1}, origin_);
  if (sharing_ == Sharing::shared)
    seen_.emplace(hash, n);
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
  Value scalar = constant(Array(TensorType{type.dtype, {}}, {value}));
  if (type.shape.rank() == 0)
    return scalar;
  return append(Opcode::Broadcast, {scalar}, Attributes().shape(Attr::shape, type.shape));
}

Value GraphBuilder::constant(Array value) {
  return append(Opcode::Constant, {},
                Attributes().array(Attr::value, std::make_shared<const Array>(std::move(value))));
}

bool GraphBuilder::constant_value(Value v, double& value) const {
  while (graph_.op(v.node) == Opcode::Broadcast || graph_.op(v.node) == Opcode::Reshape)
    v = graph_.operand(v.node, 0);
  if (graph_.op(v.node) != Opcode::Constant)
    return false;
  const Array& array = graph_.attributes(v.node).array(Attr::value);
  if (array.elements() == 0)
    return false;
  value = array.at(0);
  for (int64_t i = 1; i < array.elements(); ++i)
    if (std::bit_cast<uint64_t>(array.at(i)) != std::bit_cast<uint64_t>(value))
      return false;
  return true;
}

bool GraphBuilder::is_constant(Value v, double value) const {
  double element = 0;
  if (!constant_value(v, element))
    return false;
  return std::bit_cast<uint64_t>(element) == std::bit_cast<uint64_t>(value) ||
         (std::isnan(element) && std::isnan(value));
}

} // namespace gdjit
