// Graph IR, read. Numbers of nodes in the text may be any; a node's id is its place in the list.
#include "gdjit/Ops/GraphParser.h"

#include "NodeNames.h"

#include "gdjit/IR/TextWriter.h"
#include "gdjit/Ops/GraphBuilder.h"
#include "gdjit/Ops/Op.h"
#include "gdjit/Support/Suggest.h"

#include <fmt/format.h>
#include <unordered_map>

namespace gdjit {

namespace {

class OpTypeRules final : public TypeRules {
public:
  std::span<const Attr> attributes(Opcode op) const override { return info(op).block->attributes; }
  Value append(Graph& graph, const Signature& signature, Opcode op, std::span<const Value> operands,
               Attributes attributes, Origin origin) const override {
    GraphBuilder builder(graph, signature, Sharing::verbatim);
    builder.set_origin(origin);
    return builder.append(op, operands, std::move(attributes));
  }
};

class GraphParser {
public:
  GraphParser(TextReader& reader, Step& step)
      : in_(reader), step_(step), graph_(step.graph),
        builder_(step.graph, step.signature, Sharing::verbatim), names_(reader) {}

  void parse() {
    step_.outputs.assign(step_.signature.outputs.size(), Value{});
    step_.updates.assign(step_.signature.updates.size(), Value{});
    bool open = in_.next_line();
    in_.guarded([&] {
      if (!open)
        in_.fail("the text ends before its body 'graph { … }'");
      if (!in_.try_word("graph"))
        in_.fail(fmt::format("expected a declaration or 'graph {{', found {}", in_.found()));
      in_.expect('{', "behind 'graph'");
      in_.end_line();
    });
    in_.throw_if_any();
    bool closed = false;
    while (!closed && in_.next_line())
      in_.guarded([&] { closed = line(); });
    finish(closed);
    in_.throw_if_any();
  }

private:
  /// One line of the body; true at the closing brace.
  bool line() {
    switch (in_.peek()) {
    case '%':
      node();
      return false;
    case '}':
      return close();
    default:
      break;
    }
    if (in_.try_word("kernel"))
      kernel();
    else if (in_.try_word("output"))
      result("output");
    else if (!heading()) {
      if (!in_.try_word("update"))
        in_.fail(fmt::format(
            "expected a node '%…', a heading, 'kernel', 'output', 'update' or '}}', found {}",
            in_.found()));
      result("update");
    }
    return false;
  }

  // Sections and kernels.

  /// A line `backward:`; false where the line is another.
  bool heading() {
    size_t at = (in_.peek(), in_.offset());
    for (Part part : {Part::forward, Part::backward, Part::update})
      if (in_.try_word(gdjit::name(part))) {
        if (part == Part::update && in_.peek() != ':')
          break;
        in_.expect(':', "behind the heading");
        in_.end_line();
        part_ = part;
        return true;
      }
    in_.go_to(at);
    return false;
  }

  void kernel() {
    size_t at = (in_.peek(), in_.offset());
    if (step_.stage != Stage::Fused)
      in_.fail_at(at, fmt::format("kernels stand at stage fused, this is {}", name(step_.stage)));
    if (kernel_ != Partition::no_kernel)
      in_.fail_at(at, "a kernel within a kernel; close the outer one by '}' first");
    std::string name = in_.name("the name of a kernel");
    auto [place, added] =
        kernels_.emplace(name, static_cast<uint32_t>(step_.partition.kernels.size()));
    if (added)
      step_.partition.kernels.push_back({name, "", ""});
    kernel_ = place->second;
    if (in_.peek() == '"') {
      if (!added)
        in_.fail_at(
            at, fmt::format("kernel '{}' is opened again; only the first time has a title", name));
      step_.partition.kernels[kernel_].title = in_.quoted("the title of a kernel");
    }
    in_.expect('{', "to open the kernel");
    in_.end_line();
  }

  bool close() {
    in_.expect('}', "");
    if (kernel_ == Partition::no_kernel) {
      in_.end_line();
      return true;
    }
    KernelGroup& group = step_.partition.kernels[kernel_];
    kernel_ = Partition::no_kernel;
    if (in_.try_word("because"))
      group.reason = in_.quoted("the reason of a boundary");
    in_.end_line();
    return false;
  }

