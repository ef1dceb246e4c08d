// A training step written as Loop IR by hand: p = x w + b, loss = mean((p - y)^2), both updated
// with rate lr.
#pragma once

#include "unit/CodeGen/LoopBuilder.h"

#include "gdjit/JIT/Executable.h"
#include "gdjit/JIT/StepFunction.h"

namespace gdjit::test {

/// Scalars: lr (no default), step and seed, which are written to the output "call" beside the loss.
inline loop::Program linear_step(int64_t rows, bool training = true, int turns = 1) {
  constexpr ValueType f{DType::f64, 1};
  LoopBuilder b;
  BufferId x = b.input("x", {DType::f64, {rows, 1}}), y = b.input("y", {DType::f64, {rows}});
  for (InputDecl& input : b.program().signature.inputs)
    input.batch_axis = 0;
  BufferId w = b.state("w", {DType::f64, {1}}), c = b.state("b", {DType::f64, {1}});
  BufferId lr = b.scalar("lr", DType::f64);
  BufferId step = b.scalar("step", DType::i64), seed = b.scalar("seed", DType::i64);
  BufferId loss = b.output("loss", {DType::f64, {}}), call = b.output("call", {DType::i64, {2}});
  BufferId residual = b.output("residual", {DType::f64, {rows}});
  b.store(call, {fixed(0)}, b.load(step, {}));
  b.store(call, {fixed(1)}, b.load(seed, {}));
  b.begin(0, turns);
  ValueId wv = b.load(w, {fixed(0)}), cv = b.load(c, {fixed(0)}), rate = b.load(lr, {});
  TileId sums = b.tile(f, {3}, -0.0);
  LoopId i = b.begin(0, rows);
  ValueId xv = b.load(x, {at(i), fixed(0)});
  ValueId d =
      b.compute(ScalarOp::sub, f, {b.compute(ScalarOp::fma, f, {wv, xv, cv}), b.load(y, {at(i)})});
  b.store(residual, {at(i)}, d);
  auto accumulate = [&](int64_t k, ValueId by) {
    b.set(sums, {fixed(k)}, b.compute(ScalarOp::fma, f, {d, by, b.get(sums, {fixed(k)})}));
  };
  accumulate(0, d);
  accumulate(1, xv);
  accumulate(2, b.constant(f, 1));
  b.end();
  ValueId mean = b.constant(f, 1.0 / static_cast<double>(rows));
  b.store(loss, {}, b.compute(ScalarOp::mul, f, {b.get(sums, {fixed(0)}), mean}));
  if (training) {
    BufferId w_next = b.update(w), c_next = b.update(c);
    ValueId scale =
        b.compute(ScalarOp::mul, f, {rate, b.constant(f, 2.0 / static_cast<double>(rows))});
    for (auto [next, old, k] : {std::tuple{w_next, wv, 1}, std::tuple{c_next, cv, 2}})
      b.store(next, {fixed(0)},
              b.compute(ScalarOp::sub, f,
                        {old, b.compute(ScalarOp::mul, f, {scale, b.get(sums, {fixed(k)})})}));
  }
  loop::Program program = b.finish();
  program.signature.step = training ? "training" : "evaluation";
  return program;
}

/// Makes a program for each number of rows, and counts how often it was asked.
class LinearCompiler : public StepCompiler {
public:
  explicit LinearCompiler(bool training = true, int turns = 1)
      : training_(training), turns_(turns) {}
  std::shared_ptr<const Executable> compile(int64_t batch) override {
    ++compilations;
    return Executable::compile(linear_step(batch, training_, turns_));
  }
  int compilations = 0;

private:
  bool training_;
  int turns_;
};

inline State linear_state() {
  return State({"w", "b"}, {Array({DType::f64, {1}}), Array({DType::f64, {1}})}, 42);
}

} // namespace gdjit::test
