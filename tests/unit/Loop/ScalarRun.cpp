// A program run by blocks, with columns and with numbers for its arguments, gives what its
// operations give element by element.
#include "gdjit/Loop/ScalarProgram.h"

#include "gdjit/Ops/Op.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace gdjit {
namespace {

using loop::ScalarProgram;
using loop::ScalarRun;

/// Element by element, by evaluate() alone.
Bits one_by_one(const ScalarProgram& program, std::vector<Bits> values) {
  for (const loop::ScalarInstruction& in : program.instructions) {
    std::vector<Bits> operands;
    DType last = in.type;
    for (int k = 0; k < loop::operand_count(in.op); ++k) {
      operands.push_back(values[in.operands[k]]);
      last = program.type(in.operands[k]);
    }
    if (in.op == loop::ScalarOp::constant)
      values.push_back(in.bits);
    else if (in.op == loop::ScalarOp::lookup)
      values.push_back(
          load_bits(in.type, program.tables[in.bits]->element(static_cast<int64_t>(operands[0]))));
    else
      values.push_back(loop::evaluate(in.op, in.type, last, operands));
  }
  return values[program.results[0]];
}

/// The expansion of a power, x to the y: long, with a table, of two arguments.
struct Power {
  ScalarProgram program = expansion(Opcode::Pow, DType::f32);
  static Bits x(int64_t i) { return to_bits(DType::f32, 0.01 * static_cast<double>(i % 700)); }
  static Bits y(int64_t i) { return to_bits(DType::f32, 3.25 - static_cast<double>(i % 7)); }
};

TEST(ScalarRun, gives_in_blocks_what_its_operations_give_one_by_one) {
  Power power;
  const int64_t count = 2 * ScalarRun::block + 37; // two blocks and a part of one
  std::vector<Bits> x, y, result(count);
  for (int64_t i = 0; i < count; ++i) {
    x.push_back(Power::x(i));
    y.push_back(Power::y(i));
  }
  const Bits* arguments[] = {x.data(), y.data()};
  Bits* results[] = {result.data()};
  loop::run(power.program, arguments, results, count);
  for (int64_t i = 0; i < count; ++i)
    EXPECT_TRUE(same_bits(DType::f32, result[i], one_by_one(power.program, {x[i], y[i]}))) << i;
}

TEST(ScalarRun, takes_uniform_arguments_and_others_anew_each_time) {
  Power power;
  ScalarRun run(power.program, {false, true});
  for (int64_t turn = 0; turn < 3; ++turn) {
    const int64_t n = turn == 1 ? 5 : ScalarRun::block; // fewer, then more again
    run.argument(1)[0] = Power::y(turn);
    run.begin(n);
    for (int64_t i = 0; i < n; ++i)
      run.argument(0)[static_cast<size_t>(i)] = Power::x(i + turn);
    run.compute(n);
    for (int64_t i = 0; i < n; ++i)
      EXPECT_TRUE(same_bits(DType::f32, run.result(0)[static_cast<size_t>(i)],
                            one_by_one(power.program, {Power::x(i + turn), Power::y(turn)})));
  }
}

TEST(ScalarRun, may_be_uniform_as_a_whole) {
  Power power;
  ScalarRun run(power.program, {true, true});
  run.argument(0)[0] = Power::x(150);
  run.argument(1)[0] = Power::y(1);
  run.begin(9);
  run.compute(9);
  EXPECT_EQ(std::ranges::count(run.result(0).first(9),
                               one_by_one(power.program, {Power::x(150), Power::y(1)})),
            9);
}

} // namespace
} // namespace gdjit
