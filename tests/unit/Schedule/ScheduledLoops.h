// What tests of the schedule begin with: a step in loops, its arguments, and machines.
#pragma once

#include "WeightGradient.h"
#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/Loop/Verifier.h"
#include "gdjit/Lowering/Fuse.h"
#include "gdjit/Lowering/Lower.h"
#include "gdjit/Memory/Plan.h"
#include "gdjit/Ops/Expr.h"
#include "gdjit/Schedule/Schedule.h"

#include <fmt/format.h>
#include <functional>
#include <gtest/gtest.h>
#include <random>

namespace gdjit {

/// A step of one output over f32 or f64 inputs of these shapes.
struct Built {
  Step step;
  loop::Program loops;
  CallArguments arguments;
};

inline Built build(DType type, const std::vector<Shape>& shapes,
                   const std::function<Expr(std::span<const Expr>)>& make) {
  Built b;
  b.step.stage = Stage::Simplified;
  b.step.signature.name = "test";
  b.step.signature.step = "training";
  std::mt19937 random(7);
  for (size_t i = 0; i < shapes.size(); ++i) {
    TensorType t{type, shapes[i]};
    b.step.signature.inputs.push_back({fmt::format("x{}", i), t});
    Array values(t);
    for (int64_t k = 0; k < values.elements(); ++k)
      values.set(k, std::uniform_real_distribution<double>(-2, 2)(random));
    b.arguments.inputs.push_back(values);
  }
  GraphBuilder builder(b.step.graph, b.step.signature, Sharing::shared);
  std::vector<Expr> inputs;
  for (uint32_t i = 0; i < shapes.size(); ++i)
    inputs.push_back({&builder, builder.input(i)});
  Expr y = make(inputs);
  b.step.signature.outputs.push_back({"y", y.type()});
  b.step.outputs.push_back(y.value);
  PassContext context;
  b.loops = lower(fuse(b.step, context), context);
  return b;
}

inline std::vector<MachineTable> machines() {
  return {{.vector_bytes = 16, .vector_registers = 16},
          {.vector_bytes = 32, .vector_registers = 16},
          {.vector_bytes = 64, .vector_registers = 32},
          {.vector_bytes = 16, .vector_registers = 9, .l1_bytes = 64},
          {.vector_bytes = 64, .vector_registers = 20, .l1_bytes = 64, .l2_bytes = 512}};
}

/// Expects a program that the verifier accepts and whose first output has these bits.
inline void expect_output(const loop::Program& program, const CallArguments& arguments,
                          const Array& expected, const std::string& where = "") {
  Diagnostics diagnostics;
  verify(program, diagnostics);
  ASSERT_NO_THROW(diagnostics.throw_if_any(ErrorCode::internal));
  EXPECT_TRUE(same_bits(expected, interpret(program, arguments).outputs[0])) << where;
}

/// Schedules and plans for every machine and expects the bits of the loops as lowered.
inline void expect_same_bits(const Built& b) {
  CallResults expected = interpret(b.loops, b.arguments);
  for (const MachineTable& machine : machines()) {
    PassContext context;
    context.machine = machine;
    loop::Program scheduled = schedule(b.loops, context);
    loop::Program planned = plan(scheduled, context);
    for (const loop::Program* p : {&scheduled, &planned})
      expect_output(*p, b.arguments, expected.outputs[0],
                    fmt::format("{} bytes, {}", machine.vector_bytes, name(p->stage)));
  }
}

} // namespace gdjit
