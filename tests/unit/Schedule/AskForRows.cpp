// Loops over long rows that ask for the next one: where they do, and that no bit changes.
#include "gdjit/Schedule/Schedule.h"

#include "ScheduledLoops.h"

#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Loop/Verifier.h"
#include "gdjit/Lowering/Expand.h"
#include "gdjit/Memory/Plan.h"

#include <functional>
#include <gmock/gmock.h>

namespace gdjit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// The text of a step, scheduled and planned; its bits are the loops'.
std::string scheduled(const std::vector<Shape>& shapes, int64_t l2_bytes,
                      const std::function<Expr(std::span<const Expr>)>& make) {
  Built b = build(DType::f32, shapes, make);
  PassContext context;
  context.machine = {.vector_bytes = 64, .vector_registers = 32, .l2_bytes = l2_bytes};
  b.loops = expand(b.loops, context);
  const loop::Program program = schedule(b.loops, context);
  const loop::Program planned = plan(program, context);
  const Array expected = interpret(b.loops, b.arguments).outputs[0];
  for (const loop::Program* p : {&program, &planned})
    expect_output(*p, b.arguments, expected);
  return loop::print(planned);
}

/// That of x / (1 + sum over rows of exp(x)), or of exp(x).
std::string scheduled(const Shape& shape, int64_t l2_bytes, bool has_sum = true) {
  return scheduled({shape}, l2_bytes, [&](std::span<const Expr> x) {
    Expr e = apply(Opcode::Exp, x[0]);
    return has_sum ? e / broadcast_to(sum(e, {1}, true) + 1.0, shape) : e;
  });
}

/// That of a gradient: the product of x, transposed, and a few columns.
std::string gradient(int64_t rows, int64_t features, int64_t columns, int64_t l2_bytes) {
  return scheduled({{rows, features}, {rows, columns}}, l2_bytes,
                   [](std::span<const Expr> x) { return weight_gradient(x[0], x[1]); });
}

TEST(AskForRows, ALoopThatPassesOverRowsTwiceAsksForTheNext) {
  // y is stored, x is loaded; what lives within a row is not asked for.
  const std::string text = scheduled({40, 300}, 16384);
  EXPECT_THAT(text, AllOf(HasSubstr("prefetch x0[i+1, j]"), HasSubstr("prefetch y[i+1, j]"),
                          HasSubstr(": f32[300] = temporary")));
  EXPECT_EQ(text.find("prefetch x0", text.find("prefetch x0") + 1), std::string::npos) << "once";
}

TEST(AskForRows, OtherLoopsDoNot) {
  EXPECT_THAT(scheduled({40, 300}, 1 << 20), Not(HasSubstr("prefetch"))) << "in the second cache";
  EXPECT_THAT(scheduled({40, 200}, 16384), Not(HasSubstr("prefetch"))) << "short rows";
  EXPECT_THAT(scheduled({7, 3000}, 16384), Not(HasSubstr("prefetch"))) << "few rows";
  EXPECT_THAT(scheduled({40, 300}, 16384, false), Not(HasSubstr("prefetch"))) << "one pass";
}

TEST(AskForRows, ALoopOverRowsOnOtherPagesAsksAhead) {
  EXPECT_THAT(gradient(40, 520, 10, 16384), HasSubstr("prefetch x0[k+24, i+16*i1]"))
      << "lanes along the rows of the result";
  EXPECT_THAT(gradient(40, 520, 1, 16384), HasSubstr("prefetch x0[k+l+24, i+16*i1]"))
      << "partial chains";
}

TEST(AskForRows, AheadStaysNearWhereTermsAreInBlocks) {
  EXPECT_THAT(gradient(800, 513, 10, 16384), HasSubstr("prefetch x0[400*b+k+24, i+16*i1]"));
}

TEST(AskForRows, ALoopAlongSeveralRowsAsksForTheNextOnes) {
  const auto product = [](int64_t terms, int64_t columns, int64_t l2_bytes) {
    return scheduled({{40, terms}, {terms, columns}}, l2_bytes,
                     [](std::span<const Expr> x) { return matmul(x[0], x[1]); });
  };
  EXPECT_THAT(product(512, 10, 16384), HasSubstr("prefetch x0[i+i1+2, k+16*l]"));
  EXPECT_THAT(product(512, 10, 1 << 20), Not(HasSubstr("prefetch"))) << "in the second cache";
  EXPECT_THAT(product(240, 10, 16384), Not(HasSubstr("prefetch"))) << "short rows";
  EXPECT_THAT(product(512, 1, 16384), Not(HasSubstr("prefetch"))) << "little work of a line";
}

TEST(AskForRows, OfElementsSideBySideOneOfEachLineIsAskedFor) {
  EXPECT_THAT(gradient(40, 520, 16, 16384),
              AllOf(HasSubstr("prefetch x0[k+24, i+i1]"), HasSubstr("step 16 {"),
                    Not(HasSubstr("x0.rows"))))
      << "and what one vector of columns reads is not copied";
  EXPECT_THAT(gradient(200, 520, 64, 16384), HasSubstr("x0.rows"));
}

TEST(AskForRows, OtherLoopsDoNotAskAhead) {
  EXPECT_THAT(gradient(40, 520, 10, 1 << 20), Not(HasSubstr("prefetch"))) << "in the second cache";
  EXPECT_THAT(gradient(40, 512, 10, 16384), Not(HasSubstr("prefetch"))) << "followed by hardware";
  EXPECT_THAT(gradient(24, 1040, 10, 16384), Not(HasSubstr("prefetch"))) << "few rows";
}

} // namespace
} // namespace gdjit