  // Nodes.

  void node() {
    size_t at = in_.offset();
    NodeNames::Id id = names_.read();
    in_.expect('=', "behind the node");
    Value value;
    try {
      value = right_hand_side(at);
    } catch (...) {
      names_.define(id, {{}, 0, at}); // so that users of a wrong line are not wrong, too
      throw;
    }
    names_.define(id, {value, value.valid() ? graph_.result_count(value.node) : 0, at});
    if (value.valid() && !id.name.empty())
      graph_.set_name(value.node, std::move(id.name));
  }

  Value right_hand_side(size_t at) {
    Opcode op = read_opcode(in_);
    Attributes attributes;
    LiteralText literal;
    std::vector<Value> operands;
    bool constant = op == Opcode::Constant;
    if (constant)
      literal = in_.literal();
    else if (op == Opcode::Input || op == Opcode::State || op == Opcode::Scalar)
      attributes.integer(Attr::index, row(op));
    bool known = true;
    while (in_.peek() == '%') {
      operands.push_back(names_.use());
      known = known && operands.back().valid();
      if (!in_.try_char(','))
        break;
    }
    while (in_.peek() >= 'a' && in_.peek() <= 'z')
      read_attribute(in_, type_rules(), op, attributes);

    std::vector<TensorType> types;
    size_t types_at = in_.offset();
    if (in_.try_char(':'))
      do
        types.push_back(in_.type());
      while (in_.try_char(','));
    SourceLocation place = in_.try_place();
    in_.end_line();
    if (!known)
      return {};
    if (constant) {
      if (types.empty())
        in_.fail_at(types_at, "a constant needs its type, as in constant [1, 2] : f32[2]");
      attributes.array(Attr::value, std::make_shared<const Array>(in_.to_array(literal, types[0])));
    }
    if (!types.empty())
      attributes_from_type(type_rules(), op, types[0], attributes);
    return append(op, operands, std::move(attributes), types, place, at);
  }

  Value append(Opcode op, std::span<const Value> operands, Attributes attributes,
               std::span<const TensorType> types, const SourceLocation& place, size_t at) {
    builder_.set_origin(origin(place));
    Value value = builder_.append(op, operands, std::move(attributes));
    if (step_.stage == Stage::Fused)
      step_.partition.kernel_of.push_back(kernel_);
    if (types.empty())
      return value;
    if (types.size() != static_cast<size_t>(graph_.result_count(value.node)))
      in_.fail_at(at, fmt::format("{} has {} results, the text gives {} types", name(op),
                                  graph_.result_count(value.node), types.size()));
    for (uint32_t i = 0; i < types.size(); ++i)
      if (const TensorType& inferred = graph_.type(Value{value.node, i}); !(inferred == types[i]))
        in_.fail_at(at, fmt::format("{} gives {} here, the text says {}", name(op),
                                    to_string(inferred), to_string(types[i])));
    return value;
  }

  Origin origin(const SourceLocation& place) {
    if (place.file != last_file_name_) { // most nodes come from the file of the node before
      last_file_name_ = place.file;
      last_file_ = graph_.file(place.file);
    }
    return {last_file_, place.line, place.column, part_};
  }

  /// The row of the signature that an input, state or scalar names.
  int64_t row(Opcode op) {
    size_t at = (in_.peek(), in_.offset());
    std::string word = in_.name(fmt::format("the name of an {}", name(op)));
    const Signature& s = step_.signature;
    return op == Opcode::Input   ? row_in(s.inputs, inputs_, "input", word, at)
           : op == Opcode::State ? row_in(s.states, states_, "state", word, at)
                                 : row_in(s.scalars, scalars_, "scalar", word, at);
  }

  using Rows = std::unordered_map<std::string, uint32_t>;

