// The data structures, member by member.
#include "gdjit/Driver/Json.h"

#include "gdjit/IR/TextWriter.h"
#include "gdjit/Loop/KernelView.h"
#include "gdjit/Loop/Types.h"

#include <nlohmann/json.hpp>

namespace gdjit {

using Json = nlohmann::ordered_json;

namespace {

Json number(double v) { return json_number<Json>(v); }

Json elements(const Array& array) { return json_elements<Json>(array); }

Json literal(const Array& array) {
  return {{"type", to_string(array.type())}, {"elements", elements(array)}};
}

Json attribute(const Attributes::Entry& e) {
  switch (kind(e.attr)) {
  case AttributeKind::integer:
    return e.number;
  case AttributeKind::real:
    return number(e.real);
  case AttributeKind::boolean:
    return e.number != 0;
  case AttributeKind::text:
    return e.text;
  case AttributeKind::integers:
    return e.integers;
  case AttributeKind::dtype:
    return std::string(name(static_cast<DType>(e.number)));
  case AttributeKind::order:
    return to_string(e.order);
  case AttributeKind::array:
    return literal(*e.array);
  }
  return nullptr;
}

Json value(Value v) {
  if (v.result == 0)
    return v.node;
  return {{"node", v.node}, {"result", v.result}};
}

Json nodes(const Graph& g) {
  Json all = Json::array();
  for (NodeId n = 0; n < g.size(); ++n) {
    Json node = {{"id", n}, {"op", std::string(name(g.op(n)))}};
    Json operands = Json::array();
    for (Value v : g.operands(n))
      operands.push_back(value(v));
    if (!operands.empty())
      node["operands"] = operands;
    for (const Attributes::Entry& e : g.attributes(n).entries())
      node["attributes"][std::string(name(e.attr))] = attribute(e);
    node["type"] = to_string(g.type(n));
    if (!g.name(n).empty())
      node["name"] = g.name(n);
    node["part"] = std::string(name(g.origin(n).part));
    if (g.location(n).known())
      node["at"] = to_string(g.location(n));
    all.push_back(node);
  }
  return all;
}

Json rows(const Signature& s, const std::vector<Rows>& all) {
  Json out = Json::object();
  for (const Rows& r : all)
    out[s.inputs[r.input].name] = r.values ? literal(*r.values) : Json(r.file);
  return out;
}

Json signature(const Signature& s) {
  Json out = {{"name", s.name}, {"step", s.step}, {"batch", s.batch}};
  for (const InputDecl& d : s.inputs) {
    Json row = {{"name", d.name}, {"type", to_string(d.type)}};
    if (d.batch_axis >= 0)
      row["batch_axis"] = d.batch_axis;
    out["inputs"].push_back(row);
  }
  for (const StateDecl& d : s.states)
    out["states"].push_back(
        {{"name", d.name}, {"type", to_string(d.type)}, {"initial", value(d.initial)}});
  for (const ScalarDecl& d : s.scalars) {
    Json row = {{"name", d.name}, {"type", std::string(name(d.dtype))}};
    if (d.has_default)
      row["default"] = number(d.initial);
    out["scalars"].push_back(row);
  }
  for (const OutputDecl& d : s.outputs) {
    Json row = {{"name", d.name}, {"type", to_string(d.type)}};
    if (d.batch_axis >= 0)
      row["batch_axis"] = d.batch_axis;
    out["outputs"].push_back(row);
  }
  for (const UpdateDecl& d : s.updates)
    out["updates"].push_back(s.states[d.state].name);
  if (!s.data.empty())
    out["data"] = rows(s, s.data);
  if (!s.examples.empty())
    out["examples"] = rows(s, s.examples);
  if (!s.initial.empty())
    out["initial"] = nodes(s.initial);
  return out;
}

Json index(const loop::Kernel& kernel, const loop::Index& i) {
  Json out = Json::object();
  if (i.affine.constant != 0)
    out["constant"] = i.affine.constant;
  for (const loop::Term& t : i.affine.terms)
    out["terms"].push_back(
        {{"loop",
          t.loop < kernel.loop_names.size() ? Json(kernel.loop_names[t.loop]) : Json(t.loop)},
         {"factor", t.factor}});
  if (i.dynamic != loop::none)
    out["dynamic"] = i.dynamic;
  if (i.lane != 0)
    out["lane"] = i.lane;
  return out;
}

std::string value_type(loop::ValueType t) {
  std::string text(name(t.dtype));
  return t.lanes == 1 ? text : text + "x" + std::to_string(t.lanes);
}

/// A statement without its body.
Json statement(const loop::Program& program, const loop::Kernel& kernel, const loop::Statement& s) {
  Json out = {{"kind", std::string(loop::name(s.kind))}};
  if (s.kind == loop::StatementKind::For) {
    out["loop"] =
        s.loop < kernel.loop_names.size() ? Json(kernel.loop_names[s.loop]) : Json(s.loop);
    out["how"] = std::string(loop::name(s.loop_kind));
    out["begin"] = s.begin;
    out["end"] = s.end;
    out["step"] = s.step;
    return out;
  }
  if (s.kind == loop::StatementKind::Compute || s.kind == loop::StatementKind::Join)
    out["op"] = std::string(s.op == loop::ScalarOp::call ? name(static_cast<Opcode>(s.bits))
                                                         : loop::name(s.op));
  out["type"] = value_type(s.type);
  if (s.result != loop::none)
    out["result"] = s.result;
  if (!s.operands.empty())
    out["operands"] = s.operands;
  if (s.mask != loop::none)
    out["mask"] = s.mask;
  if (s.fill != loop::none)
    out["fill"] = s.fill;
  if (s.buffer != loop::none)
    out["buffer"] = program.buffers[s.buffer].name;
  if (s.streaming)
    out["streaming"] = true;
  if (s.tile != loop::none)
    out["tile"] = s.tile;
  if (s.kind == loop::StatementKind::Tile ||
      (s.kind == loop::StatementKind::Compute && s.op == loop::ScalarOp::constant))
    out["bits"] = s.bits;
  if (!s.extents.empty())
    out["extents"] = s.extents;
  for (const loop::Index& i : s.index)
    out["index"].push_back(index(kernel, i));
  if (s.node != no_node)
    out["node"] = s.node;
  return out;
}

/// Loops nest as deep as shapes have axes, a few dozen at most: recursion is bounded.
Json body(const loop::Program& program, const loop::Kernel& kernel,
          const std::vector<loop::Statement>& statements) {
  Json out = Json::array();
  for (const loop::Statement& s : statements) {
    out.push_back(statement(program, kernel, s));
    if (s.kind == loop::StatementKind::For)
      out.back()["body"] = body(program, kernel, s.body);
  }
  return out;
}

} // namespace

std::string print_json(const Step& step) {
  Json out = {{"stage", std::string(name(step.stage))}, {"signature", signature(step.signature)}};
  out["nodes"] = nodes(step.graph);
  for (size_t i = 0; i < step.outputs.size(); ++i)
    out["outputs"][step.signature.outputs[i].name] = value(step.outputs[i]);
  for (size_t i = 0; i < step.updates.size(); ++i)
    out["updates"][step.signature.states[step.signature.updates[i].state].name] =
        value(step.updates[i]);
  for (size_t k = 0; k < step.partition.kernels.size(); ++k) {
    const KernelGroup& kernel = step.partition.kernels[k];
    Json members = Json::array();
    for (NodeId n = 0; n < step.graph.size(); ++n)
      if (step.partition.kernel_of[n] == k)
        members.push_back(n);
    out["kernels"].push_back({{"name", kernel.name},
                              {"title", kernel.title},
                              {"reason", kernel.reason},
                              {"nodes", members}});
  }
  return json_text(out);
}

std::string print_json(const loop::Program& program) {
  Json out = {{"stage", std::string(name(program.stage))},
              {"signature", signature(program.signature)}};
  for (const loop::Buffer& b : program.buffers) {
    Json row = {
        {"name", b.name}, {"type", to_string(b.type)}, {"role", std::string(loop::name(b.role))}};
    if (b.literal)
      row["elements"] = elements(*b.literal);
    if (b.same_as != loop::none)
      row["same_as"] = program.buffers[b.same_as].name;
    if (b.place != loop::Place::unplanned)
      row["place"] = std::string(loop::name(b.place));
    if (b.place == loop::Place::arena)
      row["offset"] = b.offset;
    out["buffers"].push_back(row);
  }
  for (const loop::Kernel& k : loop::written_out(program).kernels)
    out["kernels"].push_back({{"name", k.name},
                              {"title", k.title},
                              {"reason", k.reason},
                              {"body", body(program, k, k.body)}});
  if (program.stage >= Stage::Planned)
    out["arena_bytes"] = program.arena_bytes;
  return json_text(out);
}

std::string print_json(Stage stage, const std::string& text) {
  return json_text(Json{{"stage", std::string(name(stage))}, {"text", text}});
}

} // namespace gdjit
