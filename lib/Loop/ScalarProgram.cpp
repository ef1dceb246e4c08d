// Straight-line scalar programs: built with value numbering and folding, run in chunks of columns.
#include "gdjit/Loop/ScalarProgram.h"

#include "gdjit/Support/Error.h"
#include "gdjit/Support/Hash.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace gdjit::loop {

namespace {

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

template <class Turn> void evaluate(const Turn& turn, int64_t n) {
  const Bits* const* columns = turn.columns;
  if (turn.table != nullptr)
    look_up(*turn.table, columns[0], turn.out, n);
  else
    evaluate_many(turn.op, turn.type, turn.operand, columns[0], columns[1], columns[2], turn.out,
                  n);
}

} // namespace

ScalarRun::ScalarRun(const ScalarProgram& program, const std::vector<bool>& uniform, int64_t width)
    : program_(program), width_(static_cast<size_t>(width)), lines_((width_ + 7) / 8),
      uniform_(uniform) {
  GDJIT_CHECK(uniform.size() == program.parameters.size());
  for (const ScalarInstruction& in : program.instructions) {
    bool all = true;
    for (int k = 0; k < operand_count(in.op); ++k)
      all = all && uniform_[in.operands[k]];
    uniform_.push_back(all);
  }
  place();
  for (size_t i = 0; i < program.instructions.size(); ++i) {
    const size_t value = uniform.size() + i;
    if (program.instructions[i].op == ScalarOp::constant)
      std::ranges::fill(column(value), program.instructions[i].bits);
    else
      (uniform_[value] ? once_ : turns_).push_back(turn(i));
  }
  find_spread();
}

/// Uniform values that blocks read, but for constants, whose columns are filled already.
void ScalarRun::find_spread() {
  const size_t parameters = program_.parameters.size();
  std::vector<bool> read(uniform_.size());
  for (size_t i = 0; i < program_.instructions.size(); ++i)
    for (int k = 0; !uniform_[parameters + i] && k < operand_count(program_.instructions[i].op);
         ++k)
      read[program_.instructions[i].operands[k]] = true;
  for (uint32_t result : program_.results)
    read[result] = true;
  for (uint32_t v = 0; v < read.size(); ++v)
    if (read[v] && uniform_[v] &&
        (v < parameters || program_.instructions[v - parameters].op != ScalarOp::constant))
      spread_.push_back(v);
}

/// A column for each value: its own for a parameter and for what is uniform, for any other one that
/// is free again behind its last use.
void ScalarRun::place() {
  const size_t parameters = program_.parameters.size();
  std::vector<size_t> last_use(uniform_.size());
  for (size_t i = 0; i < program_.instructions.size(); ++i)
    for (int k = 0; k < operand_count(program_.instructions[i].op); ++k)
      last_use[program_.instructions[i].operands[k]] = i;
  for (uint32_t result : program_.results)
    last_use[result] = program_.instructions.size();

  size_t count = parameters;
  std::vector<size_t> free;
  column_.resize(uniform_.size());
  std::iota(column_.begin(), column_.begin() + static_cast<std::ptrdiff_t>(parameters), 0);
  for (size_t i = 0; i < program_.instructions.size(); ++i) {
    if (uniform_[parameters + i] || free.empty()) {
      column_[parameters + i] = count++;
    } else {
      column_[parameters + i] = free.back();
      free.pop_back();
    }
    const ScalarInstruction& in = program_.instructions[i];
    for (int k = 0; k < operand_count(in.op); ++k) {
      const uint32_t v = in.operands[k];
      if (v < parameters || uniform_[v] || last_use[v] != i)
        continue;
      free.push_back(column_[v]);
      last_use[v] = 0; // an operand that stands twice is free once
    }
  }
  memory_ = std::make_unique_for_overwrite<Line[]>(count * lines_);
}

ScalarRun::Turn ScalarRun::turn(size_t instruction) const {
  const ScalarInstruction& in = program_.instructions[instruction];
  Turn turn{.op = in.op,
            .type = in.type,
            .operand = operand_type(program_, in),
            .columns = {},
            .out = column(program_.parameters.size() + instruction).data(),
            .table = in.op == ScalarOp::lookup ? program_.tables[in.bits].get() : nullptr};
  for (int k = 0; k < operand_count(in.op); ++k)
    turn.columns[k] = column(in.operands[k]).data();
  return turn;
}

void ScalarRun::begin(int64_t n) {
  for (const Turn& turn : once_)
    evaluate(turn, 1);
  for (const uint32_t value : spread_)
    std::fill_n(column(value).begin(), n, column(value)[0]);
}

void ScalarRun::compute(int64_t n) {
  for (const Turn& turn : turns_)
    evaluate(turn, n);
}

void run(const ScalarProgram& program, std::span<const Bits* const> arguments,
         std::span<Bits* const> results, int64_t count) {
  GDJIT_CHECK(results.size() == program.results.size());
  ScalarRun run(program, std::vector<bool>(arguments.size()), std::min(count, ScalarRun::block));
  for (int64_t first = 0; first < count; first += ScalarRun::block) {
    const int64_t n = std::min(ScalarRun::block, count - first);
    for (size_t i = 0; i < arguments.size(); ++i)
      std::copy_n(arguments[i] + first, n, run.argument(i).begin());
    run.compute(n);
    for (size_t i = 0; i < results.size(); ++i)
      std::copy_n(run.result(i).begin(), n, results[i] + first);
  }
}

DType ScalarValue::type() const { return builder->type(*this); }

ScalarBuilder::ScalarBuilder(std::vector<DType> parameters, bool scaleb) : scaleb_(scaleb) {
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
