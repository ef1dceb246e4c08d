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

/// Runs a program over `count` elements in blocks; arguments and results as Bits, column by column.
void run(const ScalarProgram& program, std::span<const Bits* const> arguments,
         std::span<Bits* const> results, int64_t count);

/// A program laid out to be run block by block, as often as one likes. Arguments that are one for
/// all elements are uniform: what follows from them alone is computed once.
///
///     ScalarRun run(program, {false, true});   // x, seed
///     run.argument(1)[0] = seed;
///     run.begin(n);
///     fill(run.argument(0).first(n)); run.compute(n); use(run.result(0).first(n));
class ScalarRun {
public:
  /// Elements of a block: many enough to hide the dispatch, few enough for the live columns to stay
  /// in cache.
  static constexpr int64_t block = 256;

  /// `uniform` says it of each parameter; blocks have at most `width` elements.
  ScalarRun(const ScalarProgram& program, const std::vector<bool>& uniform, int64_t width = block);

  /// The column of a parameter: of a uniform one the first element is to be set before begin(), any
  /// other one to be filled for each block.
  std::span<Bits> argument(size_t parameter) { return column(parameter); }
  /// For blocks of at most n elements.
  void begin(int64_t n);
  void compute(int64_t n);
  std::span<const Bits> result(size_t i) const { return column(program_.results[i]); }

private:
  struct Turn {
    ScalarOp op;
    DType type, operand;
    const Bits* columns[3];
    Bits* out;
    const Array* table; ///< of a lookup
  };
  std::span<Bits> column(size_t value) const {
    return {memory_[column_[value] * lines_].elements, width_};
  }
  void place();
  void find_spread();
  Turn turn(size_t instruction) const;

  const ScalarProgram& program_;
  struct alignas(64) Line { ///< of the cache
    Bits elements[8];
  };
  size_t width_, lines_;       ///< of a column
  std::vector<size_t> column_; ///< per value
  std::vector<bool> uniform_;
  std::unique_ptr<Line[]> memory_;
  std::vector<Turn> once_, turns_; ///< what is uniform, what is computed for each block
  std::vector<uint32_t> spread_;   ///< uniform values whose columns blocks read
};

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
  /// `scaleb`: the program is for a machine that has this operation.
  explicit ScalarBuilder(std::vector<DType> parameters, bool scaleb = false);

  bool has_scaleb() const { return scaleb_; }
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
  bool scaleb_;
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
