// What a step knows of its nodes through its signature.
#include "gdjit/IR/Step.h"

namespace gdjit {

std::string scalar_problem(const ScalarDecl& scalar) {
  const bool counts = scalar.name == "step" || scalar.name == "seed";
  const DType type = counts ? DType::i64 : DType::boolean;
  if ((!counts && scalar.name != "training") || scalar.dtype == type)
    return "";
  return "scalar '" + scalar.name + "' is " + std::string(name(scalar.dtype)) +
         ", and has a meaning of its own as " + std::string(name(type)) + "; choose another name";
}

std::string batch_axis_problem(const TensorType& type, int batch_axis, int64_t batch) {
  if (batch_axis == -1)
    return "";
  if (batch_axis < 0 || batch_axis >= type.shape.rank())
    return to_string(type) + " has no axis " + std::to_string(batch_axis);
  if (type.shape[batch_axis] != batch)
    return "axis " + std::to_string(batch_axis) + " of " + to_string(type) + " is no batch of " +
           std::to_string(batch);
  return "";
}

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
