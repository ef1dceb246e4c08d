// Formulas from the op table: an op whose formula reads "a + b", "-x" or "x * x" prints that way,
// any other as a function of its operands. Texts are built in node order, each from its operands'
// texts and bounded in length.
#include "gdjit/Driver/Math.h"

#include "gdjit/Ops/Op.h"

#include <algorithm>
#include <fmt/format.h>

namespace gdjit {

namespace {

/// How tightly an expression binds, loosest first.
enum Precedence { logic, comparison, sum, product, prefix, power, atom };

struct Formula {
  std::string text;
  int precedence = atom;
};

constexpr size_t longest = 72; // of a formula that is still written into another

/// The operator of a formula of the table: "a + b; …" gives "+", "-x" gives "-" as prefix, "x * x"
/// a power, "a * b + c" a sum of a product.
struct Notation {
  enum Kind { function, infix, negation, square, fma } kind = function;
  std::string symbol;
  int precedence = atom;
};

Notation notation(Opcode op) {
  std::string_view formula = info(op).block->formula;
  formula = formula.substr(0, formula.find(';'));
  if (formula == "x * x" || formula == "x^2")
    return {Notation::square, "^2", power};
  if (formula == "a * b + c")
    return {Notation::fma, "+", sum};
  if (formula == "-x")
    return {Notation::negation, "-", prefix};
  if (formula.size() < 5 || formula.substr(0, 2) != "a " ||
      formula.substr(formula.size() - 2) != " b")
    return {};
  std::string symbol(formula.substr(2, formula.size() - 4));
  if (symbol == "+" || symbol == "-")
    return {Notation::infix, symbol, sum};
  if (symbol == "*" || symbol == "/" || symbol == "%")
    return {Notation::infix, symbol, product};
  for (std::string_view known : {"==", "!=", "<", "<=", ">", ">="})
    if (symbol == known)
      return {Notation::infix, symbol, comparison};
  for (std::string_view known : {"&", "|", "^", "and", "or", "xor", "&&", "||"})
    if (symbol == known)
      return {Notation::infix, symbol, logic};
  return {};
}

/// A scoped name, "block1/w", with dots: "/" divides here, as it does in "d loss/d w".
std::string dotted(std::string name) {
  for (size_t at = 0; (at = name.find('/', at)) != std::string::npos; ++at)
    if (name.compare(at, 3, "/d ") != 0)
      name[at] = '.';
  return name;
}

class MathPrinter {
public:
  explicit MathPrinter(const Step& step)
      : step_(step), graph_(step.graph), formulas_(graph_.size()), uses_(graph_.size()) {}

  std::string print() {
    count_uses();
    name_outputs();
    for (NodeId n = 0; n < graph_.size(); ++n)
      visit(n);
    const Signature& s = step_.signature;
    for (size_t i = 0; i < s.outputs.size(); ++i)
      if (Formula& f = formulas_[step_.outputs[i].node]; f.text != dotted(s.outputs[i].name))
        line(Part::forward, dotted(s.outputs[i].name) + " = " + f.text);
    for (size_t i = 0; i < s.updates.size(); ++i)
      line(Part::update, dotted(s.states[s.updates[i].state].name) + " <- " +
                             formulas_[step_.updates[i].node].text);
    return lines_[0] + lines_[1] + lines_[2] + of_guards();
  }

private:
  /// What the formulas leave out of a derivative through branches.
  std::string of_guards() const {
    bool guard = false, branch = false;
    for (NodeId n = 0; n < graph_.size(); ++n) {
      guard |= graph_.op(n) == Opcode::Guard;
      branch |= graph_.op(n) == Opcode::Select;
    }
    return guard && branch ? "(0 times a factor that is not finite is 0 in derivatives: the branch "
                             "is not taken)\n"
                           : "";
  }

