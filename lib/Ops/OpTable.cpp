// The op table: rows of IR/Ops.def joined with the blocks of lib/Ops/<Family>.cpp.
#include "gdjit/Ops/Op.h"

#include "gdjit/Support/Hash.h"

namespace gdjit {

namespace {
constinit const OpInfo table[opcode_count] = {
#define GDJIT_OP(enumerator, name, kind, operands, f32_ulp, f64_ulp)                               \
  {Opcode::enumerator, #name, OpKind::kind, operands, f32_ulp, f64_ulp, &blocks::enumerator},
#include "gdjit/IR/Ops.def"
};
} // namespace

const OpInfo& info(Opcode op) { return table[static_cast<int>(op)]; }

static loop::ScalarProgram expansion(const OpInfo& op, std::vector<DType> parameters,
                                     const Attributes& attributes, DType type,
                                     bool scaleb = false) {
  GDJIT_CHECK(op.block->expand != nullptr);
  const int count = static_cast<int>(parameters.size());
  loop::ScalarBuilder builder(std::move(parameters), scaleb);
  std::vector<loop::ScalarValue> arguments;
  for (int i = 0; i < count; ++i)
    arguments.push_back(builder.parameter(i));
  loop::ScalarValue result = op.block->expand(Expansion{builder, arguments, attributes, type});
  return std::move(builder).finish({&result, 1});
}

loop::ScalarProgram expansion(const Graph& graph, NodeId node) {
  const OpInfo& op = info(graph.op(node));
  std::vector<DType> parameters;
  for (Value v : graph.operands(node))
    parameters.push_back(graph.type(v).dtype);
  if (op.kind == OpKind::Source)
    parameters.push_back(DType::i64);
  if (is_draw(graph, node))
    parameters.push_back(DType::i64);
  return expansion(op, std::move(parameters), graph.attributes(node), graph.type(node).dtype);
}

loop::ScalarProgram expansion(Opcode op, DType type, bool scaleb) {
  std::vector<DType> parameters(static_cast<size_t>(operand_count(op)), type);
  return expansion(info(op), std::move(parameters), Attributes{}, type, scaleb);
}

bool is_draw(const Graph& graph, NodeId node) { return graph.attributes(node).has(Attr::stream); }

Bits stream_number(const Graph& graph, NodeId node) {
  return hash_bytes(graph.attributes(node).text(Attr::stream));
}

bool is_argument(const Graph& graph, NodeId node) {
  return kind(graph.op(node)) == OpKind::Source && graph.attributes(node).has(Attr::index);
}

bool is_literal(const Graph& graph, NodeId node) {
  return kind(graph.op(node)) == OpKind::Source && graph.attributes(node).has(Attr::value);
}

Accesses accesses(const Graph& graph, NodeId node) {
  const OpInfo& op = info(graph.op(node));
  GDJIT_CHECK(op.block->accesses != nullptr);
  std::vector<TensorType> operands;
  for (Value v : graph.operands(node))
    operands.push_back(graph.type(v));
  return op.block->accesses(operands, graph.type(node), graph.attributes(node));
}

} // namespace gdjit