  template <class Decl> int64_t row_in(const std::vector<Decl>& list, Rows& rows,
                                       std::string_view what, const std::string& word, size_t at) {
    if (rows.empty())
      for (uint32_t i = 0; i < list.size(); ++i)
        rows.emplace(list[i].name, i);
    if (auto place = rows.find(word); place != rows.end())
      return place->second;
    std::vector<std::string> known;
    for (const Decl& decl : list)
      known.push_back(decl.name);
    in_.fail_at(
        at, fmt::format("the signature has no {} '{}'{}", what, word, did_you_mean(word, known)));
  }

  // Results.

  void result(std::string_view what) {
    size_t at = (in_.peek(), in_.offset());
    std::string word = in_.name(fmt::format("the name of an {}", what));
    const Signature& s = step_.signature;
    bool output = what == "output";
    int64_t row = output ? row_in(s.outputs, outputs_, what, word, at) : update_row(word, at);
    in_.expect('=', "before the value");
    Value value = names_.use();
    in_.end_line();
    if (!value.valid())
      return;
    Value& slot =
        output ? step_.outputs[static_cast<size_t>(row)] : step_.updates[static_cast<size_t>(row)];
    if (slot.valid())
      in_.fail_at(at, fmt::format("{} '{}' has a value already", what, word));
    const TensorType& type = output ? s.outputs[static_cast<size_t>(row)].type
                                    : s.states[s.updates[static_cast<size_t>(row)].state].type;
    if (!(graph_.type(value) == type))
      in_.fail_at(at, fmt::format("{} '{}' is declared {}, its value is {}", what, word,
                                  to_string(type), to_string(graph_.type(value))));
    slot = value;
  }

  int64_t update_row(const std::string& word, size_t at) {
    const Signature& s = step_.signature;
    if (updates_.empty())
      for (uint32_t i = 0; i < s.updates.size(); ++i)
        updates_.emplace(s.states[s.updates[i].state].name, i);
    if (auto place = updates_.find(word); place != updates_.end())
      return place->second;
    std::vector<std::string> known;
    for (const UpdateDecl& update : s.updates)
      known.push_back(s.states[update.state].name);
    in_.fail_at(
        at, fmt::format("the signature has no update of '{}'{}", word, did_you_mean(word, known)));
  }

  /// What only the end of the text shows.
  void finish(bool closed) {
    in_.guarded([&] {
      if (!closed)
        in_.fail(fmt::format("the text ends inside {}; its closing '}}' is missing",
                             kernel_ == Partition::no_kernel ? "'graph {'" : "a kernel"));
      if (in_.next_line())
        in_.fail(
            fmt::format("expected the end of the text behind the body, found {}", in_.found()));
    });
    if (in_.has_errors())
      return;
    const Signature& s = step_.signature;
    for (size_t i = 0; i < s.outputs.size(); ++i)
      if (!step_.outputs[i].valid())
        in_.guarded([&] {
          in_.fail(fmt::format("output '{}' has no value; write 'output {} = %…'",
                               s.outputs[i].name, s.outputs[i].name));
        });
    for (size_t i = 0; i < s.updates.size(); ++i)
      if (const std::string& state = s.states[s.updates[i].state].name; !step_.updates[i].valid())
        in_.guarded([&] {
          in_.fail(
              fmt::format("the update of '{}' has no value; write 'update {} = %…'", state, state));
        });
  }

  TextReader& in_;
  Step& step_;
  Graph& graph_;
  GraphBuilder builder_;
  NodeNames names_;
  Rows inputs_, states_, scalars_, outputs_, updates_, kernels_;
  uint32_t kernel_ = Partition::no_kernel;
  Part part_ = Part::forward;
  std::string last_file_name_;
  uint32_t last_file_ = 0;
};

} // namespace

const TypeRules& type_rules() {
  static const OpTypeRules rules;
  return rules;
}

void parse_graph(TextReader& reader, Step& step) { GraphParser(reader, step).parse(); }

Step parse_step(std::string_view text, const std::string& file, ArrayFiles* files) {
  TextReader reader(text, file, files);
  Step step;
  parse_signature(reader, type_rules(), step.signature, step.stage);
  if (step.stage > Stage::Fused)
    throw Error(ErrorCode::graph,
                fmt::format("stage {} is Loop IR, a graph is expected here", name(step.stage)),
                {file, 2, 1});
  parse_graph(reader, step);
  return step;
}

} // namespace gdjit
