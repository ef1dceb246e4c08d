// ScalarProgram: a straight line of scalar operations, and the builder it is written with.
//
// A pointwise op is defined by one of these ("expansion"): the graph interpreter runs it, lowering
// copies it into a loop. ScalarValue has the usual operators, so that an expansion reads like its
// formula:
//
//     ScalarValue z = b.constant(DType::f32, 1) / (1 + exp(-x))
#pragma once

#include "gdjit/IR/Array.h"
#include "gdjit/Loop/ScalarOp.h"

#include <memory>
#include <unordered_map>
#include <vector>

namespace gdjit::loop {

struct ScalarInstruction {
  ScalarOp op;
  DType type;                ///< of the result
  uint32_t operands[3] = {}; ///< value ids: parameters first, then instructions in order
  Bits bits = 0;             ///< of a constant; number of the table of a lookup
};

struct ScalarProgram {
  std::vector<DType> parameters;
  std::vector<ScalarInstruction> instructions;
  std::vector<uint32_t> results;
  std::vector<std::shared_ptr<const Array>> tables;

  DType type(uint32_t value) const {
    return value < parameters.size() ? parameters[value]
                                     : instructions[value - parameters.size()].type;
  }
};

/// Runs a program over `count` elements in chunks; arguments and results as Bits, column by column.
void run(const ScalarProgram& program, std::span<const Bits* const> arguments,
         std::span<Bits* const> results, int64_t count);

class ScalarBuilder;

/// A value within a ScalarBuilder. Operators take operands of one type; a C++ number takes the
/// other's type.
struct ScalarValue {
  ScalarBuilder* builder = nullptr;
  uint32_t id = 0;

  DType type() const;
};

/// Appends to a program; equal instructions are shared, operations on constants are folded by
/// evaluate().
class ScalarBuilder {
public:
  explicit ScalarBuilder(std::vector<DType> parameters);

  ScalarValue parameter(int i) { return {this, static_cast<uint32_t>(i)}; }
  ScalarValue constant(DType type, double value);
  ScalarValue constant_bits(DType type, Bits bits);
  ScalarValue emit(ScalarOp op, DType result, std::span<const ScalarValue> operands, Bits bits = 0);
  /// Element `index` (i64, masked or otherwise in range) of a table.
  ScalarValue lookup(std::shared_ptr<const Array> table, ScalarValue index);
  DType type(ScalarValue v) const { return program_.type(v.id); }

  ScalarProgram finish(std::span<const ScalarValue> results) &&;

private:
  ScalarProgram program_;
  std::unordered_multimap<uint64_t, uint32_t> seen_; ///< ids by hash
};

ScalarValue operator+(ScalarValue a, ScalarValue b);
ScalarValue operator-(ScalarValue a, ScalarValue b);
ScalarValue operator*(ScalarValue a, ScalarValue b);
ScalarValue operator/(ScalarValue a, ScalarValue b);
ScalarValue operator-(ScalarValue a);
ScalarValue operator+(ScalarValue a, double b);
ScalarValue operator-(ScalarValue a, double b);
ScalarValue operator*(ScalarValue a, double b);
ScalarValue operator/(ScalarValue a, double b);
ScalarValue operator+(double a, ScalarValue b);
ScalarValue operator-(double a, ScalarValue b);
ScalarValue operator*(double a, ScalarValue b);
ScalarValue operator/(double a, ScalarValue b);
ScalarValue operator&(ScalarValue a, ScalarValue b);
ScalarValue operator|(ScalarValue a, ScalarValue b);
ScalarValue operator^(ScalarValue a, ScalarValue b);
ScalarValue operator~(ScalarValue a);

/// Any operation by name: two operands of one type, result of that type (comparisons: bool).
ScalarValue binary(ScalarOp op, ScalarValue a, ScalarValue b);
ScalarValue binary(ScalarOp op, ScalarValue a, double b);
ScalarValue unary(ScalarOp op, ScalarValue a);
ScalarValue fma(ScalarValue a, ScalarValue b, ScalarValue c);
ScalarValue fma(ScalarValue a, ScalarValue b, double c);
ScalarValue select(ScalarValue condition, ScalarValue a, ScalarValue b);
ScalarValue convert(ScalarValue a, DType type);
ScalarValue bitcast(ScalarValue a, DType type);

} // namespace gdjit::loop
