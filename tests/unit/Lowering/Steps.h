// Steps built by hand for the tests of lowering, and the chain of meanings that each must keep.
#pragma once

#include "gdjit/Autodiff/Differentiate.h"
#include "gdjit/Interp/GraphInterpreter.h"
#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Loop/Verifier.h"
#include "gdjit/Lowering/Expand.h"
#include "gdjit/Lowering/Fuse.h"
#include "gdjit/Lowering/Lower.h"
#include "gdjit/Memory/Plan.h"
#include "gdjit/Ops/Expr.h"
#include "gdjit/Ops/Verifier.h"
#include "gdjit/Schedule/Schedule.h"
#include "gdjit/Transforms/EliminateDeadCode.h"
#include "gdjit/Transforms/FoldConstants.h"
#include "gdjit/Transforms/Simplify.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace gdjit {

/// A step under construction.
class StepMaker {
public:
  StepMaker() : builder_(step_.graph, step_.signature, Sharing::shared) {
    step_.stage = Stage::Simplified;
  }
  StepMaker(const StepMaker&) = delete;

  Expr input(std::string name, Shape shape, DType type = DType::f32) {
    step_.signature.inputs.push_back({std::move(name), {type, shape}, -1, {}});
    return {&builder_, builder_.input(static_cast<uint32_t>(step_.signature.inputs.size() - 1))};
  }
  Expr state(std::string name, Shape shape, DType type = DType::f32) {
    GraphBuilder initial(step_.signature.initial, step_.signature, Sharing::verbatim);
    Value zeros = initial.constant(TensorType{type, shape}, 0.0);
    step_.signature.states.push_back({std::move(name), {type, shape}, zeros, {}});
    return {&builder_, builder_.state(static_cast<uint32_t>(step_.signature.states.size() - 1))};
  }
  Expr scalar(std::string name, DType type = DType::f32) {
    step_.signature.scalars.push_back({std::move(name), type, 0.5, true, {}});
    return {&builder_, builder_.scalar(static_cast<uint32_t>(step_.signature.scalars.size() - 1))};
  }
  Expr constant(const Array& value) { return {&builder_, builder_.constant(value)}; }
  void name(Expr e, std::string name) { step_.graph.set_name(e.value.node, std::move(name)); }
  void output(std::string name, Expr e) {
    step_.signature.outputs.push_back({std::move(name), e.type(), -1, {}});
    step_.outputs.push_back(e.value);
  }
  void update(uint32_t state, Expr e) {
    step_.signature.updates.push_back({state, {}});
    step_.updates.push_back(e.value);
  }
  /// state <- state - lr * gradient(loss, state)
  void descend(Expr loss, Expr lr, Expr parameter, uint32_t row) {
    update(row, parameter - lr * apply(Opcode::Gradient, loss, parameter));
  }
  const Step& step() const { return step_; }
  /// Gradients expanded, simplified.
  Step differentiated() const {
    PassContext context;
    Step s = step_;
    s.stage = Stage::Declared;
    s = differentiate(s, context);
    s.stage = Stage::Simplified;
    s = eliminate_dead_code(simplify(fold_constants(s, context), context), context);
    return s;
  }

private:
  Step step_;
  GraphBuilder builder_;
};

inline Expr mean(Expr e) {
  std::vector<int64_t> axes;
  for (int i = 0; i < e.shape().rank(); ++i)
    axes.push_back(i);
  return sum(e, axes, false) / static_cast<double>(e.shape().elements());
}

/// Numbers of a type: small ones, a few special ones; indices are 0 to 2.
inline Array random_array(TensorType type, std::mt19937& random, bool indices = false) {
  Array array(type);
  std::uniform_real_distribution<double> small(-3, 3);
  const double special[] = {0.0,
                            -0.0,
                            std::numeric_limits<double>::infinity(),
                            -std::numeric_limits<double>::infinity(),
                            std::numeric_limits<double>::quiet_NaN(),
                            1e30};
  for (int64_t i = 0; i < array.elements(); ++i) {
    double x = small(random);
    if (is_float(type.dtype) && random() % 40 == 0)
      x = special[random() % 6];
    if (type.dtype == DType::boolean)
      x = x > 0;
    array.set(i, indices ? static_cast<double>(random() % 3) : x);
  }
  return array;
}

