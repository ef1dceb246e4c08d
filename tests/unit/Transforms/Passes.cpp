// The exact graph passes: what each leaves, that bits stay, and that each tells the truth about
// having changed anything.
#include "StepBuilder.h"
#include "gdjit/IR/Text.h"
#include "gdjit/Interp/GraphInterpreter.h"
#include "gdjit/Transforms/EliminateDeadCode.h"
#include "gdjit/Transforms/FoldConstants.h"
#include "gdjit/Transforms/PruneInputs.h"
#include "gdjit/Transforms/ShareCommonSubexpressions.h"
#include "gdjit/Transforms/Simplify.h"
#include "gdjit/Transforms/Specialize.h"
#include "gdjit/Transforms/StructuralHash.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <gtest/gtest.h>

using namespace gdjit;
using gdjit::testing::StepBuilder;

namespace {

constexpr TensorType row{DType::f32, {4}};
using GraphPass = Step (*)(Step, PassContext&);

int count(const Step& step, Opcode op) {
  int n = 0;
  for (NodeId i = 0; i < step.graph.size(); ++i)
    n += step.graph.op(i) == op;
  return n;
}

/// Runs a pass and checks what it says by the structural hash.
Step run(GraphPass pass, const Step& step, PassContext context = {}) {
  context.changed = false;
  Step result = pass(step, context);
  EXPECT_EQ(structural_hash(result) != structural_hash(step), context.changed);
  return result;
}

TEST(Specialize, takes_the_branch_of_the_mode) {
  StepBuilder b;
  Expr x = b.input("x", row), training = b.scalar("training", DType::boolean);
  Expr off = apply(Opcode::LogicalNot, broadcast_to(training, row.shape));
  b.output("y", select(off, x * 2, x * 3));
  for (bool mode : {true, false}) {
    PassContext context;
    context.training = mode;
    Step step = run(eliminate_dead_code, run(specialize, b.step(), context));
    EXPECT_EQ(count(step, Opcode::Select), 0);
    EXPECT_EQ(count(step, Opcode::Scalar), 0);
    CallArguments arguments{
        {Array(row, {1, 2, 3, 4})}, {}, {Array(TensorType{DType::boolean, {}})}};
    EXPECT_EQ(interpret(step, arguments).outputs[0].at(1), mode ? 6 : 4);
  }
}

TEST(Specialize, changes_nothing_without_the_scalar) {
  StepBuilder b;
  b.output("y", b.input("x", row) * 2);
  EXPECT_EQ(print(run(specialize, b.step())), print(b.step()));
}

TEST(EliminateDeadCode, keeps_the_signature_and_what_results_need) {
  StepBuilder b;
  Expr x = b.input("x", row), unused = b.input("unused", row), w = b.state("w", row);
  apply(Opcode::Exp, unused);
  b.output("y", x + 1);
  b.update(w, w * 2);
  Step step = run(eliminate_dead_code, b.step());
  EXPECT_EQ(count(step, Opcode::Exp), 0);
  EXPECT_EQ(count(step, Opcode::Input), 1);
  EXPECT_EQ(step.signature.inputs.size(), 2u);
  EXPECT_EQ(count(step, Opcode::State), 1);
  run(eliminate_dead_code, step);
}

TEST(EliminateDeadCode, keeps_what_reports_an_index_out_of_range) {
  StepBuilder b;
  Expr labels = b.input("y", {DType::i64, {3}});
  Expr rows = apply(Opcode::OneHot, labels,
                    Attributes().integer(Attr::depth, 3).dtype(Attr::dtype, DType::f32));
  b.output("n", sum(sum(rows, {1}, false), {0}, false));
  Step simple = run(eliminate_dead_code, run(simplify, b.step()));
  EXPECT_EQ(count(simple, Opcode::OneHot), 1);
  CallArguments arguments;
  arguments.inputs.push_back(Array({DType::i64, {3}}, {0, 9, 2}));
  CallResults results = interpret(simple, arguments);
  EXPECT_FALSE(results.status.ok());
  EXPECT_EQ(results.outputs[0].at(0), 2);
}

TEST(ShareCommonSubexpressions, equal_nodes_become_one) {
  StepBuilder b;
  Expr x = b.input("x", row);
  b.output("y", apply(Opcode::Exp, x) + apply(Opcode::Exp, x));
  Step step = run(share_common_subexpressions, b.step());
  EXPECT_EQ(count(step, Opcode::Exp), 1);
  run(share_common_subexpressions, step);
}

TEST(FoldConstants, computes_small_literals_and_repeated_numbers_of_any_size) {
  StepBuilder b;
  TensorType large{DType::f32, {1000, 10}};
  Expr x = b.input("x", large);
  b.output("y", x * apply(Opcode::Sqrt, b.constant(large, 4)));
  b.output("z", apply(Opcode::Sum, b.constant(TensorType{DType::f32, {3}}, {1, 2, 4}),
                      Attributes().integers(Attr::axes, {0})));
  Step step = run(eliminate_dead_code, run(fold_constants, b.step()));
  EXPECT_EQ(count(step, Opcode::Sqrt), 0);
  EXPECT_EQ(count(step, Opcode::Sum), 0);
  CallArguments arguments{{Array(large)}, {}, {}};
  EXPECT_EQ(interpret(step, arguments).outputs[1].at(0), 7);
  for (NodeId n = 0; n < step.graph.size(); ++n)
    if (step.graph.op(n) == Opcode::Constant)
      EXPECT_EQ(step.graph.type(n).elements(), 1);
  run(fold_constants, step);
}

TEST(FoldConstants, leaves_an_index_out_of_range_to_the_call) {
  StepBuilder b;
  Expr data = b.constant(row, {1, 2, 3, 4}), index = b.constant({DType::i32, {1}}, 9);
  b.output("y", apply(Opcode::Gather, data, index));
  Step step = run(fold_constants, b.step());
  EXPECT_EQ(count(step, Opcode::Gather), 1);
  EXPECT_FALSE(interpret(step, {}).status.ok());
}

TEST(FoldConstants, keeps_integers_beyond_two_to_the_53) {
  StepBuilder b;
  Array big(TensorType{DType::i64, {}});
  big.data<int64_t>()[0] = (int64_t{1} << 53) + 1;
  Expr c{&b.builder(), b.builder().constant(big)};
  b.output("y", broadcast_to(c, {2}) + b.constant({DType::i64, {2}}, 2));
  Step step = run(fold_constants, b.step());
  EXPECT_EQ(count(step, Opcode::Add), 0);
  EXPECT_EQ(interpret(step, {}).outputs[0].data<int64_t>()[1], (int64_t{1} << 53) + 3);
}

TEST(Simplify, reaches_the_fixed_point_in_one_walk) {
  StepBuilder b;
  Expr x = b.input("x", row);
  Expr y = -(-(x * 1)) - 0;                                                   // x
  y = reshape(transpose(transpose(reshape(y, {2, 2}), {1, 0}), {1, 0}), {4}); // x
  b.output("y", y / 1);
  Step step = run(eliminate_dead_code, run(simplify, b.step()));
  EXPECT_EQ(step.graph.size(), 1u) << print(step);
  run(simplify, step);
}

TEST(Simplify, is_exact_on_corner_values_for_every_op) {
  // Two operands that rules look for: constants 0, -0, 1, -1, 2, and the other operand itself.
  for (int i = 0; i < opcode_count; ++i) {
    Opcode op = static_cast<Opcode>(i);
    if (kind(op) != OpKind::Pointwise || operand_count(op) != 2)
      continue;
    for (DType dtype : {DType::f32, DType::f64, DType::i32, DType::i64, DType::boolean})
      for (double c : {0.0, -0.0, 1.0, -1.0, 2.0, 0.25})
        for (int form = 0; form < 3; ++form) {
          StepBuilder b;
          TensorType type{dtype, {64}};
          Expr x = b.input("x", type), k = b.constant(type, c);
          try {
            b.output("y", form == 0   ? apply(op, x, k)
                          : form == 1 ? apply(op, k, x)
                                      : apply(op, x, x));
            if (dtype != DType::boolean) {
              b.output("n", form == 0   ? apply(op, -x, k)
                            : form == 1 ? apply(op, k, -x)
                                        : apply(op, -x, -x));
              b.output("yy", apply(op, apply(op, x, k), k));
            }
          } catch (const Error&) {
            continue; // not of this type
          }
          CallArguments arguments = random_arguments(b.step().signature, 5, 3, true);
          Step step = run(simplify, b.step());
          EXPECT_EQ(first_difference(step.signature, interpret(b.step(), arguments),
                                     interpret(step, arguments)),
                    "")
              << name(op) << " " << name(dtype) << " " << c << " form " << form << "\n"
              << print(step);
        }
  }
}

TEST(PruneInputs, prediction_asks_only_for_what_its_outputs_need) {
  StepBuilder b;
  b.input("y", row);
  Expr x = b.input("x", row), noise = b.input("noise", row);
  Expr training = b.scalar("training", DType::boolean);
  b.output("p", select(broadcast_to(training, row.shape), x * noise, x * 2));
  PassContext context;
  context.training = false;
  Step step = run(prune_inputs, b.step(), context);
  ASSERT_EQ(step.signature.inputs.size(), 1u);
  EXPECT_EQ(step.signature.inputs[0].name, "x");
  CallArguments arguments{{Array(row, {1, 2, 3, 4})}, {}, {Array(TensorType{DType::boolean, {}})}};
  EXPECT_EQ(interpret(step, arguments).outputs[0].at(3), 8);
}

TEST(Passes, a_chain_of_a_million_nodes_passes_all_of_them) {
  StepBuilder b;
  Expr x = b.input("x", {DType::f32, {}});
  for (int i = 0; i < 1'000'000; ++i)
    x = i % 3 == 0 ? -x : i % 3 == 1 ? apply(Opcode::Tanh, x) : x * 1;
  b.output("y", x);
  Step step = b.step();
  for (GraphPass pass :
       {specialize, share_common_subexpressions, fold_constants, simplify, eliminate_dead_code})
    step = run(pass, step);
  EXPECT_EQ(count(step, Opcode::Multiply), 0);
  EXPECT_GT(step.graph.size(), 500'000u);
}

} // namespace
