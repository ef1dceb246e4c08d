// The graph interpreter as a whole: steps, updates, first values of states.
#include "gdjit/Interp/GraphInterpreter.h"

#include "gdjit/Ops/Expr.h"

#include <gtest/gtest.h>

namespace gdjit {
namespace {

Array number(DType type, double value) { return Array(TensorType{type, {}}, {value}); }

TEST(GraphInterpreter, updates_are_simultaneous) {
  Step step;
  TensorType type{DType::f32, {2}};
  step.signature.states = {{"p", type, {}, {}}, {"q", type, {}, {}}};
  step.signature.updates = {{0, {}}, {1, {}}};
  GraphBuilder builder(step.graph, step.signature, Sharing::shared);
  step.updates = {builder.state(1), builder.state(0)};
  CallArguments arguments;
  arguments.states = {Array(type, {1, 2}), Array(type, {3, 4})};
  CallResults results = interpret(step, arguments);
  EXPECT_TRUE(same_bits(results.updates[0], arguments.states[1]));
  EXPECT_TRUE(same_bits(results.updates[1], arguments.states[0]));
}

TEST(GraphInterpreter, a_step_and_all_its_nodes_agree) {
  Step step;
  step.signature.inputs = {{"x", {DType::f64, {3}}, 0, {}}};
  step.signature.scalars = {{"lr", DType::f64, 0, false, {}}};
  GraphBuilder builder(step.graph, step.signature, Sharing::shared);
  Expr x{&builder, builder.input(0)}, lr{&builder, builder.scalar(0)};
  Expr y = x * lr, z = sum(y * y + 1, {0}, false);
  step.outputs = {z.value, y.value, x.value};
  CallArguments arguments;
  arguments.inputs = {Array({DType::f64, {3}}, {1, 2, 3})};
  arguments.scalars = {number(DType::f64, 0.5)};
  CallResults results = interpret(step, arguments);
  EXPECT_EQ(results.outputs[0].at(0), 0.25 + 1 + 2.25 + 3);
  CallStatus status;
  std::vector<Array> nodes = interpret_nodes(step.graph, arguments, status);
  for (size_t i = 0; i < step.outputs.size(); ++i)
    EXPECT_TRUE(same_bits(nodes[step.outputs[i].node], results.outputs[i]));
}

TEST(GraphInterpreter, first_values_are_drawn_at_step_0_with_the_seed) {
  Signature signature;
  signature.scalars = {{"lr", DType::f32, 0.1, true, {}},
                       {"step", DType::i64, 9, true, {}},
                       {"seed", DType::i64, 3, true, {}}};
  Signature scalars = signature;
  GraphBuilder builder(signature.initial, scalars, Sharing::shared);
  Value seed = builder.scalar(2), at = builder.scalar(1);
  Value w = builder.append(
      Opcode::Uniform, {seed, at},
      Attributes().shape(Attr::shape, {4}).dtype(Attr::dtype, DType::f32).text(Attr::stream, "w"));
  Value b = builder.constant({DType::f32, {2}}, 0.5);
  signature.states = {{"w", {DType::f32, {4}}, w, {}}, {"b", {DType::f32, {2}}, b, {}}};

  std::vector<Array> first = initial_values(signature, 7);
  CallArguments arguments;
  arguments.scalars = {number(DType::f32, 0), number(DType::i64, 0), number(DType::i64, 7)};
  CallStatus status;
  std::vector<Array> nodes = interpret_nodes(signature.initial, arguments, status);
  EXPECT_TRUE(same_bits(first[0], nodes[w.node]));
  EXPECT_EQ(first[1].at(1), 0.5);
  EXPECT_FALSE(same_bits(first[0], initial_values(signature, 8)[0]));
}

TEST(GraphInterpreter, a_first_value_read_out_of_range_is_an_error) {
  Signature signature;
  GraphBuilder builder(signature.initial, signature, Sharing::shared);
  Value table = builder.constant(Array({DType::f32, {2}}, {1, 2}));
  Value indices = builder.constant(Array({DType::i64, {3}}, {0, 1, 2}));
  signature.states = {
      {"t", {DType::f32, {3}}, builder.append(Opcode::Gather, {table, indices}), {}}};
  try {
    initial_values(signature, 1);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    EXPECT_EQ(error.diagnostics()[0].message,
              "gather: index out of range at position 2 of its indices, counted from 0");
  }
}

TEST(GraphInterpreter, a_gradient_node_is_an_internal_error) {
  Step step;
  step.signature.inputs = {{"x", {DType::f32, {}}, -1, {}}};
  GraphBuilder builder(step.graph, step.signature, Sharing::shared);
  Value x = builder.input(0);
  step.outputs = {builder.append(Opcode::Gradient, {x, x})};
  CallArguments arguments;
  arguments.inputs = {number(DType::f32, 1)};
  EXPECT_THROW(interpret(step, arguments), InternalError);
}

TEST(GraphInterpreter, a_matmul_of_the_size_of_a_layer) {
  Step step;
  TensorType a{DType::f32, {64, 784}}, b{DType::f32, {784, 128}};
  step.signature.inputs = {{"a", a, -1, {}}, {"b", b, -1, {}}};
  GraphBuilder builder(step.graph, step.signature, Sharing::shared);
  step.outputs = {builder.append(Opcode::Matmul, {builder.input(0), builder.input(1)})};
  CallArguments arguments;
  arguments.inputs = {Array(a), Array(b)};
  for (int64_t i = 0; i < a.elements(); ++i)
    arguments.inputs[0].set(i, 1);
  for (int64_t i = 0; i < b.elements(); ++i)
    arguments.inputs[1].set(i, 0.5);
  EXPECT_EQ(interpret(step, arguments).outputs[0].at(8191), 392);
}

} // namespace
} // namespace gdjit
