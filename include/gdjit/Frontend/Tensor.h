// Tensor: a value of a model's graph, as a user writes with it; and Parameter and Variable, handles
// of state.
//
// A Tensor knows its model: using an empty one, or mixing two models, is an Error with both lines,
// in every build. Nothing here computes: operators append nodes.
#pragma once

#include "gdjit/Frontend/Number.h"
#include "gdjit/IR/Graph.h"

#include <memory>
#include <source_location>
#include <string>

namespace gdjit {

class Declaration; // what one run of a model's function declared; lib/Frontend/Declaration.h

/// Where a user called: the last parameter of every function that can be used wrongly.
using Place = std::source_location;
/// The place as messages name it.
SourceLocation location_of(Place place);

/// A value of the graph being declared. Copies are cheap and mean the same value; it has no truth
/// value, so that `if (tensor)` does not compile.
class Tensor {
public:
  /// Empty; using it is an Error.
  Tensor() = default;
  Tensor(std::shared_ptr<Declaration> declaration, Value value)
      : declaration_(std::move(declaration)), value_(value) {}

  bool empty() const { return !declaration_; }
  TensorType type(Place at = Place::current()) const;
  Shape shape(Place at = Place::current()) const { return type(at).shape; }
  DType dtype(Place at = Place::current()) const { return type(at).dtype; }
  int rank(Place at = Place::current()) const { return type(at).shape.rank(); }
  /// The extent of an axis; negative axes count from the end.
  int64_t extent(int axis, Place at = Place::current()) const;

  const std::shared_ptr<Declaration>& declaration() const { return declaration_; }
  Value value() const { return value_; }
  /// The graph it belongs to; not of an empty one.
  const Graph& graph() const;

private:
  std::shared_ptr<Declaration> declaration_;
  Value value_;
};

/// Error where a tensor is empty or they belong to two models; `what` names the operation. For
/// composed functions that look at types before they append.
void require_common_model(const std::string& what, std::initializer_list<const Tensor*> tensors,
                          Place at);

/// State that the model owns and only updates change. Reads as the value before the step. It cannot
/// be assigned to: `w = w - 0.1 * g` would rebind a C++ variable and train nothing; write
/// m.update(w, w - 0.1 * g).
class Variable {
public:
  Variable(const Variable&) = default;
  Variable& operator=(const Variable&) = delete;
  template <class T> Variable& operator=(T&&) = delete; // use m.update(variable, value)

  operator const Tensor&() const { return value_; }
  const Tensor& value() const { return value_; }
  TensorType type() const { return value_.type(); }
  Shape shape() const { return value_.type().shape; }
  DType dtype() const { return value_.type().dtype; }
  const std::string& name() const { return name_; } ///< scoped: "block1/w"
  uint32_t row() const { return row_; }             ///< of Signature::states

protected:
  friend class Declaration;
  Variable(Tensor value, std::string name, uint32_t row)
      : value_(std::move(value)), name_(std::move(name)), row_(row) {}

private:
  Tensor value_;
  std::string name_;
  uint32_t row_;
};

/// State that minimize trains.
class Parameter : public Variable {
public:
  Parameter(const Parameter&) = default;
  Parameter& operator=(const Parameter&) = delete;
  template <class T> Parameter& operator=(T&&) = delete; // use m.update(parameter, value)

private:
  friend class Model;
  explicit Parameter(const Variable& variable) : Variable(variable) {}
};

/// An operand that must be a number, so that a function of two operands has at least one Tensor:
/// max(1, 2) is not ours.
struct NumberOperand {
  Number number;

  template <Arithmetic T> NumberOperand(T number) : number(number) {}
};

/// An operand of an operator or function: a Tensor, a Parameter or a C++ number, with the place
/// where it was written (operators cannot take default arguments; a converting constructor can).
struct Operand {
  const Tensor* tensor = nullptr; ///< null for a number
  Number number;
  Place place;

  Operand(const Tensor& tensor, Place at = Place::current()) : tensor(&tensor), place(at) {}
  Operand(const Variable& variable, Place at = Place::current())
      : tensor(&variable.value()), place(at) {}
  template <Arithmetic T> Operand(T number, Place at = Place::current())
      : number(number), place(at) {}
  explicit Operand(NumberOperand number, Place at = Place::current())
      : number(number.number), place(at) {}
};

/// Appends a pointwise op: operands broadcast by NumPy's rules as explicit nodes, numbers take the
/// tensors' type.
Tensor pointwise(Opcode op, std::initializer_list<Operand> operands, Place at);

#define GDJIT_OPERATOR(symbol, op)                                                                 \
  inline Tensor operator symbol(const Operand& a, const Operand& b) {                              \
    return pointwise(Opcode::op, {a, b}, b.place);                                                 \
  }
GDJIT_OPERATOR(+, Add)
GDJIT_OPERATOR(-, Subtract)
GDJIT_OPERATOR(*, Multiply)
GDJIT_OPERATOR(/, Divide)
GDJIT_OPERATOR(%, Remainder)
GDJIT_OPERATOR(==, Equal)
GDJIT_OPERATOR(!=, NotEqual)
GDJIT_OPERATOR(<, Less)
GDJIT_OPERATOR(<=, LessEqual)
GDJIT_OPERATOR(>, Greater)
GDJIT_OPERATOR(>=, GreaterEqual)
GDJIT_OPERATOR(&, LogicalAnd)
GDJIT_OPERATOR(|, LogicalOr)
GDJIT_OPERATOR(^, LogicalXor)
#undef GDJIT_OPERATOR
inline Tensor operator-(const Operand& a) { return pointwise(Opcode::Negate, {a}, a.place); }
inline Tensor operator!(const Operand& a) { return pointwise(Opcode::LogicalNot, {a}, a.place); }

inline Tensor& operator+=(Tensor& a, const Operand& b) { return a = a + b; }
inline Tensor& operator-=(Tensor& a, const Operand& b) { return a = a - b; }
inline Tensor& operator*=(Tensor& a, const Operand& b) { return a = a * b; }
inline Tensor& operator/=(Tensor& a, const Operand& b) { return a = a / b; }

} // namespace gdjit
