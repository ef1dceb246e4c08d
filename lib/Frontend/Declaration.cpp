// One run of a model's function: names, scopes, places, and nodes appended with them.
#include "Declaration.h"

#include "gdjit/Ops/Op.h"

#include <fmt/format.h>

#include <algorithm>

namespace gdjit {

SourceLocation location_of(Place place) {
  return {place.file_name(), place.line(), place.column()};
}

Declaration::Declaration(std::string model, DType dtype, int64_t batch)
    : model(std::move(model)), dtype(dtype), batch(batch),
      builder(graph, signature, Sharing::verbatim),
      initial_builder(signature.initial, signature, Sharing::verbatim) {}

void Declaration::fail(std::string message, Place at, std::vector<Note> notes) const {
  throw Error(ErrorCode::graph, std::move(message), location_of(at), std::move(notes));
}

void Declaration::forget_rows() {
  for (std::vector<Column>* columns : {&data, &examples})
    for (Column& column : *columns)
      column.data.rows = {};
}

std::string Declaration::scoped(const std::string& name, Place at) const {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  bool good = !name.empty() && letter(name[0]);
  for (size_t i = 1; good && i < name.size(); ++i) {
    char c = name[i];
    good = letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           (c == '/' && i + 1 < name.size() && letter(name[i + 1]));
  }
  if (!good)
    fail(fmt::format(
             "'{}' is no name: it starts with a letter or _ and goes on with letters, digits, "
             "_ . - and single / between parts",
             name),
         at);
  std::string full;
  for (const std::string& scope : scopes_)
    full += scope + "/";
  return full + name;
}

void Declaration::claim(const std::string& what, const std::string& name, Place at) {
  auto [it, added] = names_.try_emplace(name, Claim{what, at});
  if (!added)
    fail(fmt::format("{} '{}': the name is taken", what, name), at,
         {{fmt::format("{} '{}' was declared here", it->second.what, name),
           location_of(it->second.place)},
          {"choose another name, or wrap one in a scope: auto s = m.scope(\"block1\")", {}}});
}

void Declaration::claim_output(const std::string& name, Place at) {
  auto [it, added] = output_names_.try_emplace(name, Claim{"output", at});
  if (!added)
    fail(fmt::format("output '{}': the name is taken", name), at,
         {{fmt::format("output '{}' was declared here", name), location_of(it->second.place)},
          {"choose another name, or leave one of the two out", {}}});
}

std::string Declaration::stream(const std::string& scoped_name) {
  int ordinal = streams_[scoped_name]++;
  return ordinal == 0 ? scoped_name : fmt::format("{}#{}", scoped_name, ordinal);
}

Origin Declaration::origin(Place at) {
  if (at.file_name() != last_file_) {
    last_file_ = at.file_name();
    last_file_number_ = signature.initial.file(last_file_);
    uint32_t same = graph.file(last_file_);
    GDJIT_CHECK(same == last_file_number_);
  }
  return {last_file_number_, at.line(), at.column(), Part::forward};
}

Value Declaration::append(Opcode op, const std::vector<Value>& operands, Attributes attributes,
                          Place at) {
  builder.set_origin(origin(at));
  return builder.append(op, operands, std::move(attributes));
}

Value Declaration::append(Opcode op, std::initializer_list<Value> operands, Attributes attributes,
                          Place at) {
  builder.set_origin(origin(at));
  return builder.append(op, operands, std::move(attributes));
}

Value Declaration::number(Number number, TensorType type, Place at) {
  Array array(TensorType{type.dtype, {}});
  GDJIT_CHECK(store(array, 0, number));
  builder.set_origin(origin(at));
  return broadcast(builder.constant(std::move(array)), type.shape, at);
}

Value Declaration::broadcast(Value value, Shape shape, Place at) {
  if (type(value).shape == shape)
    return value;
  return append(Opcode::Broadcast, {value}, Attributes().shape(Attr::shape, shape), at);
}

uint32_t Declaration::builtin_scalar_row(std::string_view name, Place at) {
  for (uint32_t i = 0; i < signature.scalars.size(); ++i)
    if (signature.scalars[i].name == name)
      return i;
  bool is_training = name == "training";
  claim("scalar", std::string(name), at);
  signature.scalars.push_back({.name = std::string(name),
                               .dtype = is_training ? DType::boolean : DType::i64,
                               .initial = is_training ? 1.0 : 0.0,
                               .has_default = true,
                               .origin = origin(at)});
  return static_cast<uint32_t>(signature.scalars.size() - 1);
}

Value Declaration::builtin_scalar(std::string_view name, Place at) {
  uint32_t row = builtin_scalar_row(name, at);
  for (auto [known, value] : builtin_nodes_)
    if (known == row)
      return value;
  builder.set_origin(origin(at));
  Value value = builder.scalar(row);
  graph.set_name(value.node, std::string(name));
  builtin_nodes_.emplace_back(row, value);
  return value;
}

std::string Declaration::describe(Value value) const {
  const std::string& given = graph.name(value.node);
  return given.empty() ? fmt::format("%{} ({})", value.node, name(graph.op(value.node))) : given;
}

Note Declaration::note(const std::string& role, Value value) const {
  return {fmt::format("{} {} : {}", role, describe(value), to_string(type(value))),
          graph.location(value.node)};
}

bool Declaration::passes_gradient(NodeId n, Value operand) const {
  const OpInfo& op = info(graph.op(n));
  if (op.kind == OpKind::Derivative) // expanded, it may depend on all of them
    return true;
  bool passes = op.block->vjp || !op.block->zero_gradient;
  return passes && is_float(graph.type(n).dtype) && is_float(graph.type(operand).dtype);
}

std::vector<bool> Declaration::depends(Value value, const std::vector<Value>& on,
                                       Through through) const {
  NodeId first = value.node;
  for (Value v : on)
    first = std::min(first, v.node);
  std::vector<bool> reached(value.node - first + 1, false);
  reached[value.node - first] = true;
  for (NodeId n = value.node + 1; n-- > first;)
    if (reached[n - first])
      for (Value operand : graph.operands(n))
        if (operand.node >= first && (through == Through::anything || passes_gradient(n, operand)))
          reached[operand.node - first] = true;
  std::vector<bool> result;
  result.reserve(on.size());
  for (Value v : on)
    result.push_back(v.node <= value.node && reached[v.node - first]);
  return result;
}

Declaration& common_declaration(std::string_view what, const std::vector<const Tensor*>& tensors,
                                Place at) {
  const Tensor* first = nullptr;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& t = *tensors[i];
    std::string role = tensors.size() == 1 ? "its operand" : fmt::format("operand {}", i + 1);
    if (t.empty())
      throw Error(ErrorCode::graph, fmt::format("{}: {} is an empty Tensor", what, role),
                  location_of(at),
                  {{"assign it from m.input, a parameter or a function first", {}}});
    if (!first)
      first = &t;
    const Declaration &a = *first->declaration(), &b = *t.declaration();
    if (&a != &b) {
      bool runs = a.model == b.model && a.batch != b.batch;
      throw Error(
          ErrorCode::graph,
          runs
              ? fmt::format("{}: operands belong to two runs of the model '{}', for {} and {} rows",
                            what, a.model, a.batch, b.batch)
              : fmt::format("{}: operands belong to two models, '{}' and '{}'", what, a.model,
                            b.model),
          location_of(at),
          {a.note("operand 1", first->value()),
           b.note(fmt::format("operand {}", i + 1), t.value()),
           {"declare both within one function, or pass values in as an input", {}}});
    }
  }
  Declaration& d = *first->declaration();
  if (!d.open)
    d.fail(fmt::format("{}: the function of model '{}' has returned, its graph is closed", what,
                       d.model),
           at, {d.note("operand", first->value())});
  return d;
}

Declaration& common_declaration(std::string_view what, std::initializer_list<const Tensor*> tensors,
                                Place at) {
  return common_declaration(what, std::vector<const Tensor*>(tensors), at);
}

bool matches(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0, star = std::string_view::npos, mark = 0;
  while (n < name.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || (pattern[p] == name[n] && pattern[p] != '*'))) {
      ++p, ++n;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

} // namespace gdjit
