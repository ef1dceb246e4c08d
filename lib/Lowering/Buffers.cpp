// Buffers by value.
#include "Buffers.h"

#include "gdjit/Ops/Op.h"
#include "gdjit/Support/Error.h"
#include "gdjit/Support/Hash.h"

#include <fmt/format.h>

namespace gdjit::lowering {

using loop::Buffer;
using loop::BufferId;
using loop::BufferRole;

Buffers::Buffers(const Step& step, loop::Program& program)
    : step_(step), program_(program), of_node_(step.graph.size(), loop::none) {
  program.buffers.reserve(step.graph.size()); // at most, but for a few views and copies
  names_.reserve(step.graph.size());
  auto claim = [&](Value v, BufferRole role, size_t number) {
    if (!is_argument(step.graph, v.node) && !is_literal(step.graph, v.node))
      claims_.try_emplace(v.node, Claim{role, static_cast<uint32_t>(number)});
  };
  for (size_t i = 0; i < step.updates.size(); ++i)
    claim(step.updates[i], BufferRole::update, i);
  for (size_t i = 0; i < step.outputs.size(); ++i)
    claim(step.outputs[i], BufferRole::output, i);
}

BufferId Buffers::add(std::string name, TensorType type, BufferRole role, uint32_t number) {
  if (auto [at, fresh] = names_.try_emplace(name, 0); !fresh) {
    std::string longer;
    do
      longer = name + '_' + std::to_string(++at->second + 1);
    while (!names_.try_emplace(longer, 0).second);
    name = std::move(longer);
  }
  Buffer buffer;
  buffer.name = std::move(name);
  buffer.type = type;
  buffer.role = role;
  buffer.number = number;
  program_.buffers.push_back(std::move(buffer));
  return static_cast<BufferId>(program_.buffers.size() - 1);
}

BufferId Buffers::add_argument(NodeId node) {
  const Graph& graph = step_.graph;
  auto row = static_cast<uint32_t>(graph.attributes(node).integer(Attr::index));
  Opcode op = graph.op(node);
  BufferRole role = op == Opcode::Input   ? BufferRole::input
                    : op == Opcode::State ? BufferRole::state
                                          : BufferRole::scalar;
  const std::string* name = row_name(step_.signature, graph, node);
  GDJIT_CHECK(name != nullptr);
  auto [place, fresh] = arguments_.try_emplace({role, row});
  if (fresh)
    place->second = add(*name, graph.type(node), role, row);
  return place->second;
}

BufferId Buffers::of(Value v) {
  GDJIT_CHECK(v.result == 0);
  BufferId& buffer = of_node_[v.node];
  if (buffer != loop::none)
    return buffer;
  const Graph& graph = step_.graph;
  if (is_argument(graph, v.node))
    return buffer = add_argument(v.node);
  const std::string& user_name = graph.name(v.node);
  std::string name = user_name;
  if (name.empty())
    ((name = gdjit::name(graph.op(v.node))) += '.') += std::to_string(v.node);
  if (is_literal(graph, v.node)) {
    buffer = add(std::move(name), graph.type(v), BufferRole::constant, 0);
    program_.buffers[buffer].literal = graph.attributes(v.node).shared_array(Attr::value);
    return buffer;
  }
  auto claim = claims_.find(v.node);
  if (claim == claims_.end()) {
    buffer = add(std::move(name), graph.type(v), BufferRole::temporary, 0);
    owners_.resize(program_.buffers.size(), no_node);
    return owners_[buffer] = v.node, buffer;
  }
  return buffer = copy_of(claim->second.role, claim->second.number);
}

BufferId Buffers::temporary(NodeId node, TensorType type) {
  return add(fmt::format("{}.{}.part", gdjit::name(step_.graph.op(node)), node), type,
             BufferRole::temporary, 0);
}

BufferId Buffers::view(BufferId buffer, const Shape& shape) {
  if (program_.buffers[buffer].type.shape == shape)
    return buffer;
  if (program_.buffers[buffer].same_as != loop::none)
    buffer = program_.buffers[buffer].same_as;
  for (BufferId known : views_[buffer])
    if (program_.buffers[known].type.shape == shape)
      return known;
  const Buffer& viewed = program_.buffers[buffer];
  BufferId view = add(viewed.name + ".view", {viewed.type.dtype, shape}, BufferRole::temporary, 0);
  program_.buffers[view].same_as = buffer;
  views_[buffer].push_back(view);
  return view;
}

BufferId Buffers::table(const std::shared_ptr<const Array>& elements, const std::string& name) {
  std::vector<BufferId>& known = tables_[hash(*elements)];
  for (BufferId b : known)
    if (same_bits(*program_.buffers[b].literal, *elements))
      return b;
  known.push_back(add(name, elements->type(), BufferRole::constant, 0));
  program_.buffers[known.back()].literal = elements;
  return known.back();
}

BufferId Buffers::copy_of(BufferRole role, uint32_t number) {
  if (role == BufferRole::output) {
    const OutputDecl& decl = step_.signature.outputs[number];
    return add(decl.name, decl.type, role, number);
  }
  const StateDecl& state = step_.signature.states[step_.signature.updates[number].state];
  return add(state.name + ".next", state.type, role, number);
}

bool Buffers::lies_in(Value v, BufferRole role, uint32_t number) const {
  auto claim = claims_.find(v.node);
  return claim != claims_.end() && claim->second.role == role && claim->second.number == number;
}

} // namespace gdjit::lowering
