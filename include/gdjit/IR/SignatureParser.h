// The signature that opens the text of every stage, read.
//
// Initial values are expressions over ops; IR has no type rules, so the caller lends them
// (Ops/GraphParser.h has them).
#pragma once

#include "gdjit/IR/Step.h"
#include "gdjit/IR/TextReader.h"

namespace gdjit {

/// Type rules of ops, for the expressions of initial values.
class TypeRules {
public:
  virtual ~TypeRules() = default;
  /// The attributes that an op may have.
  virtual std::span<const Attr> attributes(Opcode op) const = 0;
  /// Appends a node with its type inferred; throws Error where the operands do not fit.
  virtual Value append(Graph& graph, const Signature& signature, Opcode op,
                       std::span<const Value> operands, Attributes attributes,
                       Origin origin) const = 0;
};

/// Reads version, stage and all declarations, and leaves the reader at the first line of the body.
/// Throws Error with every message where something is wrong.
void parse_signature(TextReader& reader, const TypeRules& rules, Signature& signature,
                     Stage& stage);

/// An op by the word at the reader; fails with the nearest known one.
Opcode read_opcode(TextReader& reader);
/// An attribute of `op` by name, with its value, added to `attributes`; fails where op has none of
/// that name.
void read_attribute(TextReader& reader, const TypeRules& rules, Opcode op, Attributes& attributes);
/// Adds dtype and shape, which the text leaves to the type, where op has these attributes and they
/// are not given.
void attributes_from_type(const TypeRules& rules, Opcode op, const TensorType& type,
                          Attributes& attributes);

} // namespace gdjit
