// Vjp: what a derivative rule sees, and where it puts the adjoints.
#pragma once

#include "gdjit/Ops/Expr.h"

namespace gdjit {

/// A rule writes, for each operand that wants one, operand i's adjoint as ordinary nodes:
///     v.add(0, v.g() * v.result() * (1 - v.result()))        // sigmoid
class Vjp {
public:
  Vjp(GraphBuilder& builder, const Attributes& attributes, std::span<const Value> operands,
      Value result, Value adjoint, std::span<const bool> wanted)
      : builder_(builder), attributes_(attributes), operands_(operands), result_(result),
        adjoint_(adjoint), wanted_(wanted), adjoints_(operands.size()) {}

  Expr operand(int i) { return {&builder_, operands_[i]}; }
  Expr result() { return {&builder_, result_}; }
  /// Adjoint of the result, of the result's type.
  Expr g() { return {&builder_, adjoint_}; }
  const Attributes& attributes() const { return attributes_; }
  GraphBuilder& builder() { return builder_; }
  int operand_count() const { return static_cast<int>(operands_.size()); }
  /// False where nothing upstream of operand i needs a gradient: rules with a costly part ask.
  bool wants(int i) const { return wanted_[i]; }
  /// Sets operand i's adjoint, of operand i's type. At most once per operand.
  void add(int i, Expr adjoint);
  /// g * d where d can be infinite or NaN: g * guard(d, g), so that an untaken branch poisons
  /// nothing. (Not select(g == 0, 0, g * d): where g happens to be 0, as at
  /// a minimum, its derivative by g would be 0 instead of d, and second derivatives wrong.)
  Expr guarded(Expr d);

  std::span<const Value> adjoints() const { return adjoints_; } ///< invalid where not set

private:
  GraphBuilder& builder_;
  const Attributes& attributes_;
  std::span<const Value> operands_;
  Value result_;
  Value adjoint_;
  std::span<const bool> wanted_;
  std::vector<Value> adjoints_;
};

} // namespace gdjit