  void count_uses() {
    for (NodeId n = 0; n < graph_.size(); ++n)
      for (Value v : graph_.operands(n).first(invisible(n) ? 1 : graph_.operands(n).size()))
        ++uses_[v.node];
    for (Value v : step_.updates)
      ++uses_[v.node];
  }

  void name_outputs() {
    output_name_.resize(graph_.size());
    for (size_t i = 0; i < step_.outputs.size(); ++i)
      output_name_[step_.outputs[i].node] = &step_.signature.outputs[i].name;
  }

  void line(Part part, const std::string& text) { lines_[static_cast<int>(part)] += text + "\n"; }

  bool is_leaf(NodeId n) const {
    // What is invisible and constants of one value cost no line of their own.
    for (;;) {
      if (graph_.operands(n).empty())
        return true;
      if (!invisible(n))
        return false;
      n = graph_.operand(n, 0).node;
    }
  }

  /// Written as its first operand: movements that change no element, and a guard, which is its
  /// first operand wherever the product it stands in is not 0.
  bool invisible(NodeId n) const {
    Opcode op = graph_.op(n);
    return op == Opcode::Broadcast || op == Opcode::Reshape || op == Opcode::Guard;
  }

  void visit(NodeId n) {
    formulas_[n] = write(n);
    Formula& f = formulas_[n];
    const std::string* output = output_name_[n];
    std::string name = graph_.name(n);
    // An output of ours ("d loss/d w") says more than the node's own name.
    if (output && (name.empty() || output->find(' ') != std::string::npos))
      name = *output;
    name = dotted(name);
    bool leaf = is_leaf(n);
    if (leaf && !output)
      return;
    if (name.empty() && uses_[n] == 0)
      return;
    if (name.empty() && ((uses_[n] > 1 && !leaf) || f.text.size() > longest))
      name = fmt::format("t{}", ++shared_);
    if (name.empty() || name == f.text)
      return;
    line(graph_.origin(n).part, name + " = " + f.text);
    f = {name, name.find(' ') == std::string::npos ? atom : product};
  }

  /// Operand i, in parentheses where it binds more loosely than its place needs.
  std::string operand(NodeId n, int i, int needed) const {
    const Formula& f = formulas_[graph_.operand(n, i).node];
    return f.precedence < needed ? "(" + f.text + ")" : f.text;
  }

  Formula write(NodeId n) const {
    Opcode op = graph_.op(n);
    int count = static_cast<int>(graph_.operands(n).size());
    if (invisible(n))
      return formulas_[graph_.operand(n, 0).node];
    switch (kind(op)) {
    case OpKind::Source:
      return source(n);
    case OpKind::Contraction:
      return contraction(n);
    case OpKind::Derivative:
      return {derivative_name(formulas_[graph_.operand(n, 0).node].text, operand(n, 1, atom)),
              product};
    case OpKind::Movement:
      if (op == Opcode::Transpose && graph_.type(n).shape.rank() == 2)
        return {operand(n, 0, atom) + "ᵀ", atom};
      break;
    default:
      break;
    }
    Notation how = notation(op);
    if (how.kind == Notation::infix && count == 2)
      return {operand(n, 0, how.precedence) + " " + how.symbol + " " +
                  operand(n, 1, how.precedence + 1),
              how.precedence};
    if (how.kind == Notation::negation)
      return {"-" + operand(n, 0, prefix), prefix};
    if (how.kind == Notation::square)
      return {operand(n, 0, atom) + "^2", power};
    if (how.kind == Notation::fma)
      return sum_of_product(n);
    return function(n);
  }

  /// fma(g, -lr, w) as w - lr * g.
  Formula sum_of_product(NodeId n) const {
    std::string factor = operand(n, 1, product);
    const bool negative = factor.starts_with('-');
    return {operand(n, 2, sum) + (negative ? " - " : " + ") + factor.substr(negative ? 1 : 0) +
                " * " + operand(n, 0, product + 1),
            sum};
  }

