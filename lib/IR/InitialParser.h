// InitialParser: nested expressions of initial values become nodes of Signature::initial.
//
// Every written op is a node of its own, except leaves (numbers, scalars), which are shared: so the
// graph has the shape of the text, and prints as that text again.
#pragma once

#include "gdjit/IR/SignatureParser.h"

#include <map>
#include <string>

namespace gdjit {

class InitialParser {
public:
  InitialParser(TextReader& reader, const TypeRules& rules, Signature& signature)
      : in_(reader), rules_(rules), signature_(signature) {}

  /// A value of the given type.
  Value expression(const TensorType& type);
  /// The rest of a line `let %0 = expression`.
  void let();

private:
  Value expression(const TensorType* expected, int depth);
  Value let_value(size_t at);
  Value number(const TensorType* expected, size_t at);
  Value number(std::string_view token, const TensorType& type);
  Value array(const TensorType& type);
  Value scalar(const std::string& name, size_t at);
  Value call(const TensorType* expected, size_t at, int depth);
  Value append(Opcode op, std::span<const Value> operands, Attributes attributes);
  Value shared(Opcode op, const std::string& key, std::span<const Value> operands,
               Attributes attributes);

  TextReader& in_;
  const TypeRules& rules_;
  Signature& signature_;
  std::map<int64_t, Value> lets_;
  std::map<std::string, Value> leaves_;
};

} // namespace gdjit
