// The signature as text. Initial values of states are graphs; they print as nested expressions: a
// node with several users, or very deep, gets a line of its own (`let %0 = …`), so that the text
// stays as small as the graph.
#include "gdjit/IR/TextWriter.h"

#include <algorithm>

namespace gdjit {

namespace {

constexpr int deepest_expression = 16; ///< deeper ones are cut by `let`

class SignaturePrinter {
public:
  SignaturePrinter(const Signature& signature, TextExtras* extras)
      : signature_(signature), initial_(signature.initial), out_(extras) {}

  std::string print(Stage stage) {
    out_ << "gdir 1\nstage " << name(stage) << "\nmodel ";
    out_.name(signature_.name) << "\nstep ";
    out_.name(signature_.step) << "\nbatch ";
    out_.integer(signature_.batch) << "\n\n";
    for (const InputDecl& d : signature_.inputs)
      print_tensor("input ", d);
    for (const ScalarDecl& d : signature_.scalars)
      print_scalar(d);
    choose_lets();
    print_lets();
    for (const StateDecl& d : signature_.states)
      print_state(d);
    for (const OutputDecl& d : signature_.outputs)
      print_tensor("output ", d);
    for (const UpdateDecl& d : signature_.updates) {
      begin("update ", state_name(d.state));
      end(d.origin);
    }
    for (const Rows& rows : signature_.data)
      print_rows("data ", rows);
    for (const Rows& rows : signature_.examples)
      print_rows("example ", rows);
    return out_.take();
  }

private:
  void begin(std::string_view word, const std::string& name) {
    out_.begin_line(0);
    (out_ << word).name(name);
  }
  void end(const Origin& origin) {
    out_.end_line(origin.file < initial_.files().size() ? initial_.location(origin)
                                                        : SourceLocation{});
  }

  template <class Decl> void print_tensor(std::string_view word, const Decl& d) {
    begin(word, d.name);
    (out_ << " : ").type(d.type);
    if (d.batch_axis >= 0)
      (out_ << ", batch axis ").integer(d.batch_axis);
    end(d.origin);
  }

  void print_scalar(const ScalarDecl& d) {
    begin("scalar ", d.name);
    out_ << " : " << name(d.dtype);
    if (d.has_default) {
      out_ << " = ";
      if (d.dtype == DType::boolean)
        out_ << (d.initial != 0 ? "true" : "false");
      else
        out_.real(d.initial);
    }
    end(d.origin);
  }

  void print_state(const StateDecl& d) {
    begin("state ", d.name);
    (out_ << " : ").type(d.type) << " = ";
    if (d.initial.node < initial_.size())
      print_value(d.initial, &d.type, "state." + d.name);
    else
      out_ << '?'; // a broken signature prints too, and does not parse
    end(d.origin);
  }

  void print_rows(std::string_view word, const Rows& rows) {
    const std::string& input =
        rows.input < signature_.inputs.size() ? signature_.inputs[rows.input].name : broken_;
    begin(word, input);
    std::string hint = std::string(word.substr(0, word.size() - 1)) + "." + input;
    std::string file =
        rows.file.empty() || !out_.extras() ? rows.file : out_.extras()->refer(rows.file);
    if (rows.values && rows.values->elements() > largest_inline_literal && out_.extras())
      file = out_.extras()->store(*rows.values, hint);
    if (!file.empty() || !rows.values) {
      (out_ << " = file ").quoted(file);
    } else {
      (out_ << " : ").type(rows.values->type()) << " = ";
      out_.literal(*rows.values, hint);
    }
    out_.end_line();
  }

  std::string state_name(uint32_t row) const {
    return row < signature_.states.size() ? signature_.states[row].name : broken_;
  }

  /// A broadcast scalar constant: prints as the bare number.
  bool is_splat(NodeId n) const {
    return initial_.op(n) == Opcode::Broadcast && is_number(initial_.operand(n, 0).node) &&
           initial_.attributes(n).entries().size() == 1;
  }
  bool is_number(NodeId n) const {
    return initial_.op(n) == Opcode::Constant && initial_.type(n).shape.rank() == 0;
  }
  bool is_leaf(NodeId n) const {
    return initial_.operands(n).empty() || is_splat(n) || initial_.op(n) == Opcode::Scalar;
  }

