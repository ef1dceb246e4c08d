// Results that are joined from partial chains and added up over rows: sums in lanes.
#include "ScheduledLoops.h"
#include "unit/Lowering/Steps.h"

#include "gdjit/Loop/Rewrite.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <gmock/gmock.h>

namespace gdjit {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

/// The sum of (x·w - y)^2 over rows, whose products are partial sums.
Built squares(DType type, int64_t rows, int64_t terms) {
  return build(type, {Shape{rows, terms}, Shape{terms, 1}, Shape{rows, 1}},
               [](std::span<const Expr> x) {
                 Expr error = matmul(x[0], x[1]) - x[2];
                 return sum(error * error, {0, 1}, false);
               });
}

TEST(JoinedLoops, OfWhichSumsAreTakenLeaveThemInLanes) {
  PassContext context;
  context.machine = {.vector_bytes = 64, .vector_registers = 32};
  const std::string text = loop::print(schedule(squares(DType::f32, 40, 32).loops, context));
  EXPECT_THAT(text, HasSubstr("tile t0[1] : f32x16 = -0.0"));
  EXPECT_THAT(text, HasSubstr("set t0[l] = add t0[l], (mul %0, %0)"));
  EXPECT_THAT(text, HasSubstr("set t0[l] = add t0[l], (mul %2, %2) if %1")) << "the last 8 rows";
  EXPECT_THAT(text, Not(HasSubstr("set t0[0]"))) << "one row at a time";
  EXPECT_THAT(context.remarks, Contains(HasSubstr("so are the sums that the results go into")));
}

TEST(JoinedLoops, KeepTheirBitsWithAnyRowsLeftOver) {
  for (DType type : {DType::f32, DType::f64})
    for (int64_t rows : {17, 31, 32, 33, 40, 47, 129, 150})
      for (int64_t terms : {16, 33, 64, 200})
        expect_same_bits(squares(type, rows, terms));
}

/// An optimizer's moments decay in front of the sum of a gradient, which a loop over the rows of a
/// network made; their updates are lanes.
TEST(JoinedLoops, OfWhichWholeVectorsAreJoinedDoWhatFollowsInLanes) {
  StepMaker m;
  Expr x = m.input("x", {100, 2}), y = m.input("y", {100, 1}), w = m.state("w", {2, 13}),
       size = m.state("size", {2, 13}), v = m.state("v", {13, 1});
  Expr error = matmul(apply(Opcode::Relu, matmul(x, w)), v) - y;
  Expr g = apply(Opcode::Gradient, mean(error * error), w);
  Expr next = size * 0.875 + g * g * 0.125;
  m.update(1, next);
  m.update(0, w - g / apply(Opcode::Sqrt, next));
  Step step = m.differentiated();
  step.signature.batch = 100;
  PassContext context;
  context.machine = {.vector_bytes = 64, .vector_registers = 32};
  const std::string text =
      loop::print(schedule(expand(lower(fuse(step, context), context), context), context));
  EXPECT_THAT(text, HasSubstr("store size.next[i, j+lane]")) << text;
  expect_chain(step);
}

/// The sum's elements are read one by one as well: they stay scalars.
TEST(JoinedLoops, LeaveSumsThatSomethingElseReads) {
  const Built built = squares(DType::f32, 32, 32);
  loop::Program program = built.loops;
  loop::for_each(program.kernels[0].body, [](loop::Statement& s) {
    if (s.kind == loop::StatementKind::Join) { // of the sums over rows
      s.kind = loop::StatementKind::Get;
      s.index = {loop::Index{{3, {}}, loop::none, 0}};
    }
  });
  PassContext context;
  context.machine = {.vector_bytes = 64, .vector_registers = 32};
  const loop::Program scheduled = schedule(program, context);
  EXPECT_THAT(loop::print(scheduled), HasSubstr("tile t0[16] : f32 = -0.0"));
  EXPECT_TRUE(same_bits(interpret(program, built.arguments).outputs[0],
                        interpret(scheduled, built.arguments).outputs[0]));
}

} // namespace
} // namespace gdjit
