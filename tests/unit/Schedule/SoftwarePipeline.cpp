// Work behind the terms of a tile that stands between the terms of the next: where it does, and
// that no bit changes.
#include "gdjit/Schedule/Schedule.h"

#include "StepBuilder.h"

#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Loop/Verifier.h"
#include "gdjit/Lowering/Fuse.h"
#include "gdjit/Lowering/Lower.h"
#include "gdjit/Memory/Plan.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <gmock/gmock.h>

namespace gdjit {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

/// w' = w - m' / (sqrt(v') + 1e-8) with moments of x0 of [terms, rows] transposed times x1 of
/// [terms, 64]; or, where it is `plain`, w' = w - 0.1 of the product.
Step update_step(DType type, int64_t rows, int64_t terms, bool plain = false) {
  testing::StepBuilder b(Sharing::shared);
  const TensorType result{type, Shape{rows, 64}};
  Expr x = b.input("x", {type, Shape{terms, rows}}), d = b.input("d", {type, Shape{terms, 64}});
  Expr m = b.state("m", result), v = b.state("v", result), w = b.state("w", result);
  Expr g = matmul(x, d, true);
  if (plain) {
    b.update(w, w - g * 0.1);
    return b.step();
  }
  Expr first = m * 0.9 + g * 0.1, second = v * 0.99 + g * g * 0.01;
  b.update(m, first);
  b.update(v, second);
  b.update(w, w - first * 0.1 / (apply(Opcode::Sqrt, second) + 1e-8));
  return b.step();
}

struct Scheduled {
  loop::Program loops, program;
  PassContext context;
  std::string text;
};

Scheduled scheduled(const Step& step, int threads = 1) {
  Scheduled s;
  s.context.threads = threads;
  s.context.machine = {.vector_bytes = 64, .vector_registers = 32, .l1_bytes = 4096};
  s.context.machine.least_shared = 1;
  Step simplified = step;
  simplified.stage = Stage::Simplified;
  s.loops = lower(fuse(simplified, s.context), s.context);
  s.program = schedule(s.loops, s.context);
  s.text = loop::print(s.program);
  return s;
}

void expect_same_bits(const Step& step, const Scheduled& s) {
  const CallArguments arguments = random_arguments(step.signature, 3, 1);
  const CallResults expected = interpret(s.loops, arguments);
  PassContext context = s.context;
  const loop::Program planned = plan(s.program, context);
  for (const loop::Program* p : {&s.program, &planned}) {
    Diagnostics diagnostics;
    verify(*p, diagnostics);
    ASSERT_NO_THROW(diagnostics.throw_if_any(ErrorCode::internal));
    const CallResults results = interpret(*p, arguments);
    for (size_t i = 0; i < expected.updates.size(); ++i)
      EXPECT_TRUE(same_bits(expected.updates[i], results.updates[i])) << i;
  }
  EXPECT_THAT(loop::print(planned), HasSubstr("update w, same as w")) << "still in place";
}

TEST(SoftwarePipeline, WorkThatWaitsForADivisionStandsBetweenTheTermsOfTheNextTile) {
  for (DType type : {DType::f32, DType::f64}) {
    const Step step = update_step(type, 120, 250);
    const Scheduled s = scheduled(step);
    EXPECT_THAT(s.context.remarks,
                Contains(HasSubstr("between terms of a tile over loop i the work behind the one "
                                   "before, a vector every 10 terms")));
    EXPECT_THAT(s.text,
                AllOf(HasSubstr("  for i in 12..120 step 12 "), HasSubstr("prefetch w[i+i1"),
                      HasSubstr("load w[i+i1-12"), HasSubstr("for k in 240..250 ")));
    expect_same_bits(step, s);
  }
}

TEST(SoftwarePipeline, RowsThatAreLeftOverHaveATileOfTheirOwn) {
  const Step step = update_step(DType::f32, 126, 240);
  const Scheduled s = scheduled(step);
  EXPECT_THAT(s.text,
              AllOf(HasSubstr("  for i in 12..120 step 12 "), HasSubstr("for i in 120..126 step 6"),
                    Not(HasSubstr("k in 240..240"))));
  expect_same_bits(step, s);
}

TEST(SoftwarePipeline, EachThreadHasTilesOfItsOwn) {
  const Step step = update_step(DType::f32, 240, 240);
  const Scheduled s = scheduled(step, 2);
  EXPECT_THAT(s.text, AllOf(HasSubstr("parallel for p"), HasSubstr("  for i in 12..120 step 12 "),
                            HasSubstr(": f32[2,12,32] = temporary")));
  expect_same_bits(step, s);
}

TEST(SoftwarePipeline, OtherWorkStaysBehindItsTile) {
  EXPECT_THAT(scheduled(update_step(DType::f32, 120, 256, true)).text,
              Not(HasSubstr("prefetch w[")))
      << "nothing that waits";
  EXPECT_THAT(scheduled(update_step(DType::f32, 120, 100)).text,
              AllOf(Not(HasSubstr("prefetch w[")), HasSubstr("step 14")))
      << "4 terms a vector";
  EXPECT_THAT(scheduled(update_step(DType::f32, 42, 256)).text,
              AllOf(Not(HasSubstr("prefetch w[")), HasSubstr("step 14")))
      << "loops over 2 tiles";
}

} // namespace
} // namespace gdjit
