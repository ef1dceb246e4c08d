// Rewrite: what a local simplification sees: one node of the new graph, about to be appended.
#pragma once

#include "gdjit/Ops/Expr.h"

namespace gdjit {

class Rewrite {
public:
  Rewrite(GraphBuilder& builder, Opcode op, std::span<const Value> operands,
          const Attributes& attributes, const TensorType& type)
      : builder_(builder), op_(op), operands_(operands), attributes_(attributes), type_(type) {}

  GraphBuilder& builder() { return builder_; }
  Opcode op() const { return op_; }
  const TensorType& type() const { return type_; } ///< of the result; a replacement must have it
  const Attributes& attributes() const { return attributes_; }
  int operand_count() const { return static_cast<int>(operands_.size()); }
  Expr operand(int i) { return {&builder_, operands_[i]}; }
  /// Operand i is constant with every element equal to `value` (a zero's sign counts).
  bool is(int i, double value) const { return builder_.is_constant(operands_[i], value); }
  /// The op that computes operand i, and that op's operand j.
  Opcode producer(int i) const { return builder_.graph().op(operands_[i].node); }
  Expr producer_operand(int i, int j) {
    return {&builder_, builder_.graph().operand(operands_[i].node, j)};
  }

private:
  GraphBuilder& builder_;
  Opcode op_;
  std::span<const Value> operands_;
  const Attributes& attributes_;
  const TensorType& type_;
};

} // namespace gdjit
