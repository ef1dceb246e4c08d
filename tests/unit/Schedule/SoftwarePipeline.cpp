// Work behind the terms of a tile that stands between the terms of the next: where it does, and
// that no bit changes.
#include "gdjit/Schedule/Schedule.h"

#include "StepBuilder.h"

#include "gdjit/Driver/ReadStep.h"
#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Loop/Verifier.h"
#include "gdjit/Lowering/Fuse.h"
#include "gdjit/Lowering/Lower.h"
#include "gdjit/Memory/Plan.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <fmt/format.h>
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

/// y[i, j] = sqrt(product of x and d + y[i, j]) in tiles of 2 by 1 vectors, with `head` in front of
/// each, `factor` in the place of an element of d, and `more` behind each store.
std::string tiles_of_text(const std::string& head, const std::string& factor,
                          const std::string& more = "") {
  return fmt::format(
      "gdir 1\nstage loops\nmodel m\nstep training\nbatch 0\n\n"
      "input x : f32[100,16]\ninput d : f32[100,32]\noutput y : f32[16,32]\noutput z : "
      "f32[16,32]\n\n"
      "buffer x : f32[100,16] = input x\nbuffer d : f32[100,32] = input d\n"
      "buffer y : f32[16,32] = output y\nbuffer z : f32[16,32] = output z\n\n"
      "kernel k0 \"\" {{\n  for i in 0..16 {{\n    for j in 0..32 {{\n"
      "      store y[i, j] = x[j, i]\n      store z[i, j] = 0.5\n    }}\n  }}\n  for i in 2..16 "
      "step 2 {{\n{}"
      "    tile t0[2, 1] : f32x16 = -0.0\n    for k in 0..100 {{\n"
      "      unrolled for r in 0..2 {{\n        unrolled for v in 0..1 {{\n          %8 = {}\n"
      "          set t0[r, v] = fma x[k, i+r], %8, t0[r, v]\n        }}\n      }}\n    }}\n"
      "    unrolled for r in 0..2 {{\n      unrolled for v in 0..1 {{\n"
      "        %9 = sqrt (mul t0[r, v], t0[r, v])\n"
      "        store y[i+r, 16*v+lane] = %9\n{}      }}\n    }}\n  }}\n}}\n\nend\n",
      head, factor, more);
}

TEST(SoftwarePipeline, WorkWhoseResultsAreReadStaysBehindItsTile) {
  const std::string d = "load d[k, 16*v+lane] : f32x16";
  auto remarks = [](const std::string& text) {
    const loop::Program read = read_step(text, "t.gdir").program;
    PassContext context;
    context.machine = {.vector_bytes = 64, .vector_registers = 5}; // for one such tile
    const CallArguments arguments = random_arguments(read.signature, 3, 1);
    EXPECT_EQ(first_difference(read.signature, interpret(read, arguments),
                               interpret(schedule(read, context), arguments)),
              "")
        << text;
    return context.remarks;
  };
  const auto late = Contains(HasSubstr("the work behind the one before"));
  EXPECT_THAT(remarks(tiles_of_text("", d)), late);
  EXPECT_THAT(remarks(tiles_of_text("    %0 = load y[1, 3]\n", "add (" + d + "), %0")), Not(late))
      << "by what stands in front of the next tile";
  EXPECT_THAT(remarks(tiles_of_text("", "load y[i+r-2, 16*v+lane] : f32x16")), Not(late))
      << "by its terms";
  EXPECT_THAT(remarks(tiles_of_text("", d,
                                    "        %10 = load y[i+r, 16*v+lane] : f32x16\n"
                                    "        store z[i+r, 16*v+lane] = sqrt (mul %10, %9)\n")),
              Not(late))
      << "by itself";
}

} // namespace
} // namespace gdjit
