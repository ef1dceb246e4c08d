// Remarks name a loop so that it cannot be taken for another one of the kernel.
#include "ScheduledLoops.h"

#include "gdjit/Loop/Text.h"

#include <gmock/gmock.h>

namespace gdjit {
namespace {

using testing::Contains;
using testing::HasSubstr;

/// Two products in one kernel: both have loops i, j and k.
TEST(LoopNames, LoopsOfOneNameAreToldApartInRemarksAndNotInTheText) {
  Built b =
      build(DType::f32, {Shape{4, 8}, Shape{8, 3}, Shape{3, 32}}, [](std::span<const Expr> x) {
        return matmul(apply(Opcode::Relu, matmul(x[0], x[1])), x[2]);
      });
  PassContext context;
  const std::string text = loop::print(schedule(b.loops, context));
  EXPECT_THAT(context.remarks, Contains(HasSubstr(" of relu")));
  EXPECT_THAT(text, testing::Not(HasSubstr(" of relu")));
}

TEST(LoopNames, OneLoopOfANameKeepsIt) {
  Built b = build(DType::f32, {Shape{64, 32}, Shape{32, 64}},
                  [](std::span<const Expr> x) { return matmul(x[0], x[1]); });
  PassContext context;
  schedule(b.loops, context);
  EXPECT_THAT(context.remarks, Contains(HasSubstr("loop j in vectors of ")));
}

} // namespace
} // namespace gdjit
