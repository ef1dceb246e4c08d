// Op: everything that gdjit knows of an op, in one row (IR/Ops.def) and one block
// (lib/Ops/<Family>.cpp).
//
// Parser, printer, reference page, C++ functions, interpreter, derivative, lowering and the
// parameterized tests follow from these fields; a new op touches nothing else.
#pragma once

#include "gdjit/IR/Graph.h"
#include "gdjit/Loop/ScalarProgram.h"
#include "gdjit/Ops/IndexMap.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gdjit {

class Vjp;     // Ops/Vjp.h
class Rewrite; // Ops/Rewrite.h
struct Signature;

/// Thrown by infer_type() and type rules; GraphBuilder makes an Error of it, with the op's name,
/// operands, types and lines.
struct TypeMismatch {
  std::string message; ///< "inner dimensions differ, 784 and 780"
  std::string remedy;  ///< "transpose one operand", may be empty
};

/// What a type rule sees. It may complete the attributes: make axes ascending and non-negative,
/// choose the order.
struct TypeRequest {
  std::span<const TensorType> operands;
  Attributes& attributes;
};

/// What an expansion sees: operand elements (Pointwise), behind them the row-major position as i64
/// (Source) and the number of its stream (a draw).
struct Expansion {
  loop::ScalarBuilder& builder;
  std::span<const loop::ScalarValue> arguments;
  const Attributes& attributes;
  DType type; ///< of the result

  loop::ScalarValue operator[](int i) const { return arguments[i]; }
  loop::ScalarValue constant(double value) const { return builder.constant(type, value); }
};

/// How a Reduction combines; chains start from the neutral element.
struct Reducer {
  loop::ScalarOp combine = loop::ScalarOp::add;
  double neutral =
      0; ///< where it is the same for every type; +-inf becomes the least or greatest integer
  bool of_index = false; ///< argmax, argmin: the result is the position; combine is max or min; the
                         ///< first of equals wins, and a NaN wins over every number
};

/// What an Indexing op does with its indices, which are its last operand (i32 or i64) and select
/// rows of axis 0.
enum class IndexUse : uint8_t {
  none,
  gather,  ///< result[i.., j..] = data[index[i..], j..]; 0 where the index is out of range
  scatter, ///< result = 0; then in row-major order of i..: result[index[i..], j..] += data[i..,
           ///< j..]; others are skipped
  one_hot, ///< result[i.., c] = (index[i..] == c); a row of zeros where the index is out of range
};

/// A tensor in double precision, for the independent reference.
struct ReferenceTensor {
  TensorType type;
  std::vector<double> values;
};

/// Values from which tests draw an operand.
struct SampleRange {
  double low = -3;
  double high = 3;
};

/// A local rewrite, exact to the bit: "x * 1 => x". `apply` returns the replacement, or an invalid
/// Value.
struct SimplifyRule {
  std::string_view text;
  Value (*apply)(Rewrite&);
};

struct OpBlock {
  std::string_view summary = {};         ///< one line, lower case
  std::string_view formula = {};         ///< "1 / (1 + exp(-x))"
  std::string_view domain = {};          ///< "x > 0; NaN below", "" for all values
  std::span<const Attr> attributes = {}; ///< those the text must or may give
  TensorType (*infer)(const TypeRequest&) =
      nullptr; ///< null for input, state, scalar: the signature says it
  /// Adds the adjoint of each operand. Null with `not_differentiable` for a stated decision.
  void (*vjp)(Vjp&) = nullptr;
  std::string_view not_differentiable =
      {}; ///< the reason: "piecewise constant"; the gradient is then zero where
          ///< `zero_gradient`, else asking for it is an error
  bool zero_gradient = false;
  loop::ScalarValue (*expand)(const Expansion&) =
      nullptr;                         ///< Pointwise, and Source but input, state, scalar, constant
  Reducer reducer = {};                ///< Reduction
  IndexUse index_use = IndexUse::none; ///< Indexing
  Accesses (*accesses)(std::span<const TensorType> operands, const TensorType& result,
                       const Attributes&) = nullptr;      ///< Movement, Reduction, Contraction
  double (*reference)(std::span<const double>) = nullptr; ///< Pointwise, one element
  std::vector<double> (*reference_tensor)(std::span<const ReferenceTensor>,
                                          const TensorType& result,
                                          const Attributes&) = nullptr; ///< any other kind
  std::span<const SimplifyRule> simplifications = {};
  std::span<const SampleRange> samples =
      {}; ///< per operand; the last holds for the rest; empty is -3 .. 3
};

/// The block of each op, by its enumerator; lib/Ops/<Family>.cpp defines it as a constant (a
/// missing one does not link):
///     constinit const OpBlock blocks::Add = {.summary = ..., };
namespace blocks {
#define GDJIT_OP(enumerator, name, kind, operands, f32_ulp, f64_ulp)                               \
  extern const OpBlock enumerator;
#include "gdjit/IR/Ops.def"
} // namespace blocks

/// The row of an op.
struct OpInfo {
  Opcode opcode;
  std::string_view name;
  OpKind kind;
  int operands;
  double f32_ulp;
  double f64_ulp;
  const OpBlock* block;
};

/// Row and block of an op; constant time.
const OpInfo& info(Opcode op);

/// The type of a node by its op's rule, or by the signature for an input, state or scalar;
/// completes the attributes. TypeMismatch where operands or attributes do not fit.
TensorType infer_type(Opcode op, const Signature& signature, std::span<const TensorType> operands,
                      Attributes& attributes);

/// The expansion of a node as a program: parameters are the operand elements, then for Source the
/// position (i64), then for a draw the number of its stream (i64).
loop::ScalarProgram expansion(const Graph& graph, NodeId node);
/// That of a pointwise op without attributes whose operands and result have one type; the bits do
/// not depend on whether it may use ScalarOp::scaleb.
loop::ScalarProgram expansion(Opcode op, DType type, bool scaleb = false);
/// True for a node that draws random numbers.
bool is_draw(const Graph& graph, NodeId node);
/// The number of a draw's stream: the hash of its name.
Bits stream_number(const Graph& graph, NodeId node);
/// The accesses of a node of kind Movement, Reduction or Contraction.
Accesses accesses(const Graph& graph, NodeId node);
/// Where a source gets its elements: from outside the step, from its literal, or by computing them.
bool is_argument(const Graph& graph, NodeId node);
bool is_literal(const Graph& graph, NodeId node);

} // namespace gdjit
