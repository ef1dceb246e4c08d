// verify-values: random arguments, forward interpretation, the first difference.
#include "gdjit/Transforms/VerifyValues.h"

#include "gdjit/Interp/GraphInterpreter.h"
#include "gdjit/Ops/Op.h"
#include "gdjit/Support/Figure.h"
#include "gdjit/Support/Hash.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace gdjit {

namespace {

/// Numbers that depend on seed, array and position alone.
class Draw {
public:
  explicit Draw(uint64_t seed) : state_(mix64(seed)) {}
  uint64_t bits() { return state_ = mix64(state_ + 0x9e3779b97f4a7c15u); }
  double unit() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

private:
  uint64_t state_;
};

constexpr double corner_values[] = {0.0,
                                    -0.0,
                                    1e-40,
                                    -1e-310,
                                    1.0,
                                    -1.0,
                                    3e38,
                                    std::numeric_limits<double>::infinity(),
                                    -std::numeric_limits<double>::infinity(),
                                    std::numeric_limits<double>::quiet_NaN()};

Array random_array(const TensorType& type, Draw& draw, int64_t bound, bool corners) {
  Array array(type);
  for (int64_t i = 0; i < type.elements(); ++i) {
    double value = draw.unit() * 4 - 2;
    if (type.dtype == DType::boolean)
      value = (draw.bits() & 1) != 0 ? 1 : 0;
    else if (is_integer(type.dtype))
      value = static_cast<double>(draw.bits() % static_cast<uint64_t>(std::max<int64_t>(bound, 1)));
    else if (corners && draw.bits() % 16 == 0)
      value = corner_values[draw.bits() % std::size(corner_values)];
    array.set(i, value);
  }
  return array;
}

Array unknown() { return Array(TensorType{DType::f32, {0}}); }
bool is_unknown(const Array& array) { return array.type() == TensorType{DType::f32, {0}}; }

std::string difference(std::string_view what, const std::string& name, const Array& before,
                       const Array& after) {
  if (is_unknown(before) || is_unknown(after) || same_bits(before, after))
    return "";
  if (before.type() != after.type())
    return fmt::format("{} {} is {}, was {}", what, name, to_string(after.type()),
                       to_string(before.type()));
  for (int64_t i = 0; i < before.elements(); ++i) {
    size_t size = static_cast<size_t>(byte_size(before.type().dtype));
    const char* a = static_cast<const char*>(before.bytes()) + i * static_cast<int64_t>(size);
    const char* b = static_cast<const char*>(after.bytes()) + i * static_cast<int64_t>(size);
    DType dtype = before.type().dtype;
    if (!loop::same_bits(dtype, loop::load_bits(dtype, a), loop::load_bits(dtype, b)))
      return fmt::format("{} {}[{}] is {}, was {}", what, name, i, format_figure(after.at(i), 17),
                         format_figure(before.at(i), 17));
  }
  return "";
}

} // namespace

CallArguments random_arguments(const Signature& signature, uint64_t seed, int64_t bound,
                               bool corners) {
  CallArguments arguments;
  Draw draw(seed);
  for (const InputDecl& input : signature.inputs)
    arguments.inputs.push_back(random_array(input.type, draw, bound, corners));
  for (const StateDecl& state : signature.states)
    arguments.states.push_back(random_array(state.type, draw, bound, corners));
  for (const ScalarDecl& scalar : signature.scalars) {
    Array value = random_array({scalar.dtype, {}}, draw, bound, false);
    if (scalar.has_default)
      value.set(0, scalar.initial);
    arguments.scalars.push_back(std::move(value));
  }
  return arguments;
}

int64_t index_bound(const Graph& graph) {
  int64_t bound = 3;
  for (NodeId n = 0; n < graph.size(); ++n)
    if (kind(graph.op(n)) == OpKind::Indexing)
      for (const Shape& shape : {graph.type(n).shape, graph.type(graph.operand(n, 0)).shape})
        for (int64_t extent : shape)
          bound = std::min(bound, extent);
  return std::max<int64_t>(bound, 1);
}

CallResults interpret_forward(const Step& step, const CallArguments& arguments) {
  const Graph& graph = step.graph;
  std::vector<bool> derived(graph.size()); // depends on a gradient node
  for (NodeId n = 0; n < graph.size(); ++n) {
    auto operands = graph.operands(n);
    derived[n] =
        kind(graph.op(n)) == OpKind::Derivative ||
        std::any_of(operands.begin(), operands.end(), [&](Value v) { return derived[v.node]; });
  }

  // The step without them: same ids up to the first of them would not do, so nodes are numbered
  // anew.
  Step forward;
  forward.signature = step.signature;
  forward.stage = Stage::Differentiated;
  forward.signature.outputs.clear();
  forward.signature.updates.clear();
  std::vector<Value> map(graph.size());
  std::vector<Value> operands;
  for (NodeId n = 0; n < graph.size(); ++n) {
    if (derived[n])
      continue;
    operands.clear();
    for (Value v : graph.operands(n))
      operands.push_back(map[v.node]);
    TensorType type = graph.type(n);
    map[n] = {forward.graph.append(graph.op(n), operands, graph.attributes(n), {&type, 1}), 0};
  }
  for (size_t i = 0; i < step.outputs.size(); ++i)
    if (!derived[step.outputs[i].node]) {
      forward.signature.outputs.push_back(step.signature.outputs[i]);
      forward.outputs.push_back(map[step.outputs[i].node]);
    }
  for (size_t i = 0; i < step.updates.size(); ++i)
    if (!derived[step.updates[i].node]) {
      forward.signature.updates.push_back(step.signature.updates[i]);
      forward.updates.push_back(map[step.updates[i].node]);
    }

  CallResults known = interpret(forward, arguments);
  CallResults results;
  results.status = known.status;
  size_t next = 0;
  for (Value v : step.outputs)
    results.outputs.push_back(derived[v.node] ? unknown() : std::move(known.outputs[next++]));
  next = 0;
  for (Value v : step.updates)
    results.updates.push_back(derived[v.node] ? unknown() : std::move(known.updates[next++]));
  return results;
}

std::string first_difference(const Signature& signature, const CallResults& before,
                             const CallResults& after) {
  if (before.status.ok() != after.status.ok())
    return fmt::format("an index out of range is {}reported",
                       after.status.ok() ? "no longer " : "");
  for (size_t i = 0; i < before.outputs.size(); ++i) {
    std::string text =
        difference("output", signature.outputs[i].name, before.outputs[i], after.outputs[i]);
    if (!text.empty())
      return text;
  }
  for (size_t i = 0; i < before.updates.size(); ++i) {
    std::string text = difference("update of", signature.states[signature.updates[i].state].name,
                                  before.updates[i], after.updates[i]);
    if (!text.empty())
      return text;
  }
  return "";
}

} // namespace gdjit
