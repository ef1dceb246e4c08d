// The signature, read: one declaration a line. Expressions of initial values stand in
// InitialParser.cpp.
#include "gdjit/IR/SignatureParser.h"

#include "InitialParser.h"
#include "gdjit/Support/Suggest.h"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>

namespace gdjit {

namespace {

/// The rows of one list by name: duplicates and unknown names are errors.
class Names {
public:
  explicit Names(std::string_view what) : what_(what) {}

  void add(TextReader& in, size_t at, const std::string& name) {
    auto [place, added] = rows_.emplace(name, Row{static_cast<uint32_t>(rows_.size()), at});
    if (!added)
      in.fail_at(at, fmt::format("{} '{}' is declared twice", what_, name),
                 {{"first here", in.location(place->second.at)}});
  }

  uint32_t find(TextReader& in, size_t at, const std::string& name) const {
    auto place = rows_.find(name);
    if (place != rows_.end())
      return place->second.row;
    std::vector<std::string> known;
    for (const auto& row : rows_)
      known.push_back(row.first);
    in.fail_at(
        at, fmt::format("no {} '{}' is declared above{}", what_, name, did_you_mean(name, known)));
  }

private:
  struct Row {
    uint32_t row;
    size_t at;
  };
  std::string what_;
  std::unordered_map<std::string, Row> rows_;
};

class SignatureParser {
public:
  SignatureParser(TextReader& reader, const TypeRules& rules, Signature& signature)
      : in_(reader), signature_(signature), initial_(reader, rules, signature) {}

  void parse(Stage& stage) {
    header(stage);
    in_.throw_if_any(); // without these nothing below makes sense
    while (in_.next_line()) {
      size_t start = in_.offset();
      bool body = false;
      in_.guarded([&] { body = !declaration(); });
      if (body) {
        in_.go_to(start);
        break;
      }
    }
    in_.throw_if_any();
  }

private:
  // The first lines.

  void header(Stage& stage) {
    if (!in_.next_line())
      in_.guarded([&] { in_.fail("the text is empty; it begins with 'gdir 1'"); });
    in_.throw_if_any();
    bool known = in_.guarded([&] {
      if (!in_.try_word("gdir"))
        in_.fail(fmt::format("this is no text of gdjit: it begins with 'gdir 1', found {}",
                             in_.found()));
      if (in_.integer("the version of the language") != 1)
        in_.fail("this gdjit reads version 1 of the language only");
      in_.end_line();
    });
    if (!known)
      in_.throw_if_any();
    line("stage", [&] { stage = read_stage(); });
    line("model", [&] { signature_.name = in_.name("the name of the model"); });
    line("step", [&] { signature_.step = in_.name("the name of the step"); });
    line("batch", [&] { signature_.batch = in_.integer("the batch size", 0, max_elements); });
  }

  template <class F> void line(std::string_view word, F&& read) {
    bool more = in_.next_line();
    in_.guarded([&] {
      if (!more)
        in_.fail(fmt::format("the text ends before its line '{} …'", word));
      in_.expect_word(word);
      read();
      in_.end_line();
    });
  }

  Stage read_stage() {
    size_t at = (in_.peek(), in_.offset());
    std::string_view word = in_.word("a stage");
    Stage stage = Stage::Declared;
    if (find_stage(word, stage) && stage <= Stage::Planned)
      return stage;
    std::vector<std::string> known;
    for (int i = 0; i <= static_cast<int>(Stage::Planned); ++i)
      known.emplace_back(gdjit::name(static_cast<Stage>(i)));
    in_.fail_at(at, fmt::format("no text is read at stage '{}'{}", word, did_you_mean(word, known)),
                {{fmt::format("stages that are read: {}", fmt::join(known, ", ")), {}}});
  }

  // Declarations.

  /// False at the first line that is none: the body begins there.
  bool declaration() {
    std::vector<std::string> words; // that the line might begin with
    auto begins = [&](const char* word) {
      words.emplace_back(word);
      return in_.try_word(word);
    };
    if (begins("input"))
      return tensor(inputs_, signature_.inputs, "an input");
    if (begins("scalar"))
      return scalar();
    if (begins("let"))
      return let();
    if (begins("state"))
      return state();
    if (begins("output"))
      return tensor(outputs_, signature_.outputs, "an output");
    if (begins("update"))
      return update();
    if (begins("data"))
      return rows(signature_.data);
    if (begins("example"))
      return rows(signature_.examples);
    size_t at = (in_.peek(), in_.offset());
    std::string found = in_.found();
    if (found.starts_with('\''))
      found = found.substr(1, found.size() - 2);
    if (std::string meant = nearest(found, words); !meant.empty())
      in_.fail_at(at,
                  fmt::format("no declaration begins with '{}'; did you mean '{}'?", found, meant));
    return false;
  }

  std::string new_name(Names& names, std::string_view what) {
    in_.peek();
    size_t at = in_.offset();
    std::string name = in_.name(fmt::format("the name of {}", what));
    names.add(in_, at, name);
    return name;
  }

  uint32_t known_name(const Names& names, std::string_view what) {
    in_.peek();
    size_t at = in_.offset();
    return names.find(in_, at, in_.name(what));
  }

  Origin origin() {
    SourceLocation place = in_.try_place();
    in_.end_line();
    return signature_.initial.origin_of(place);
  }

