// What a step knows of its nodes through its signature.
#include "gdjit/IR/Step.h"

namespace gdjit {

const std::string* row_name(const Signature& signature, const Graph& graph, NodeId n) {
  const Attributes& attributes = graph.attributes(n);
  if (!attributes.has(Attr::index))
    return nullptr;
  auto row = static_cast<uint64_t>(attributes.integer(Attr::index));
  auto name_in = [row](const auto& rows) { return row < rows.size() ? &rows[row].name : nullptr; };
  switch (graph.op(n)) {
  case Opcode::Input:
    return name_in(signature.inputs);
  case Opcode::State:
    return name_in(signature.states);
  case Opcode::Scalar:
    return name_in(signature.scalars);
  default:
    return nullptr;
  }
}

} // namespace gdjit