inline CallArguments random_arguments(const Signature& signature, uint32_t seed) {
  std::mt19937 random(seed);
  CallArguments arguments;
  for (const InputDecl& input : signature.inputs)
    arguments.inputs.push_back(random_array(input.type, random, input.name.starts_with("index")));
  for (const StateDecl& state : signature.states)
    arguments.states.push_back(random_array(state.type, random));
  for (const ScalarDecl& scalar : signature.scalars)
    arguments.scalars.push_back(random_array({scalar.dtype, {}}, random));
  return arguments;
}

inline void expect_same(const CallResults& expected, const CallResults& got,
                        const std::string& what) {
  ASSERT_EQ(expected.outputs.size(), got.outputs.size()) << what;
  ASSERT_EQ(expected.updates.size(), got.updates.size()) << what;
  EXPECT_EQ(expected.status, got.status) << what;
  if (!expected.status.ok())
    return;
  for (size_t i = 0; i < expected.outputs.size(); ++i)
    EXPECT_TRUE(same_bits(expected.outputs[i], got.outputs[i])) << what << ", output " << i;
  for (size_t i = 0; i < expected.updates.size(); ++i)
    EXPECT_TRUE(same_bits(expected.updates[i], got.updates[i])) << what << ", update " << i;
}

/// Messages of a verifier, one a line; "" where every rule is kept.
template <class Verified> std::string complaints(const Verified& verified) {
  Diagnostics diagnostics;
  verify(verified, diagnostics);
  std::string all;
  for (const Diagnostic& d : diagnostics.all())
    all += to_string(d) + "\n";
  return all;
}

inline loop::Program lowered(const Step& step) {
  PassContext context;
  return lower(fuse(step, context), context);
}

/// Graph, fused graph, loops, schedule and plan give the same bits, and each keeps the rules of its
/// language.
inline void expect_chain(const Step& step, uint32_t seed = 1) {
  PassContext context;
  const CallArguments arguments = random_arguments(step.signature, seed);
  CallResults expected = interpret(step, arguments);
  Step fused = fuse(step, context);
  EXPECT_EQ(complaints(fused), "");
  // Positions are reported by node: fuse renumbers them.
  expected.status = interpret(fused, arguments).status;
  expect_same(expected, interpret(fused, arguments), "fused");
  loop::Program program = lower(fused, context);
  ASSERT_EQ(complaints(program), "") << print(program);
  expect_same(expected, interpret(program, arguments), "loops\n" + print(program));
  program = expand(program, context);
  ASSERT_EQ(complaints(program), "") << print(program);
  expect_same(expected, interpret(program, arguments), "expanded\n" + print(program));
  program = schedule(program, context);
  ASSERT_EQ(complaints(program), "") << print(program);
  expect_same(expected, interpret(program, arguments), "scheduled\n" + print(program));
  program = plan(program, context);
  ASSERT_EQ(complaints(program), "") << print(program);
  expect_same(expected, interpret(program, arguments), "planned\n" + print(program));
}

/// Loops at the top of a kernel.
inline size_t outer_loops(const loop::Kernel& kernel) {
  size_t n = 0;
  for (const loop::Statement& s : kernel.body)
    n += s.kind == loop::StatementKind::For;
  return n;
}

/// A network of one hidden layer, large enough that its products stand alone.
inline Step network(StepMaker& m, int64_t batch, int64_t in, int64_t hidden, int64_t out) {
  Expr lr = m.scalar("lr"), x = m.input("x", {batch, in}), y = m.input("y", {batch, out});
  Expr w = m.state("w", {in, hidden}), b = m.state("b", {hidden});
  Expr w2 = m.state("w2", {hidden, out}), b2 = m.state("b2", {out});
  Expr h = apply(Opcode::Relu, matmul(x, w) + broadcast_to(b, {batch, hidden}));
  Expr error = matmul(h, w2) + broadcast_to(b2, {batch, out}) - y;
  Expr loss = mean(error * error);
  m.output("loss", loss);
  m.descend(loss, lr, w, 0);
  m.descend(loss, lr, b, 1);
  m.descend(loss, lr, w2, 2);
  m.descend(loss, lr, b2, 3);
  return m.differentiated();
}

} // namespace gdjit