  template <class Decl> bool tensor(Names& names, std::vector<Decl>& list, std::string_view what) {
    Decl& decl = list.emplace_back(); // kept where the line is wrong, so that names and rows agree
    decl.name = new_name(names, what);
    in_.expect(':', "before the type");
    decl.type = in_.type();
    if (in_.try_char(',')) {
      in_.expect_word("batch");
      in_.expect_word("axis");
      size_t at = in_.offset();
      decl.batch_axis = static_cast<int>(in_.integer("the batch axis", 0, Shape::max_rank));
      if (std::string problem = batch_axis_problem(decl.type, decl.batch_axis, signature_.batch);
          !problem.empty())
        in_.fail_at(at, problem);
    }
    decl.origin = origin();
    return true;
  }

  bool scalar() {
    ScalarDecl& decl = signature_.scalars.emplace_back();
    decl.name = new_name(scalars_, "a scalar");
    in_.expect(':', "before the type");
    size_t at = (in_.peek(), in_.offset());
    decl.dtype = in_.dtype();
    if (std::string problem = scalar_problem(decl); !problem.empty())
      in_.fail_at(at, problem);
    if (in_.try_char('=')) {
      decl.has_default = true;
      if (is_float(decl.dtype))
        decl.initial = in_.real("a number");
      else if (is_integer(decl.dtype))
        decl.initial = integer_default(decl.dtype);
      else if (in_.try_word("true"))
        decl.initial = 1;
      else
        in_.expect_word("false");
    }
    decl.origin = origin();
    return true;
  }

  double integer_default(DType type) {
    size_t at = (in_.peek(), in_.offset());
    Bits bits = 0;
    in_.to_element(in_.number("a number"), type, &bits);
    double value = to_double(type, bits);
    if (to_bits(type, value) != bits)
      in_.fail_at(at, "a scalar is given as a double, which holds every integer up to 2^53 only");
    return value;
  }

  bool let() {
    initial_.let();
    in_.end_line();
    return true;
  }

  bool state() {
    StateDecl& decl = signature_.states.emplace_back();
    decl.name = new_name(states_, "a state");
    in_.expect(':', "before the type");
    decl.type = in_.type();
    in_.expect('=', "before the initial value");
    NodeId first = signature_.initial.size();
    decl.initial = initial_.expression(decl.type);
    decl.origin = origin();
    for (NodeId n = first; n < signature_.initial.size(); ++n)
      signature_.initial.set_origin(n, decl.origin);
    return true;
  }

  bool update() {
    in_.peek();
    size_t at = in_.offset();
    uint32_t state = known_name(states_, "the name of a state");
    updates_.add(in_, at, signature_.states[state].name);
    signature_.updates.push_back({state, origin()});
    return true;
  }

  bool rows(std::vector<Rows>& list) {
    Rows rows;
    in_.peek();
    const size_t at = in_.offset();
    rows.input = known_name(inputs_, "the name of an input");
    for (const Rows& other : list)
      if (other.input == rows.input)
        in_.fail_at(
            at, fmt::format("input '{}' has such rows above", signature_.inputs[rows.input].name));
    if (in_.try_char(':')) {
      TensorType type = in_.type();
      in_.expect('=', "before the rows");
      rows.values = std::make_shared<const Array>(in_.to_array(in_.literal(), type));
    } else { // rows in a file stay there until somebody wants them
      in_.expect('=', "before the rows");
      in_.expect_word("file");
      rows.file = in_.quoted("the name of a file");
    }
    in_.end_line();
    list.push_back(std::move(rows));
    return true;
  }

  TextReader& in_;
  Signature& signature_;
  InitialParser initial_;
  Names inputs_{"input"}, scalars_{"scalar"}, states_{"state"}, outputs_{"output"},
      updates_{"update of state"};
};

} // namespace

void parse_signature(TextReader& reader, const TypeRules& rules, Signature& signature,
                     Stage& stage) {
  signature = {};
  SignatureParser(reader, rules, signature).parse(stage);
}

Opcode read_opcode(TextReader& reader) {
  reader.peek();
  std::string_view word = reader.word("an op");
  Opcode op = Opcode::Input;
  if (find_opcode(word, op))
    return op;
  std::vector<std::string> known;
  for (int i = 0; i < opcode_count; ++i)
    known.emplace_back(name(static_cast<Opcode>(i)));
  reader.fail_at(word, fmt::format("unknown op '{}'{}", word, did_you_mean(word, known)));
}

void read_attribute(TextReader& reader, const TypeRules& rules, Opcode op, Attributes& attributes) {
  reader.peek();
  std::string_view word = reader.word("an attribute");
  std::vector<std::string> known;
  for (Attr attr : rules.attributes(op))
    if (attr != Attr::index && attr != Attr::value)
      known.emplace_back(name(attr));
  Attr attr = Attr::index;
  if (!find_attr(word, attr) || std::find(known.begin(), known.end(), word) == known.end())
    reader.fail_at(word, fmt::format("{} has no attribute '{}'{}", name(op), word,
                                     known.empty()
                                         ? "; it takes none"
                                         : fmt::format("; it takes {}", fmt::join(known, ", "))));
  if (attributes.has(attr))
    reader.fail_at(word, fmt::format("attribute '{}' is given twice", word));
  reader.attribute(attr, attributes);
}

void attributes_from_type(const TypeRules& rules, Opcode op, const TensorType& type,
                          Attributes& attributes) {
  for (Attr attr : rules.attributes(op)) {
    if (attributes.has(attr))
      continue;
    if (attr == Attr::dtype)
      attributes.dtype(attr, type.dtype);
    if (attr == Attr::shape)
      attributes.shape(attr, type.shape);
  }
}

} // namespace gdjit