  Formula function(NodeId n) const {
    const Attributes& a = graph_.attributes(n);
    std::string text(name(graph_.op(n)));
    if (a.has(Attr::axes) &&
        a.integers(Attr::axes).size() <
            static_cast<size_t>(graph_.type(graph_.operand(n, 0)).shape.rank()))
      text += fmt::format("[{}]", fmt::join(a.integers(Attr::axes), ","));
    else if (a.has(Attr::axis))
      text += fmt::format("[{}]", a.integer(Attr::axis));
    else if (graph_.op(n) == Opcode::Cast)
      text = std::string(name(a.dtype(Attr::dtype)));
    text += "(";
    for (size_t i = 0; i < graph_.operands(n).size(); ++i)
      text += (i ? ", " : "") + operand(n, static_cast<int>(i), logic);
    for (const Attributes::Entry& entry : a.entries())
      text += argument(entry);
    return {text + ")", atom};
  }

  /// An attribute that says which elements: ", start=[0, 2]"; "" for any other.
  static std::string argument(const Attributes::Entry& entry) {
    switch (entry.attr) {
    case Attr::step:
      if (std::ranges::all_of(entry.integers, [](int64_t step) { return step == 1; }))
        return "";
      [[fallthrough]];
    case Attr::start:
    case Attr::limit:
    case Attr::low:
    case Attr::high:
    case Attr::permutation:
      return fmt::format(", {}=[{}]", name(entry.attr), fmt::join(entry.integers, ", "));
    case Attr::fill:
      return fmt::format(", {}={}", name(entry.attr), entry.real);
    case Attr::depth:
      return fmt::format(", {}={}", name(entry.attr), entry.number);
    default:
      return "";
    }
  }

  Formula contraction(NodeId n) const {
    const Attributes& a = graph_.attributes(n);
    auto side = [&](int i, Attr transposed) {
      bool t = a.has(transposed) && a.boolean(transposed);
      return operand(n, i, t ? int(atom) : i + int(product)) + (t ? "ᵀ" : "");
    };
    return {side(0, Attr::transpose_lhs) + "·" + side(1, Attr::transpose_rhs), product};
  }

  Formula source(NodeId n) const {
    const Attributes& a = graph_.attributes(n);
    if (const std::string* row = row_name(step_.signature, graph_, n))
      return {dotted(*row), atom};
    if (a.has(Attr::value))
      return constant(a.array(Attr::value));
    if (a.has(Attr::stream))
      return {fmt::format("{}(\"{}\")", name(graph_.op(n)), a.text(Attr::stream)), atom};
    return {std::string(name(graph_.op(n))), atom};
  }

  static Formula constant(const Array& array) {
    constexpr int64_t shown = 8;
    auto element = [&](int64_t i) {
      double v = array.at(i);
      return array.type().dtype == DType::f32 ? fmt::format("{}", static_cast<float>(v))
                                              : fmt::format("{}", v);
    };
    bool equal = array.elements() > 0;
    for (int64_t i = 1; i < array.elements(); ++i)
      equal = equal && array.at(i) == array.at(0);
    if (equal)
      return {element(0), array.at(0) < 0 ? int(prefix) : int(atom)};
    if (array.elements() > shown)
      return {fmt::format("constant {}", to_string(array.type())), prefix};
    std::string text;
    for (int64_t i = 0; i < array.elements(); ++i)
      text += (i ? ", " : "") + element(i);
    return {"[" + text + "]", atom};
  }

  const Step& step_;
  const Graph& graph_;
  std::vector<Formula> formulas_;
  std::vector<uint32_t> uses_;
  std::vector<const std::string*> output_name_;
  std::string lines_[3]; ///< per Part
  int shared_ = 0;
};

} // namespace

std::string print_math(const Step& step) { return MathPrinter(step).print(); }

std::string derivative_name(const std::string& of, const std::string& with_respect_to) {
  return "d " + of + "/d " + with_respect_to;
}

} // namespace gdjit