  void choose_lets() {
    NodeId size = initial_.size();
    std::vector<uint32_t> uses(size, 0), depth(size, 0);
    std::vector<bool> reached(size, false);
    for (const StateDecl& d : signature_.states)
      if (d.initial.node < size) {
        reached[d.initial.node] = true;
        ++uses[d.initial.node];
      }
    for (NodeId n = size; n-- > 0;)
      if (reached[n] && !is_leaf(n))
        for (Value v : initial_.operands(n)) {
          reached[v.node] = true;
          ++uses[v.node];
        }
    let_of_.assign(size, not_let);
    for (NodeId n = 0; n < size; ++n) {
      if (!reached[n] || is_leaf(n))
        continue;
      for (Value v : initial_.operands(n))
        depth[n] = std::max(depth[n], depth[v.node] + 1);
      if (uses[n] > 1 || depth[n] >= deepest_expression) {
        let_of_[n] = static_cast<uint32_t>(lets_.size());
        lets_.push_back(n);
        depth[n] = 0;
      }
    }
  }

  void print_lets() {
    for (NodeId n : lets_) {
      out_.begin_line(0);
      (out_ << "let %").integer(let_of_[n]) << " = ";
      uint32_t number = let_of_[n];
      let_of_[n] = not_let; // here it is written out
      print_value({n, 0}, nullptr, "let" + std::to_string(number));
      let_of_[n] = number;
      out_.end_line();
    }
  }

  /// `expected` is the type that the reader assumes; null where it cannot know.
  void print_value(Value v, const TensorType* expected, const std::string& hint) {
    NodeId n = v.node;
    const TensorType& type = initial_.type(v);
    bool typed = !expected || !(*expected == type);
    if (let_of_[n] != not_let) {
      (out_ << '%').integer(let_of_[n]);
      return;
    }
    const Attributes& attributes = initial_.attributes(n);
    if (initial_.op(n) == Opcode::Scalar) {
      auto row = static_cast<uint64_t>(attributes.integer(Attr::index));
      print_scalar_name(row < signature_.scalars.size() ? signature_.scalars[row].name : broken_);
      return;
    }
    if (is_number(n) || is_splat(n))
      return print_number(
          initial_.attributes(is_splat(n) ? initial_.operand(n, 0).node : n).array(Attr::value),
          type, typed);
    out_ << name(initial_.op(n));
    if (typed)
      (out_ << ':').type(type);
    out_ << '(';
    const char* comma = "";
    bool pointwise = kind(initial_.op(n)) == OpKind::Pointwise;
    for (Value operand : initial_.operands(n)) {
      out_ << comma;
      print_value(operand, pointwise ? &type : nullptr, hint);
      comma = ", ";
    }
    for (const Attributes::Entry& entry : attributes.entries()) {
      if (is_implied_by_type(entry, type))
        continue;
      out_ << comma;
      if (entry.attr == Attr::value) {
        out_.literal(*entry.array, hint);
      } else {
        out_ << name(entry.attr) << '=';
        print_attribute_value(out_, entry);
      }
      comma = ", ";
    }
    out_ << ')';
  }

  void print_number(const Array& value, const TensorType& type, bool typed) {
    if (!typed && type.shape.rank() > 0) {
      if (same_bits(value, Array(value.type(), {0})))
        return void(out_ << "zeros");
      if (same_bits(value, Array(value.type(), {1})))
        return void(out_ << "ones");
    }
    out_.element(value.type().dtype, value.bytes());
    if (typed)
      (out_ << ':').type(type);
  }

  /// Quoted where a word of the expression language has the same letters.
  void print_scalar_name(const std::string& name) {
    for (std::string_view word : {"zeros", "ones", "nan", "inf", "true", "false", "splat", "file"})
      if (name == word)
        return void(out_.quoted(name));
    out_.name(name);
  }

  static constexpr uint32_t not_let = ~0u;
  const Signature& signature_;
  const Graph& initial_;
  TextWriter out_;
  std::vector<NodeId> lets_;
  std::vector<uint32_t> let_of_;
  std::string broken_ = "?";
};

} // namespace

bool is_implied_by_type(const Attributes::Entry& entry, const TensorType& type) {
  if (entry.attr == Attr::dtype)
    return static_cast<DType>(entry.number) == type.dtype;
  return entry.attr == Attr::shape &&
         entry.integers == std::vector<int64_t>(type.shape.begin(), type.shape.end());
}

std::string print_signature(const Signature& signature, Stage stage, TextExtras* extras) {
  return SignaturePrinter(signature, extras).print(stage);
}

} // namespace gdjit
