// Expressions of initial values, read by recursive descent, as deep as TextLimits::nesting.
#include "InitialParser.h"

#include "gdjit/Support/Suggest.h"

#include <fmt/format.h>

namespace gdjit {

Value InitialParser::expression(const TensorType& type) {
  size_t at = (in_.peek(), in_.offset());
  Value value = expression(&type, 0);
  const TensorType& found = signature_.initial.type(value);
  if (!(found == type))
    in_.fail_at(at, fmt::format("the initial value is {}, the state {}", to_string(found),
                                to_string(type)));
  return value;
}

void InitialParser::let() {
  in_.expect('%', "before the number of a let");
  size_t at = in_.offset();
  int64_t number = in_.integer("the number of a let", 0, TextLimits::magnitude);
  in_.expect('=', "behind the number of a let");
  Value value = expression(nullptr, 0);
  if (!lets_.emplace(number, value).second)
    in_.fail_at(at, fmt::format("%{} is defined twice", number));
}

/// `expected` is null where the place does not say a type: numbers and calls then write their own.
Value InitialParser::expression(const TensorType* expected, int depth) {
  char c = in_.peek();
  size_t at = in_.offset();
  if (depth > TextLimits::nesting)
    in_.fail(fmt::format("expressions are nested deeper than {}; name a part by 'let %0 = …'",
                         TextLimits::nesting));
  if (in_.try_char('%'))
    return let_value(at);
  if (c == '"')
    return scalar(in_.quoted("the name of a scalar"), at);
  if (c == '-' || c == '.' || (c >= '0' && c <= '9'))
    return number(expected, at);
  for (std::string_view word : {"nan", "inf", "true", "false", "zeros", "ones"})
    if (in_.try_word(word)) {
      in_.go_to(at);
      return number(expected, at);
    }
  return call(expected, at, depth);
}

Value InitialParser::let_value(size_t at) {
  int64_t number = in_.integer("the number of a let", 0, TextLimits::magnitude);
  auto place = lets_.find(number);
  if (place == lets_.end())
    in_.fail_at(at, fmt::format("%{} is not defined above by 'let %{} = …'", number, number));
  return place->second;
}

Value InitialParser::number(const TensorType* expected, size_t at) {
  std::string_view token = in_.number("a number");
  TensorType type;
  if (in_.try_char(':')) {
    type = in_.type();
  } else if (expected) {
    type = *expected;
  } else {
    in_.fail_at(at, fmt::format("a number needs its type here, as in {}:f32[]", token));
  }
  return number(token == "zeros" ? "0" : token == "ones" ? "1" : token, type);
}

/// A rank 0 constant, broadcast where the type has extents.
Value InitialParser::number(std::string_view token, const TensorType& type) {
  Array array(TensorType{type.dtype, {}});
  if (type.dtype == DType::boolean && (token == "0" || token == "1"))
    token = token == "0" ? "false" : "true";
  in_.to_element(token, type.dtype, array.bytes());
  std::string key = fmt::format("{} {}", name(type.dtype), hash(array));
  Attributes attributes;
  attributes.array(Attr::value, std::make_shared<const Array>(std::move(array)));
  Value scalar = shared(Opcode::Constant, key, {}, std::move(attributes));
  if (type.shape.rank() == 0)
    return scalar;
  return shared(Opcode::Broadcast, key + to_string(type.shape), {&scalar, 1},
                Attributes().shape(Attr::shape, type.shape));
}

Value InitialParser::scalar(const std::string& name, size_t at) {
  for (size_t row = 0; row < signature_.scalars.size(); ++row)
    if (signature_.scalars[row].name == name)
      return shared(Opcode::Scalar, "scalar " + name, {},
                    Attributes().integer(Attr::index, static_cast<int64_t>(row)));
  std::vector<std::string> known;
  for (const ScalarDecl& scalar : signature_.scalars)
    known.push_back(scalar.name);
  in_.fail_at(at,
              fmt::format("no scalar '{}' is declared above{}", name, did_you_mean(name, known)));
}

Value InitialParser::call(const TensorType* expected, size_t at, int depth) {
  std::string word = in_.name("an op, a number or a scalar");
  char behind = in_.peek();
  if (behind != '(' && behind != ':')
    return scalar(word, at);
  in_.go_to(at);
  Opcode op = read_opcode(in_);
  TensorType type;
  bool typed = in_.try_char(':');
  if (typed)
    type = in_.type();
  const TensorType* claimed = typed ? &type : expected;

  in_.expect('(', "before the operands");
  std::vector<Value> operands;
  Attributes attributes;
  bool first = true;
  while (!in_.try_char(')')) {
    if (!first)
      in_.expect(',', "between operands");
    first = false;
    size_t start = (in_.peek(), in_.offset());
    if (op == Opcode::Constant) {
      if (!claimed)
        in_.fail_at(at, "a constant needs its type here, as in constant:f32[2]([1, 2])");
      attributes.array(Attr::value,
                       std::make_shared<const Array>(in_.to_array(in_.literal(), *claimed)));
      continue;
    }
    Attr attr = Attr::index;
    char c = in_.peek();
    bool named =
        (c >= 'a' && c <= 'z') && find_attr(in_.word("an operand"), attr) && (in_.peek() == '=');
    in_.go_to(start);
    if (named)
      read_attribute(in_, rules_, op, attributes);
    else
      operands.push_back(expression(kind(op) == OpKind::Pointwise ? claimed : nullptr, depth + 1));
  }
  if (claimed)
    attributes_from_type(rules_, op, *claimed, attributes);
  Value value;
  try {
    value = append(op, operands, std::move(attributes));
  } catch (Error& error) {
    Diagnostic d = error.diagnostics().front();
    in_.fail_at(at, std::move(d.message), std::move(d.notes));
  }
  if (const TensorType& found = signature_.initial.type(value); typed && !(found == type))
    in_.fail_at(
        at, fmt::format("{} gives {}, the text says {}", word, to_string(found), to_string(type)));
  return value;
}

Value InitialParser::append(Opcode op, std::span<const Value> operands, Attributes attributes) {
  return rules_.append(signature_.initial, signature_, op, operands, std::move(attributes), {});
}

Value InitialParser::shared(Opcode op, const std::string& key, std::span<const Value> operands,
                            Attributes attributes) {
  auto place = leaves_.find(key);
  if (place == leaves_.end())
    place = leaves_.emplace(key, append(op, operands, std::move(attributes))).first;
  return place->second;
}

} // namespace gdjit
