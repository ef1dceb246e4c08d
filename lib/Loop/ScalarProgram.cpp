// Straight-line scalar programs: built with value numbering and folding, run in chunks of columns.
#include "gdjit/Loop/ScalarProgram.h"

#include "gdjit/Support/Error.h"
#include "gdjit/Support/Hash.h"

#include <algorithm>
#include <cmath>

namespace gdjit::loop {

namespace {

/// Elements per chunk: long enough to hide the dispatch, short enough for all columns to stay in
/// cache.
constexpr int64_t chunk = 128;

/// Type by which an instruction's operation is chosen: that of its last operand.
DType operand_type(const ScalarProgram& program, const ScalarInstruction& instruction) {
  int n = operand_count(instruction.op);
  return n == 0 ? instruction.type : program.type(instruction.operands[n - 1]);
}

void look_up(const Array& table, const Bits* index, Bits* out, int64_t count) {
  DType type = table.type().dtype;
  auto* data = static_cast<const unsigned char*>(table.bytes());
  for (int64_t i = 0; i < count; ++i) {
    GDJIT_CHECK(index[i] < static_cast<Bits>(table.elements()));
    out[i] = load_bits(type, data + static_cast<int64_t>(index[i]) * byte_size(type));
  }
}

void run_instruction(const ScalarProgram& program, const ScalarInstruction& instruction,
                     const std::vector<const Bits*>& columns, Bits* out, int64_t count) {
  const uint32_t* o = instruction.operands;
  if (instruction.op == ScalarOp::lookup) {
    look_up(*program.tables[instruction.bits], columns[o[0]], out, count);
    return;
  }
  int n = operand_count(instruction.op);
  evaluate_many(instruction.op, instruction.type, operand_type(program, instruction), columns[o[0]],
                n > 1 ? columns[o[1]] : nullptr, n > 2 ? columns[o[2]] : nullptr, out, count);
}

} // namespace

void run(const ScalarProgram& program, std::span<const Bits* const> arguments,
         std::span<Bits* const> results, int64_t count) {
  size_t parameters = program.parameters.size();
  GDJIT_CHECK(arguments.size() == parameters && results.size() == program.results.size());
  int64_t width = std::min(count, chunk);
  const auto memory = std::make_unique_for_overwrite<Bits[]>(program.instructions.size() *
                                                             static_cast<size_t>(width));
  std::vector<const Bits*> columns(parameters + program.instructions.size());
  for (size_t i = 0; i < program.instructions.size(); ++i) {
    Bits* out = memory.get() + i * static_cast<size_t>(width);
    columns[parameters + i] = out;
    if (program.instructions[i].op == ScalarOp::constant)
      std::fill_n(out, width, program.instructions[i].bits);
  }
  for (int64_t first = 0; first < count; first += width) {
    int64_t n = std::min(width, count - first);
    for (size_t i = 0; i < parameters; ++i)
      columns[i] = arguments[i] + first;
    for (size_t i = 0; i < program.instructions.size(); ++i)
      if (program.instructions[i].op != ScalarOp::constant)
        run_instruction(program, program.instructions[i], columns,
                        memory.get() + i * static_cast<size_t>(width), n);
    for (size_t i = 0; i < results.size(); ++i)
      std::copy_n(columns[program.results[i]], n, results[i] + first);
  }
}

DType ScalarValue::type() const { return builder->type(*this); }

ScalarBuilder::ScalarBuilder(std::vector<DType> parameters) {
  program_.parameters = std::move(parameters);
}

ScalarValue ScalarBuilder::constant(DType type, double value) {
  return constant_bits(type, to_bits(type, value));
}

ScalarValue ScalarBuilder::constant_bits(DType type, Bits bits) {
  return emit(ScalarOp::constant, type, {}, bits);
}

ScalarValue ScalarBuilder::emit(ScalarOp op, DType result, std::span<const ScalarValue> operands,
                                Bits bits) {
  GDJIT_CHECK(static_cast<int>(operands.size()) == operand_count(op));
  ScalarInstruction instruction{.op = op, .type = result, .operands = {}, .bits = bits};
  uint32_t parameters = static_cast<uint32_t>(program_.parameters.size());
  bool constant = !operands.empty() && op != ScalarOp::lookup;
  Bits values[3] = {};
  uint64_t hash =
      combine(static_cast<uint64_t>(op) * dtype_count + static_cast<uint64_t>(result), bits);
  for (size_t i = 0; i < operands.size(); ++i) {
    uint32_t id = operands[i].id;
    GDJIT_CHECK(operands[i].builder == this);
    instruction.operands[i] = id;
    hash = combine(hash, id);
    constant = constant && id >= parameters &&
               program_.instructions[id - parameters].op == ScalarOp::constant;
    if (constant)
      values[i] = program_.instructions[id - parameters].bits;
  }
  if (constant) {
    Bits folded = evaluate(op, result, operands.back().type(), {values, operands.size()});
    if (is_float(result) && std::isnan(to_double(result, folded)))
      folded = to_bits(result, std::nan("")); // one NaN, so that programs do not depend on the host
    return constant_bits(result, folded);
  }
  auto [first, last] = seen_.equal_range(hash);
  for (auto seen = first; seen != last; ++seen) {
    const ScalarInstruction& other = program_.instructions[seen->second - parameters];
    if (other.op == op && other.type == result && other.bits == bits &&
        std::equal(std::begin(other.operands), std::end(other.operands), instruction.operands))
      return {this, seen->second};
  }
  uint32_t id = parameters + static_cast<uint32_t>(program_.instructions.size());
  program_.instructions.push_back(instruction);
  seen_.emplace(hash, id);
  return {this, id};
}

ScalarValue ScalarBuilder::lookup(std::shared_ptr<const Array> table, ScalarValue index) {
  GDJIT_CHECK(index.type() == DType::i64);
  auto& tables = program_.tables;
  auto same = [&](const std::shared_ptr<const Array>& t) { return same_bits(*t, *table); };
  size_t number = static_cast<size_t>(std::ranges::find_if(tables, same) - tables.begin());
  DType type = table->type().dtype;
  if (number == tables.size())
    tables.push_back(std::move(table));
  return emit(ScalarOp::lookup, type, {&index, 1}, number);
}

ScalarProgram ScalarBuilder::finish(std::span<const ScalarValue> results) && {
  uint32_t parameters = static_cast<uint32_t>(program_.parameters.size());
  std::vector<ScalarInstruction>& all = program_.instructions;
  std::vector<bool> used(parameters + all.size());
  for (ScalarValue result : results)
    used[result.id] = true;
  for (size_t i = all.size(); i-- > 0;)
    for (int k = 0; used[parameters + i] && k < operand_count(all[i].op); ++k)
      used[all[i].operands[k]] = true;

  // What folding and the caller left unused goes.
  std::vector<uint32_t> moved(used.size());
  uint32_t next = parameters;
  for (uint32_t id = 0; id < used.size(); ++id) {
    if (id < parameters) {
      moved[id] = id;
      continue;
    }
    if (!used[id])
      continue;
    ScalarInstruction instruction = all[id - parameters];
    for (int k = 0; k < operand_count(instruction.op); ++k)
      instruction.operands[k] = moved[instruction.operands[k]];
    moved[id] = next;
    all[next++ - parameters] = instruction;
  }
  all.resize(next - parameters);
  for (ScalarValue result : results)
    program_.results.push_back(moved[result.id]);
  return std::move(program_);
}

ScalarValue binary(ScalarOp op, ScalarValue a, ScalarValue b) {
  GDJIT_CHECK(a.type() == b.type());
  bool comparison = op >= ScalarOp::eq && op <= ScalarOp::ge;
  ScalarValue operands[] = {a, b};
  return a.builder->emit(op, comparison ? DType::boolean : a.type(), operands);
}
ScalarValue binary(ScalarOp op, ScalarValue a, double b) {
  return binary(op, a, a.builder->constant(a.type(), b));
}
ScalarValue unary(ScalarOp op, ScalarValue a) { return a.builder->emit(op, a.type(), {&a, 1}); }

ScalarValue operator+(ScalarValue a, ScalarValue b) { return binary(ScalarOp::add, a, b); }
ScalarValue operator-(ScalarValue a, ScalarValue b) { return binary(ScalarOp::sub, a, b); }
ScalarValue operator*(ScalarValue a, ScalarValue b) { return binary(ScalarOp::mul, a, b); }
ScalarValue operator/(ScalarValue a, ScalarValue b) { return binary(ScalarOp::div, a, b); }
ScalarValue operator-(ScalarValue a) { return unary(ScalarOp::neg, a); }
ScalarValue operator+(ScalarValue a, double b) { return binary(ScalarOp::add, a, b); }
ScalarValue operator-(ScalarValue a, double b) { return binary(ScalarOp::sub, a, b); }
ScalarValue operator*(ScalarValue a, double b) { return binary(ScalarOp::mul, a, b); }
ScalarValue operator/(ScalarValue a, double b) { return binary(ScalarOp::div, a, b); }
ScalarValue operator+(double a, ScalarValue b) { return b.builder->constant(b.type(), a) + b; }
ScalarValue operator-(double a, ScalarValue b) { return b.builder->constant(b.type(), a) - b; }
ScalarValue operator*(double a, ScalarValue b) { return b.builder->constant(b.type(), a) * b; }
ScalarValue operator/(double a, ScalarValue b) { return b.builder->constant(b.type(), a) / b; }
ScalarValue operator&(ScalarValue a, ScalarValue b) { return binary(ScalarOp::bit_and, a, b); }
ScalarValue operator|(ScalarValue a, ScalarValue b) { return binary(ScalarOp::bit_or, a, b); }
ScalarValue operator^(ScalarValue a, ScalarValue b) { return binary(ScalarOp::bit_xor, a, b); }
ScalarValue operator~(ScalarValue a) { return unary(ScalarOp::bit_not, a); }

ScalarValue fma(ScalarValue a, ScalarValue b, ScalarValue c) {
  GDJIT_CHECK(a.type() == b.type() && b.type() == c.type());
  ScalarValue operands[] = {a, b, c};
  return a.builder->emit(ScalarOp::fma, a.type(), operands);
}
ScalarValue fma(ScalarValue a, ScalarValue b, double c) {
  return fma(a, b, a.builder->constant(a.type(), c));
}
ScalarValue select(ScalarValue condition, ScalarValue a, ScalarValue b) {
  GDJIT_CHECK(condition.type() == DType::boolean && a.type() == b.type());
  ScalarValue operands[] = {condition, a, b};
  return a.builder->emit(ScalarOp::select, a.type(), operands);
}
ScalarValue convert(ScalarValue a, DType type) {
  return a.type() == type ? a : a.builder->emit(ScalarOp::convert, type, {&a, 1});
}
ScalarValue bitcast(ScalarValue a, DType type) {
  return a.builder->emit(ScalarOp::bitcast, type, {&a, 1});
}

} // namespace gdjit::loop
