// Copies that the first tile makes of what it uses: where it does, and that no bit changes.
#include "gdjit/Schedule/Schedule.h"

#include "StepBuilder.h"

#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Loop/Verifier.h"
#include "gdjit/Lowering/Fuse.h"
#include "gdjit/Lowering/Lower.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <gmock/gmock.h>

namespace gdjit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// Schedules x w + 1 for matrices of these extents, w or its transposed, and returns the text; its
/// bits are the loops'.
std::string scheduled(int64_t rows, int64_t terms, bool transposed = false, int threads = 1) {
  constexpr int64_t columns = 64;
  testing::StepBuilder b(Sharing::shared);
  Expr x = b.input("x", {DType::f32, Shape{rows, terms}});
  Expr w = b.input("w", {DType::f32, transposed ? Shape{columns, terms} : Shape{terms, columns}});
  b.output("y", matmul(x, w, false, transposed) + 1.0);
  Step step = b.step();
  step.stage = Stage::Simplified;
  PassContext context;
  context.threads = threads;
  context.machine = {.vector_bytes = 64, .vector_registers = 32, .l1_bytes = 4096};
  context.machine.least_shared = 1;
  const loop::Program loops = lower(fuse(step, context), context);
  const loop::Program program = schedule(loops, context);
  Diagnostics diagnostics;
  verify(program, diagnostics);
  EXPECT_NO_THROW(diagnostics.throw_if_any(ErrorCode::internal));
  const CallArguments arguments = random_arguments(step.signature, 5, 1);
  EXPECT_TRUE(
      same_bits(interpret(loops, arguments).outputs[0], interpret(program, arguments).outputs[0]));
  return loop::print(program);
}

TEST(FirstTile, CopiesWhatTheOthersReadAgain) {
  const std::string text = scheduled(126, 80);
  EXPECT_THAT(text, AllOf(HasSubstr("prefetch w[k+8, j+j1]"), HasSubstr("store w.panel"),
                          HasSubstr("  for i in 14..126 step 14 ")));
  EXPECT_LT(text.find("tile t"), text.find("store w.panel")) << "no copy in front";
}

TEST(FirstTile, CopiesTheTermsOfAllBlocks) {
  const std::string text = scheduled(126, 512);
  EXPECT_THAT(text, AllOf(HasSubstr("prefetch w[256*b+k+8, j+j1]"), HasSubstr("store w.panel"),
                          HasSubstr("  for i in 14..126 step 14 ")));
  EXPECT_LT(text.find("tile t"), text.find("store w.panel")) << "no copy in front";
}

TEST(FirstTile, OfEachThreadCopiesItsOwn) {
  EXPECT_THAT(scheduled(252, 80, false, 2),
              AllOf(HasSubstr("parallel for p"), HasSubstr("store w.panel"),
                    HasSubstr("  for i in 14..126 step 14 ")));
}

TEST(FirstTile, CopiesNothingWhereThatWouldBeMuchCodeForLittle) {
  const std::string many = scheduled(14 * 65, 80);
  EXPECT_THAT(many, AllOf(HasSubstr("store w.panel"), Not(HasSubstr("prefetch"))));
  EXPECT_LT(many.find("store w.panel"), many.find("tile t"));
  EXPECT_THAT(scheduled(126, 40), Not(HasSubstr("prefetch"))) << "few terms";
}

TEST(FirstTile, OfTheRowsThatRemainTurnsBlocksAheadOfItsTerms) {
  const std::string text = scheduled(126, 80, true);
  EXPECT_THAT(text,
              AllOf(HasSubstr("unrolled for i in 117..126 step 9"),
                    HasSubstr("  for k in 0..72 step 8 "), HasSubstr("prefetch w[j+"),
                    HasSubstr("  for k in 72..80 "), HasSubstr("  for i in 0..117 step 13 ")));
  EXPECT_LT(text.find("tile t"), text.find("store w.panel")) << "no copy in front";
  EXPECT_LT(text.find("117..126"), text.find("0..117"));
  EXPECT_THAT(scheduled(252, 80, true, 2),
              AllOf(HasSubstr("parallel for p"), HasSubstr("  for k in 0..72 step 8 ")));
}

TEST(FirstTile, TurnsTheTermsOfAllBlocks) {
  EXPECT_THAT(scheduled(126, 512, true),
              AllOf(HasSubstr("  for b in 0..2 "), HasSubstr("  for k in 0..248 step 8 "),
                    HasSubstr("store w.panel"), HasSubstr("  for k in 248..256 ")));
}

TEST(FirstTile, TurnsWhatMakesNoWholeBlockInFront) {
  const std::string text = scheduled(126, 102, true);
  EXPECT_THAT(text, AllOf(HasSubstr("  for k in 0..88 step 8 "), HasSubstr("  for k in 88..102 ")));
  EXPECT_LT(text.find("store w.panel"), text.find("117..126")) << "6 terms";
}

TEST(FirstTile, TurnsNothingWhereNoRowsRemainForIt) {
  EXPECT_THAT(scheduled(15, 80, true), AllOf(HasSubstr("transpose"), Not(HasSubstr("prefetch"))));
  EXPECT_THAT(scheduled(126, 520, true), // blocks of 260
              AllOf(HasSubstr("transpose"), Not(HasSubstr("prefetch"))));
}

} // namespace
} // namespace gdjit
