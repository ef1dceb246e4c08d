// Loops over long rows that ask for the next one: where they do, and that no bit changes.
#include "gdjit/Schedule/Schedule.h"

#include "ScheduledLoops.h"

#include "gdjit/Interp/LoopInterpreter.h"
#include "gdjit/Loop/Text.h"
#include "gdjit/Loop/Verifier.h"
#include "gdjit/Lowering/Expand.h"
#include "gdjit/Memory/Plan.h"

#include <gmock/gmock.h>

namespace gdjit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// The text of x / (1 + sum over rows of exp(x)), or of exp(x), scheduled and planned; its bits are
/// the loops'.
std::string scheduled(const Shape& shape, int64_t l2_bytes, bool has_sum = true) {
  Built b = build(DType::f32, {shape}, [&](std::span<const Expr> x) {
    Expr e = apply(Opcode::Exp, x[0]);
    return has_sum ? e / broadcast_to(sum(e, {1}, true) + 1.0, shape) : e;
  });
  PassContext context;
  context.machine = {.vector_bytes = 64, .vector_registers = 32, .l2_bytes = l2_bytes};
  b.loops = expand(b.loops, context);
  const loop::Program program = schedule(b.loops, context);
  const loop::Program planned = plan(program, context);
  const Array expected = interpret(b.loops, b.arguments).outputs[0];
  for (const loop::Program* p : {&program, &planned}) {
    Diagnostics diagnostics;
    verify(*p, diagnostics);
    EXPECT_NO_THROW(diagnostics.throw_if_any(ErrorCode::internal));
    EXPECT_TRUE(same_bits(expected, interpret(*p, b.arguments).outputs[0]));
  }
  return loop::print(planned);
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

} // namespace
} // namespace gdjit
